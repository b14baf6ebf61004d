/** Samples: text that a model writes after a prompt. */
import { byteTokenizer, generate } from '@burgeon/gpt'
import type { Life } from './life/life-checkpoint.ts'
import { ownContext } from '../models/saved-labels.ts'
import { speakerOf } from './life/speaker.ts'

/** Text that a model wrote, and its prompt. */
export interface Sample {
  readonly prompt: string
  readonly text: string
}

/**
 * A seeded sample of up to 200 bytes, under the label of what was read last. A prompt ends with a word: in a
 * vocabulary of words the next one begins with its own blank, and a blank of the prompt's would be one too many.
 */
export async function writeSample({ learner, settings, record }: Life, prompt: string): Promise<Sample> {
  const { tokenizer = byteTokenizer } = learner.strategy.vocabulary ?? {}
  const begun = settings.vocabulary === undefined ? prompt : prompt.trimEnd()
  const options = { tokens: 200, temperature: 0.6, topP: 0.9, seed: settings.seed, tokenizer }
  // As what it read last.
  const [label] = ownContext(learner.strategy.context, record.spans.at(-1)?.domain ?? '')
  const before = [...(label?.tokens ?? []), ...tokenizer.encode(begun)]
  const tokens: number[] = []
  for await (const token of generate(speakerOf(learner), before, options)) {
    tokens.push(token)
    if (tokenizer.decode(tokens).length >= 200) break
  }
  return { prompt: begun, text: tokenizer.decode(tokens) }
}

/**
 * The first words of a text as a prompt, of its second line where there is one: the first may be cut. `The `
 * where there are none.
 */
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
