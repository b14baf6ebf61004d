// Reaches inside: what a source is cut into has no entry of its own.
/** A text as records: whole characters, nothing twice, nothing over a gap, and the same again from any border. */
import { expect, test } from 'vitest'
import { cutRecords, type CutRecord } from '../../packages/burgeon/src/session/cluster/cut-records.ts'

type Chunk = Parameters<typeof cutRecords>[0] extends AsyncIterable<infer C> ? C : never

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes)

/** A text in chunks of some sizes, from a place on. */
async function* chunksOf(
  text: Uint8Array,
  sizes: readonly number[],
  { file = 'a', from = 0 }: { file?: string; from?: number } = {},
): AsyncGenerator<Chunk> {
  for (let at = from, i = 0; at < text.length; i++) {
    const bytes = text.subarray(at, at + sizes[i % sizes.length])
    yield { domain: file, bytes, position: { file, offset: at, pass: 0 } }
    await Promise.resolve()
    at += bytes.length
  }
}

async function recordsOf(chunks: AsyncIterable<Chunk>, size = 20, label = 'notes/'): Promise<CutRecord[]> {
  const found: CutRecord[] = []
  for await (const record of cutRecords(chunks, label, size)) found.push(record)
  return found
}

const text = bytesOf('là où l’été 🌻 s’achève, naît un automne doré. '.repeat(12))

test.each([[[7]], [[1]], [[64, 3]], [[1000]]])('however it comes (%j), it is cut the same', async (sizes) => {
  const records = await recordsOf(chunksOf(text, sizes))
  expect(records.map(({ payload }) => textOf(payload)).join('')).toBe(textOf(text))
  expect(records).toEqual(await recordsOf(chunksOf(text, [5])))
  expect(new Set(records.map(({ id }) => id)).size).toBe(records.length)
  for (const { payload } of records.slice(0, -1)) {
    expect(payload.length).toBeLessThanOrEqual(20)
    expect(payload.length).toBeGreaterThan(16)
  }
  expect(records.at(-1)?.position.offset).toBe(text.length)
})

test('from any border on it is cut as before, with the same ids', async () => {
  const records = await recordsOf(chunksOf(text, [33]))
  for (const [i, { position }] of records.slice(0, -1).entries()) {
    const rest = await recordsOf(chunksOf(text, [50], { from: position.offset }))
    expect(rest).toEqual(records.slice(i + 1))
  }
})

test('no record reaches over what is held out, or into another file; a single byte is none', async () => {
  async function* withGaps(): AsyncGenerator<Chunk> {
    yield* chunksOf(text.subarray(0, 30), [30])
    yield* chunksOf(text.subarray(0, 90), [90], { from: 60 })
    yield* chunksOf(bytesOf('x'), [9], { file: 'b' })
    yield* chunksOf(bytesOf('other words'), [4], { file: 'c' })
  }
  const records = await recordsOf(withGaps(), 1000)
  expect(records.map(({ position }) => `${position.file} ${position.offset}`)).toEqual([
    'a 30',
    'a 90',
    'c 11',
  ])
  expect(textOf(records[2].payload)).toBe('other words')
})

test('another place, text or source is another id', async () => {
  const [one] = await recordsOf(chunksOf(bytesOf('the same words'), [50]))
  const others = [
    ...(await recordsOf(chunksOf(bytesOf('the same words'), [50], { file: 'b' }))),
    ...(await recordsOf(chunksOf(bytesOf('the same wordz'), [50]))),
    ...(await recordsOf(chunksOf(bytesOf('the same words'), [50]), 20, 'other/')),
  ]
  for (const { id } of others) expect(id).not.toBe(one.id)
  expect(one.id).toMatch(/^[0-9a-f]{32}$/)
})

test('bytes that are no text are cut all the same', async () => {
  const bytes = Uint8Array.from({ length: 100 }, () => 0x80)
  const records = await recordsOf(chunksOf(bytes, [100]))
  expect(records.reduce((sum, { payload }) => sum + payload.length, 0)).toBe(100)
})
