// Reaches inside: what is tested here is a part of its package, not an entry point.
/** Documents among the files of a source: recognized, read in part and gone on with, left out with a reason. */
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { SourceChunk } from '../../packages/burgeon/src/sources/read-files.ts'
import { readSource, type ReadSourceOptions } from '../../packages/burgeon/src/sources/read-source.ts'
import type { SourceRead } from '../../packages/burgeon/src/sources/source-read.ts'
import { written } from '../front-door/small-checkout.ts'

const documents = new Map<string, string>([
  ['a.md', '# Title\n\n<b>as it lies</b>\n'],
  ['b.html', '<p>one</p><p>t&uuml;o</p>'],
  ['c.jsonl', '{"text":"three"}\n{"text":"four"}\n'],
  ['d.csv', 'n,word\n5,five\n6,six\n'],
  ['page', '\n<!DOCTYPE html><title>seven</title>'],
  ['page.txt', '<html>eight</html>'],
])

/** Text of each file. */
async function read(path: string, options?: ReadSourceOptions): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const [name, bytes] of await bytesOf(path, options)) found[name] = Buffer.concat(bytes).toString()
  return found
}

async function bytesOf(path: string, options?: ReadSourceOptions): Promise<Map<string, Uint8Array[]>> {
  const found = new Map<string, Uint8Array[]>()
  for await (const { bytes, position } of await readSource(path, options)) {
    found.set(position.file, [...(found.get(position.file) ?? []), bytes])
  }
  return found
}

async function whole(path: string, options?: ReadSourceOptions): Promise<SourceRead> {
  const source = await readSource(path, options)
  for await (const { bytes } of source) expect(bytes.length).toBeGreaterThan(0)
  source.finish()
  return JSON.parse(JSON.stringify(source.toState())) as SourceRead
}

test('are known by their ending, and pages by how they begin, too', async () => {
  const root = await written(documents)
  expect(await read(root)).toEqual({
    'a.md': '# Title\n\n<b>as it lies</b>\n',
    'b.html': 'one\ntüo\n',
    'c.jsonl': 'three\nfour\n',
    'd.csv': 'n: 5\nword: five\n\nn: 6\nword: six\n\n',
    page: 'seven\n',
    'page.txt': '<html>eight</html>',
  })
  expect((await read(root, { column: 'word' }))['d.csv']).toBe('five\nsix\n')
  expect(await read(join(root, 'b.html'))).toEqual({ 'b.html': 'one\ntüo\n' })
  const source = await readSource(root)
  expect(source.bytes).toBe(
    Object.values(await read(root)).reduce((sum, text) => sum + Buffer.byteLength(text), 0),
  )
})

test('go on exactly where a run stopped, from any byte of their text', async () => {
  const root = await written(documents)
  const all: SourceChunk[] = []
  for await (const chunk of await readSource(root, { chunkBytes: 1 })) all.push(chunk)
  const textOf = (chunks: readonly SourceChunk[]): string =>
    Buffer.concat(chunks.map(({ bytes }) => bytes)).toString('latin1')
  for (let stop = 0; stop < all.length; stop++) {
    const source = await readSource(root, { chunkBytes: 7 })
    // Whoever reads is ahead of whoever learns.
    for await (const { bytes } of source) expect(bytes.length).toBeLessThan(8)
    const { position } = all[stop]
    source.reached({ ...position, offset: position.offset + 1 })
    const rest: SourceChunk[] = []
    const state = JSON.parse(JSON.stringify(source.toState())) as SourceRead
    for await (const chunk of await readSource(root, { read: state })) rest.push(chunk)
    expect(textOf(rest)).toBe(textOf(all.slice(stop + 1)))
  }
})

test('are learnt from where they were when something was added, and anew when they changed', async () => {
  const root = await written(documents)
  const state = await whole(root)
  expect(state.files.map(({ name, form }) => [name, form])).toEqual([
    ['a.md', undefined],
    ['b.html', 'html/1'],
    ['c.jsonl', 'json lines/1'],
    ['d.csv', 'csv/1'],
    ['page', 'html/1'],
    ['page.txt', undefined],
  ])
  expect(await read(root, { read: state })).toEqual({})
  await appendFile(join(root, 'c.jsonl'), '{"text":"nine"}\n')
  await appendFile(join(root, 'd.csv'), '7,seven\n')
  await writeFile(join(root, 'b.html'), '<p>other</p>')
  const notes: string[] = []
  expect(await read(root, { read: state, note: (line) => notes.push(line) })).toEqual({
    'b.html': 'other\n',
    'c.jsonl': 'nine\n',
    'd.csv': 'n: 7\nword: seven\n\n',
  })
  expect(notes).toEqual(['b.html is not what was read before; reading it from its beginning'])
  // What changed without another text is the same.
  await writeFile(join(root, 'b.html'), '<body><div>one</div>tüo')
  expect(Object.keys(await read(root, { read: state }))).toEqual(['c.jsonl', 'd.csv'])
})

test('are read anew, with a line that says so, when their text is taken out in another way', async () => {
  const root = await written(documents)
  const state = await whole(root)
  const notes: string[] = []
  const again = await read(root, { read: state, column: 'word', note: (line) => notes.push(line) })
  expect(again).toEqual({ 'd.csv': 'five\nsix\n' })
  expect(notes).toEqual(['d.csv is read in another way than before; reading it from its beginning'])
  // As an earlier version left it, which learnt pages with their tags.
  const files = state.files.map(({ form, ...file }) =>
    form === undefined || form === 'html/1' ? file : { ...file, form },
  )
  const earlier: SourceRead = { ...state, files }
  expect(Object.keys(await read(root, { read: earlier }))).toEqual(['b.html', 'page'])
})

test('hold text out of what is learnt, as any file', async () => {
  const rows = Array.from({ length: 600 }, (_, i) => `{"text":"Record ${i} says something of its own."}`)
  const root = await written([['notes.jsonl', rows.join('\n')]])
  const source = await readSource(root, { holdOut: true })
  const [kept] = source.heldOut
  const held = Buffer.from(kept.bytes).toString()
  expect(held).toMatch(/^Record \d+ says something of its own\.\n/)
  const learnt = (await read(root, { holdOut: true }))['notes.jsonl']
  expect(learnt + held).toBe(rows.map((row) => `${(JSON.parse(row) as { text: string }).text}\n`).join(''))
  expect(source.bytes).toBe(Buffer.byteLength(learnt))
})

describe('what has no text to give', () => {
  const hostile = new Map<string, string | Uint8Array>([
    ['deep.html', '<div>'.repeat(5000)],
    ['empty.html', '<script>program()</script>'],
    ['fine.txt', 'fine'],
    ['open.csv', 'a,b\n"1,2\n'],
    ['other.jsonl', '{"other":1}\n'],
    ['zeros.html', new Uint8Array([60, 112, 62, 0])],
  ])

  test('is left out with a line that says why, and the others are read', async () => {
    const notes: string[] = []
    const root = await written(hostile)
    expect(await read(root, { note: (line) => notes.push(line) })).toEqual({ 'fine.txt': 'fine' })
    expect(notes).toEqual([
      'left out deep.html: more than 2048 elements of HTML inside each other',
      'left out empty.html: no text in it',
      'left out open.csv: line 2: got a quote that is never closed',
      'other.jsonl: line 1 is left out: no JSON with text or messages, or longer than 4 MiB',
      'left out other.jsonl: no text in it',
      'left out zeros.html: NUL byte at 3',
    ])
  })

  test('is an error where it is all there is', async () => {
    const root = await written(hostile)
    const names = [...hostile.keys()].filter((name) => name !== 'fine.txt')
    for (const name of names) {
      await expect(readSource(join(root, name)), name).rejects.toMatchObject({
        name: 'StreamError',
        code: 'not-text',
      })
    }
    await expect(readSource(join(root, 'open.csv'))).rejects.toThrow(
      /^learn: no text can be taken out of .*open\.csv \(line 2: got a quote that is never closed\)\./,
    )
  })

  test('is passed over where it became so while others were read', async () => {
    const root = await written(documents)
    const notes: string[] = []
    const source = await readSource(root, { note: (line) => notes.push(line) })
    await writeFile(join(root, 'd.csv'), '"never closed')
    const found: string[] = []
    for await (const { position } of source) found.push(position.file)
    expect(found).toEqual(['a.md', 'b.html', 'c.jsonl', 'page', 'page.txt'])
    expect(notes).toEqual(['passed over d.csv: line 1: got a quote that is never closed'])
    expect(await readFile(join(root, 'a.md'), 'utf8')).toContain('Title')
  })
})
