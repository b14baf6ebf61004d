/** What a model writes after a prompt. */
import { byteTokenizer, generate } from '@burgeon/gpt'
import type { Life } from './life-checkpoint.ts'

/** A sample of about 160 bytes, seeded. */
export async function writeSample({ learner, settings }: Life, prompt: string): Promise<string> {
  const tokens: number[] = []
  const options = { tokens: 160, temperature: 0.7, topP: 0.95, seed: settings.seed }
  const { tokenizer = byteTokenizer } = learner.strategy.vocabulary ?? {}
  for await (const token of generate(learner.model, tokenizer.encode(prompt), options)) tokens.push(token)
  return tokenizer.decode(tokens)
}

/** The first words of a text as a prompt, of its second line where there is one: the first may be cut. `The ` where there are none. */
export function beginningOf(bytes: Uint8Array): string {
  const lines = new TextDecoder().decode(bytes).split('\n')
  const line = [...lines.slice(1), lines[0]].find((text) => /\S\s+\S/.test(text)) ?? ''
  let prompt = ''
  for (const word of line.trim().split(/\s+/)) {
    if (prompt.length + word.length > 24) break
    prompt += `${word} `
  }
  return prompt.trim() === '' ? 'The ' : prompt
}
