// Reaches inside: what is tested here is a part of its package, not an entry point.
import { chmod, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  readSource,
  type ReadSourceOptions,
  type SourceChunk,
} from '../../packages/burgeon/src/stream/read-source.ts'
import { written } from './small-checkout.ts'

async function chunks(path: string, options?: ReadSourceOptions): Promise<SourceChunk[]> {
  const found: SourceChunk[] = []
  for await (const chunk of await readSource(path, options)) found.push(chunk)
  return found
}

function joined(all: readonly SourceChunk[]): string {
  return Buffer.concat(all.map(({ bytes }) => bytes)).toString()
}

async function* piped(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield new TextEncoder().encode(part)
}

const folder = new Map<string, string | Uint8Array>([
  ['b.txt', 'bee'],
  ['a/two.txt', 'two'],
  ['a/one.txt', 'one'],
  ['a/deep/three.txt', 'three'],
  ['a-b/x.md', 'x'],
  ['.git/config', 'hidden'],
  ['node_modules/m/index.js', 'foreign'],
  ['picture.png', new Uint8Array([137, 80, 78, 71, 0, 1])],
  ['latin-1.txt', new Uint8Array([0x63, 0x61, 0x66, 0xe9, 0x0a])],
  ['empty.txt', ''],
])

describe('a folder', () => {
  test('is read in the order of paths, tagged by its top-level entries', async () => {
    const found = await chunks(await written(folder))
    expect(
      found.map(({ domain, position, bytes }) => [domain, position.file, Buffer.from(bytes).toString()]),
    ).toEqual([
      ['a-b', 'a-b/x.md', 'x'],
      ['a', 'a/deep/three.txt', 'three'],
      ['a', 'a/one.txt', 'one'],
      ['a', 'a/two.txt', 'two'],
      ['b.txt', 'b.txt', 'bee'],
    ])
  })

  test('tells its size, and which files are left out and why', async () => {
    const root = await written(folder)
    await symlink('/nowhere-at-all', join(root, 'broken'))
    await symlink(root, join(root, 'circle'))
    const notes: string[] = []
    const source = await readSource(root, { note: (line) => notes.push(line) })
    expect(source.bytes).toBe('xthreeonetwobee'.length)
    expect(notes).toEqual([
      'left out broken: cannot be read (ENOENT)',
      'left out circle: a link to something that is not a file',
      'left out empty.txt: empty',
      'left out latin-1.txt: not valid UTF-8',
      'left out picture.png: NUL byte at 4',
    ])
  })

  test('goes on exactly where a run stopped, from any place', async () => {
    const root = await written(folder)
    const whole = await chunks(root, { chunkBytes: 2 })
    const text = joined(whole)
    for (const [i, { position, bytes }] of whole.entries()) {
      const before = joined(whole.slice(0, i)) + Buffer.from(bytes.subarray(0, 1)).toString()
      const from = { file: position.file, offset: position.offset + 1 }
      expect(before + joined(await chunks(root, { from }))).toBe(text)
    }
  })

  test('goes on with the next path when the file it stopped in is gone', async () => {
    expect(joined(await chunks(await written(folder), { from: { file: 'a/gone.txt', offset: 5 } }))).toBe(
      'onetwobee',
    )
  })
})

describe('a file', () => {
  test('gives all its bytes and where they lie, whatever the chunk size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.stringMatching(/^[a-zé\n]{1,300}$/),
        fc.integer({ min: 1, max: 400 }),
        async (text, chunkBytes) => {
          const path = join(await written([['notes.txt', text]]), 'notes.txt')
          const found = await chunks(path, { chunkBytes })
          expect(joined(found)).toBe(text)
          let offset = 0
          for (const { domain, position, bytes } of found) {
            expect([domain, position]).toEqual(['notes.txt', { file: 'notes.txt', offset }])
            offset += bytes.length
          }
        },
      ),
      { numRuns: 25 },
    )
  })

  test('that has grown goes on with what is new', async () => {
    const path = join(await written([['log', 'old']]), 'log')
    await writeFile(path, 'old and new')
    expect(joined(await chunks(path, { from: { file: 'log', offset: 3 } }))).toBe(' and new')
  })

  test('may end its first 64 kB within a character', async () => {
    const path = join(await written([['long.txt', `${'a'.repeat(65_535)}é${'b'.repeat(10)}`]]), 'long.txt')
    expect(joined(await chunks(path))).toContain('éb')
  })
})

describe('standard input', () => {
  test('is one domain, counted from its start', async () => {
    const found = await chunks('-', { stdin: piped('hello ', 'world'), chunkBytes: 4 })
    expect(joined(found)).toBe('hello world')
    expect(found.map(({ domain, position }) => [domain, position.file, position.offset])).toEqual([
      ['stdin', '-', 0],
      ['stdin', '-', 4],
      ['stdin', '-', 6],
      ['stdin', '-', 10],
    ])
    expect((await readSource('-', { stdin: piped('x') })).bytes).toBeNull()
  })

  test('drops what a resumed run has already consumed', async () => {
    for (let offset = 0; offset <= 11; offset++) {
      const found = await chunks('-', { stdin: piped('hello ', 'world'), from: { file: '-', offset } })
      expect(joined(found)).toBe('hello world'.slice(offset))
      if (found.length > 0) expect(found[0].position.offset).toBe(offset)
    }
  })
})

describe('one clear line', () => {
  const fails = async (path: string, code: string, options?: ReadSourceOptions): Promise<void> => {
    const error: unknown = await chunks(path, options).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ name: 'StreamError', code })
    expect((error as Error).message).not.toContain('\n')
  }

  test('for a missing path', () => fails('/no/such/path', 'missing-path'))
  test('for a folder without a text file', async () =>
    fails(await written([['x.bin', new Uint8Array(4)]]), 'no-text-file'))
  test('for an empty file', async () => fails(join(await written([['e', '']]), 'e'), 'empty-input'))
  test('for empty standard input', () => fails('-', 'empty-input', { stdin: piped() }))
  test('for a binary file', async () => fails(join(await written([['b', 'a\0b']]), 'b'), 'not-text'))
  test('for binary standard input', () => fails('-', 'not-text', { stdin: piped('a\0b') }))
  test('for a file that is shorter than where the run stopped', async () => {
    const path = join(await written([['log', 'short']]), 'log')
    await fails(path, 'source-changed', { from: { file: 'log', offset: 99 } })
    await fails(path, 'source-changed', { from: { file: 'other', offset: 1 } })
    await fails('-', 'source-changed', { stdin: piped('short'), from: { file: '-', offset: 99 } })
  })

  test.skipIf(process.platform === 'win32')('for an unreadable file', async () => {
    const root = await written([['secret.txt', 'text']])
    await chmod(root, 0o755)
    await chmod(join(root, 'secret.txt'), 0)
    // The superuser may read everything, so step down for a moment.
    const superuser = process.geteuid?.() === 0
    if (superuser) process.seteuid?.(65_534)
    try {
      await fails(join(root, 'secret.txt'), 'unreadable')
    } finally {
      if (superuser) process.seteuid?.(0)
    }
  })
})
