/** Text of files is judged in pieces, and nothing personal is cut in two by them. Reaches inside for the pieces. */
import { personalData, redactPersonalData } from '@burgeon/continual'
import { expect, test } from 'vitest'
import { personalItems } from '../../bench/safety/personal-items.ts'
import { judgedPieces, piecesOf } from '../../packages/burgeon/src/session/source/judged-pieces.ts'
import type { SourceChunk } from '../../packages/burgeon/src/sources/read-files.ts'
import { someOf } from '../how-long.ts'

const utf8 = new TextEncoder()
const guard = personalData()
const gate = {
  isGuarded: true,
  admit: (record: { text: string; source: string; domain: string }) => {
    const { verdict, text = record.text, reasons = [] } = guard.admit(record, { step: 0, at: 0 })
    return Promise.resolve({ verdict, text, reasons, trust: 1, by: null })
  },
}

async function* chunks(text: string, size: number): AsyncGenerator<SourceChunk> {
  const bytes = utf8.encode(text)
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve()
    yield {
      domain: 'text',
      bytes: bytes.subarray(at, at + size),
      position: { file: 'f', offset: at, pass: 0 },
    }
  }
}

async function learnt(text: string, size: number): Promise<string> {
  let out = ''
  const decoder = new TextDecoder()
  for await (const { bytes } of judgedPieces(piecesOf(chunks(text, size), true), gate, () => {})) {
    out += decoder.decode(bytes, { stream: true })
  }
  return out
}

const secrets = [
  'anna.maria@mail.example.org',
  '+49 (0) 30 1234567',
  '4111 1111 1111 1111',
  '12 Elm Street, Springfield, IL 62704',
  `-----BEGIN PRIVATE KEY-----\n${`${'aB3/'.repeat(16)}\n`.repeat(20)}-----END PRIVATE KEY-----`,
]

test.each(secrets)('%s is redacted as a whole, wherever a piece may end', async (secret) => {
  // One long line: nothing but blanks to cut at; and lines, for what spans some of them.
  const before = secret.includes('\n') ? 'It rained all day.\n' : 'It rained all day, '
  const places = Array.from({ length: secret.length + 40 }, (_, i) => 4096 - secret.length - 20 + i)
  for (const place of someOf(places, 60)) {
    const head = before.repeat(300).slice(-place)
    const text = `${head} ${secret} ${'and it rained on. '.repeat(300)}`
    const out = await learnt(text, 65_536)
    expect(out, String(place)).toBe(redactPersonalData(text))
    expect(await learnt(text, 1000)).toBe(out)
  }
})

test('a file of many items is redacted as the whole of it is', async () => {
  const text = personalItems(900, 11)
    .map((item) => item.text)
    .join(' It rained. ')
  expect(utf8.encode(text).length).toBeGreaterThan(40_000)
  const out = await learnt(text, 5000)
  expect(out).toBe(redactPersonalData(text))
})
