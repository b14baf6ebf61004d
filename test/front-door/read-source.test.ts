// Reaches inside: what is tested here is a part of its package, not an entry point.
import { appendFile, chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SourceChunk } from '../../packages/burgeon/src/sources/read-files.ts'
import { readSource, type ReadSourceOptions } from '../../packages/burgeon/src/sources/read-source.ts'
import type { SourceRead } from '../../packages/burgeon/src/sources/source-read.ts'
import { written } from './small-checkout.ts'

async function chunks(path: string, options?: ReadSourceOptions): Promise<SourceChunk[]> {
  const found: SourceChunk[] = []
  for await (const chunk of await readSource(path, options)) found.push(chunk)
  return found
}

/** What is known of a source after everything up to a place in it was learnt, or all of it. */
async function readUpTo(path: string, place?: SourceChunk, options?: ReadSourceOptions): Promise<SourceRead> {
  const source = await readSource(path, options)
  for await (const { position } of source) {
    if (place && position.file === place.position.file && position.offset === place.position.offset) {
      source.reached({ ...position, offset: position.offset + 1 })
      return source.toState()
    }
  }
  source.finish()
  return source.toState()
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

  test('reports its size, and which files are left out and why', async () => {
    const root = await written(folder)
    await symlink('/nowhere-at-all', join(root, 'broken'))
    await symlink(root, join(root, 'circle'))
    const notes: string[] = []
    const source = await readSource(root, { note: (line) => notes.push(line) })
    expect(source.bytes).toBe('xthreeonetwobee'.length)
    expect(notes).toEqual([
      'left out .git/: hidden',
      'left out node_modules/: installed packages',
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
    for (const [i, chunk] of whole.entries()) {
      const before = joined(whole.slice(0, i)) + Buffer.from(chunk.bytes.subarray(0, 1)).toString()
      const read = await readUpTo(root, chunk, { chunkBytes: 2 })
      expect(before + joined(await chunks(root, { read }))).toBe(text)
    }
  })

  test('gives what was added, changed and appended since, and nothing else', async () => {
    const names = ['a/one.txt', 'a/two.txt', 'b.txt', 'c/d/e.txt', 'f.txt']
    const change = fc.constantFrom('same', 'changed', 'appended', 'gone', 'new')
    await fc.assert(
      fc.asyncProperty(fc.tuple(...names.map(() => change)), async (changes) => {
        const text = (name: string): string => `text of ${name}. `
        const before = names.filter((_, i) => changes[i] !== 'new')
        const root = await written([
          ['always.txt', 'always there'],
          ...before.map((name) => [name, text(name)] as const),
        ])
        const read = JSON.parse(JSON.stringify(await readUpTo(root))) as SourceRead
        const expected = new Map<string, string>()
        for (const [i, name] of names.entries()) {
          const file = join(root, name)
          if (changes[i] === 'gone') await rm(file)
          if (changes[i] === 'appended') await appendFile(file, 'More.')
          if (changes[i] === 'appended') expected.set(name, 'More.')
          if (changes[i] !== 'changed' && changes[i] !== 'new') continue
          await mkdir(join(file, '..'), { recursive: true })
          const now = text(name).toUpperCase()
          await writeFile(file, now)
          expected.set(name, now)
        }
        const notes: string[] = []
        const source = await readSource(root, { read, note: (line) => notes.push(line) })
        const got = new Map<string, string>()
        for await (const { bytes, position } of source) got.set(position.file, Buffer.from(bytes).toString())
        expect(Object.fromEntries(got)).toEqual(Object.fromEntries(expected))
        expect(source.bytes).toBe([...expected.values()].join('').length)
        expect(notes).toHaveLength(changes.filter((how) => how === 'changed').length)
        source.finish()
        expect((await readSource(root, { read: source.toState() })).bytes).toBe(0)
      }),
      { numRuns: 25 },
    )
  })

  test('is read as often as was asked for, also from any place of any pass', async () => {
    const root = await written(folder)
    const options = { passes: 3, chunkBytes: 2 }
    const all = await chunks(root, options)
    expect(joined(all)).toBe('xthreeonetwobee'.repeat(3))
    for (let stop = 1; stop <= all.length; stop++) {
      const source = await readSource(root, options)
      const first: SourceChunk[] = []
      for await (const chunk of source) {
        if (first.push(chunk) === stop) break
      }
      const { position, bytes } = first[stop - 1]
      source.reached({ ...position, offset: position.offset + bytes.length })
      const rest = await chunks(root, { read: source.toState() })
      expect(joined(first) + joined(rest)).toBe(joined(all))
    }
    const read = await readUpTo(root)
    expect(joined(await chunks(root, { read, passes: 2 }))).toBe('xthreeonetwobee')
  })

  test('goes on from the place that an older burgeon kept', async () => {
    const root = await written(folder)
    const position = { file: 'a/one.txt', offset: 2 }
    expect(joined(await chunks(root, { position }))).toBe('etwobee')
  })

  test('passes over files that vanish, become folders or cannot be read while it is read', async () => {
    const root = await written(folder)
    const notes: string[] = []
    const source = await readSource(root, { note: (line) => notes.push(line) })
    notes.length = 0
    let text = ''
    for await (const { bytes, position } of source) {
      text += Buffer.from(bytes).toString()
      if (position.file !== 'a-b/x.md') continue
      await rm(join(root, 'a/one.txt'))
      await rm(join(root, 'a/two.txt'))
      await mkdir(join(root, 'a/two.txt'))
    }
    expect(text).toBe('xthreebee')
    expect(notes).toEqual([
      'passed over a/one.txt: cannot be read (ENOENT)',
      'passed over a/two.txt: cannot be read (EISDIR)',
    ])
  })

  test('leaves out what nobody wrote: outputs, checkpoints, packages, caches', async () => {
    const manifest = '{"sha256":"0","format":"burgeon checkpoint","version":1}'
    const root = await written([
      ['mine/a.txt', 'a'],
      ['life/checkpoint.json', manifest],
      ['life/report.html', '<html>'],
      ['out/report.html', '<html>'],
      ['go/go.mod', 'module m'],
      ['go/vendor/v.go', 'package v'],
      ['vendor/prices.txt', 'b'],
      ['python/pyvenv.cfg', 'home = /'],
      ['python/lib.py', 'import x'],
      ['target/CACHEDIR.TAG', 'Signature: 8a477f597d28d172789f06886806bc55'],
      ['target/x.d', 'x'],
      ['checkpoint.json', 'not one of ours'],
    ])
    const notes: string[] = []
    const out = join(root, 'out')
    const source = await readSource(root, { out, note: (line) => notes.push(line) })
    const found = []
    for await (const { position } of source) found.push(position.file)
    expect(found).toEqual(['checkpoint.json', 'go/go.mod', 'mine/a.txt', 'vendor/prices.txt'])
    expect(notes).toEqual([
      'left out go/vendor/: installed packages',
      'left out life/: holds a checkpoint',
      'left out out/: the folder of --out',
      'left out python/: installed packages',
      'left out target/: a cache',
    ])
  })

  test('that holds a checkpoint itself leaves out its files', async () => {
    const manifest = '{"sha256":"0","format":"burgeon checkpoint","version":1}'
    const root = await written([
      ['a.txt', 'a'],
      ['checkpoint.json', manifest],
      ['report.html', '<html>'],
    ])
    expect(joined(await chunks(root))).toBe('a')
  })

  test('holds out a twentieth of its largest domains, which no pass ever gives', async () => {
    const line = (i: number): string => `line ${i} of some length, so that there is enough\n`
    const text = (lines: number): string => Array.from({ length: lines }, (_, i) => line(i)).join('')
    const root = await written([
      ['big/a.txt', text(600)],
      ['big/b.txt', text(200)],
      ['small.txt', text(3)],
    ])
    const source = await readSource(root, { holdOut: true, passes: 2 })
    expect(source.heldOut.map(({ name }) => name)).toEqual(['big'])
    const [{ bytes }] = source.heldOut
    expect(Buffer.from(bytes).toString()).toMatch(/^line /)
    const size = text(600).length + text(200).length
    expect(bytes.length).toBeGreaterThan(size / 25)
    expect(bytes.length).toBeLessThanOrEqual(size / 20)
    const learnt = joined(await chunks(root, { holdOut: true, passes: 2 }))
    expect(learnt.length).toBe(2 * (size - bytes.length + text(3).length))
    expect(learnt.length).toBe(source.bytes)
    const all = text(600).length - bytes.length
    expect(learnt).toContain(text(600).slice(0, all))
    expect(learnt).not.toContain(text(600).slice(0, all + 60))
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
            expect([domain, position]).toEqual(['notes.txt', { file: 'notes.txt', offset, pass: 0 }])
            offset += bytes.length
          }
        },
      ),
      { numRuns: 25 },
    )
  })

  test('that has grown goes on with what is new', async () => {
    const path = join(await written([['log', 'old']]), 'log')
    const read = await readUpTo(path)
    await writeFile(path, 'old and new')
    expect(joined(await chunks(path, { read }))).toBe(' and new')
  })

  test('of the same name with other text is read from its beginning, with a note', async () => {
    const read = await readUpTo(join(await written([['log', 'one text']]), 'log'))
    const notes: string[] = []
    const other = join(await written([['log', 'another text']]), 'log')
    expect(joined(await chunks(other, { read, note: (line) => notes.push(line) }))).toBe('another text')
    expect(notes).toEqual(['log is not what was read before; reading it from its beginning'])
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
    const [whole] = await chunks('-', { stdin: piped('hello world') })
    for (let offset = 0; offset <= 11; offset++) {
      const source = await readSource('-', { stdin: piped('hello ', 'world') })
      for await (const { position } of source) expect(position.file).toBe('-')
      source.reached({ ...whole.position, offset })
      const found = await chunks('-', { stdin: piped('hello ', 'world'), read: source.toState() })
      expect(joined(found)).toBe('hello world'.slice(offset))
      if (found.length > 0) expect(found[0].position.offset).toBe(offset)
    }
  })

  test('ends when it is asked to stop, also while it waits', async () => {
    const stop = new AbortController()
    const stdin = new PassThrough()
    stdin.write('hello')
    const found: SourceChunk[] = []
    for await (const chunk of await readSource('-', { stdin, stop: stop.signal })) {
      found.push(chunk)
      setImmediate(() => stop.abort())
    }
    expect(joined(found)).toBe('hello')
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
  test('for standard input that does not begin with what was read', async () => {
    const source = await readSource('-', { stdin: piped('hello world') })
    for await (const { position } of source) expect(position.offset).toBe(0)
    source.finish()
    const read = source.toState()
    await fails('-', 'source-changed', { stdin: piped('hello'), read })
    await fails('-', 'source-changed', { stdin: piped('hello ', 'World and more'), read })
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
