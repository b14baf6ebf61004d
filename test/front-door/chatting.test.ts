/** `burgeon chat`: what the model is asked, what it answers, and how a talk ends. */
import { join } from 'node:path'
import { Gpt, generate, writeCheckpoint } from '@burgeon/gpt'
import { fromPretrained, nodeDisk, tokenizerFromPretrained } from '@burgeon/gpt/node'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../docs/programs.ts'
import { running } from './running.ts'

const small = join(import.meta.dirname, '../gold/small-llama')
const model = await fromPretrained(small)
const tokenizer = await tokenizerFromPretrained(small)

/** Runs it on some lines until they end. */
async function talk(lines: string, ...args: readonly string[]): Promise<string> {
  const burgeon = running(['chat', '-t', '0', '-n', '8', ...args], temporaryFolder())
  burgeon.child.stdin.end(lines)
  expect(await burgeon.ended, burgeon.said.status).toBe(0)
  return burgeon.said.output
}

/** What the model answers to a prompt. */
async function answered(prompt: string, special: boolean, stopTexts: readonly string[]): Promise<string> {
  const tokens = tokenizer.encode(prompt, { addSpecialTokens: special })
  const how = { tokens: 8, temperature: 0, tokenizer, stopTokens: [2], stopTexts }
  const [{ text = '' }] = await generate(model, [tokens], how)
  return text.trimStart()
}

test('renders the chat template, with all that was said before', async () => {
  const first = await answered('<s>system: Be brief.\nuser: The model\nassistant:', false, [])
  const said = first.trimEnd()
  const second = await answered(
    `<s>system: Be brief.\nuser: The model\nassistant: ${said}\nuser: And then\nassistant:`,
    false,
    [],
  )
  expect(first.length).toBeGreaterThan(3)
  const output = await talk('The model\n\nAnd then', '--from', small, '--system', 'Be brief.')
  expect(output).toBe(`${first}\n${second}\n`)
})

test('writes a plain transcript where there is no template, or none is wanted', async () => {
  const answer = await answered('User: The model\nAssistant:', true, ['\nUser:', '\nAssistant:'])
  expect(await talk('The model\n', '--from', small, '--plain')).toBe(`${answer}\n`)
})

test('lets the oldest turns go when the context is full, and refuses a line that is too long', async () => {
  const lines = Array.from({ length: 8 }, (_, i) => `Line ${i} of it.`).join('\n')
  expect((await talk(lines, '--from', small)).split('\n').length).toBeGreaterThan(8)
  const burgeon = running(['chat', '--from', small, '-n', '4'], temporaryFolder())
  burgeon.child.stdin.end(`${'much too long '.repeat(40)}\nshort\n`)
  expect(await burgeon.ended).toBe(0)
  expect(burgeon.said.status).toMatch(/^burgeon: chat: this line does not fit into the context of 64 tokens/)
  expect(burgeon.said.output.trim()).not.toBe('')
})

/** A model that writes for long. */
async function withLongModel(): Promise<string> {
  const folder = temporaryFolder()
  const long = Gpt.create({ context: 8192, embed: 32, heads: 2, layers: 3, mlpHidden: 64 }, { seed: 1 })
  await writeCheckpoint(nodeDisk(join(folder, 'life')), { model: await long.toState() })
  return folder
}

test('Ctrl-C ends an answer, and then the talk', async () => {
  const burgeon = running(['chat', '-n', '8000', '-t', '0'], await withLongModel())
  burgeon.child.stdin.write('Hello\n')
  await burgeon.says('output', /^:{20}/)
  burgeon.child.kill('SIGINT')
  // Its likeliest token is a colon, always: a line ends only where an answer does.
  await burgeon.says('output', /^:+\n$/)
  burgeon.child.stdin.write('Again\n')
  await burgeon.says('output', /\n:{20}/)
  burgeon.child.kill('SIGINT')
  await burgeon.says('output', /^:+\n:+\n$/)
  burgeon.child.kill('SIGINT')
  expect(await burgeon.ended).toBe(130)
})

test('a reader that goes away ends it', async () => {
  const burgeon = running(['chat', '-n', '8000', '-t', '1'], await withLongModel())
  burgeon.child.stdin.write('Hello\n')
  await burgeon.says('output', /./s)
  burgeon.child.stdout.destroy()
  expect(await burgeon.ended).toBe(0)
})

test('standard input that is closed at once ends it at once', async () => {
  expect(await talk('', '--from', small)).toBe('')
})
