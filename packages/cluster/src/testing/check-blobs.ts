/** The contract of a store of bytes, as statements to be checked in any test runner. */
import { checkArgument, checkOptions, checks, OptionError } from '@burgeon/tensor'
import { type CheckResult, isSame, statements } from '@burgeon/tensor/testing'
import { BlobError } from '../errors.ts'
import { type Blobs, someBlobs } from '../seams/blobs.ts'
import { aPatience, complaintWithin, type Patience, unrejected } from './patience.ts'

/** What else is known of a store of bytes. */
export interface BlobsExpectation extends Patience {
  /** Changes a byte of what the store keeps under a digest, behind its back. Left out unless given. */
  readonly damage?: (digest: string) => void | Promise<void>
}

const known: readonly (readonly [text: string, digest: string])[] = [
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
]

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

/**
 * The same bytes in an array whose `slice` is a view, as that of Node's `Buffer` is: whoever keeps bytes copies them
 * otherwise.
 */
export function sliceless(bytes: Uint8Array): Uint8Array {
  const own = new Uint8Array(bytes)
  const slice = (from?: number, to?: number): Uint8Array => own.subarray(from, to)
  return Object.defineProperty(own, 'slice', { value: slice })
}

/** Bytes that look like chance, the same in every run. */
export const drawn = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 24)

/**
 * Checks a store of bytes.
 *
 * @param make Makes an empty store.
 * @throws OptionError if `make` does not return one, and for an expectation that does not exist.
 * @example
 * ```ts
 * for (const { statement, holds, detail } of await checkBlobs(() => memoryBlobs())) {
 *   if (!holds) throw new Error(`${statement}: ${detail}`)
 * }
 * ```
 */
export async function checkBlobs(
  make: () => Blobs | Promise<Blobs>,
  expectation: BlobsExpectation = {},
): Promise<CheckResult[]> {
  checkArgument('checkBlobs', 'make', make, checks.callback('a function that makes a store of bytes'))
  checkOptions('checkBlobs', expectation, { patience: aPatience, damage: checks.callback() })
  const { patience = 10_000, damage } = expectation
  const promises: [string, (blobs: Blobs) => Promise<string | null>][] = [
    ['keeps bytes under their SHA-256', misnames],
    ['returns the bytes that were put, few and many', changesBytes],
    ['keeps bytes of its own, and gives copies', sharesBytes],
    ['lists in order what is there, each once', listsOtherwise],
    ['lets go of what is removed, and of nothing else', removesOtherwise],
    ['has a BlobError for what is not there', (blobs) => missing(blobs)],
    ['refuses what are no bytes or no digest, with an OptionError', takesAnything],
    ...(damage
      ? [
          ['gives no damaged bytes', (blobs: Blobs) => givesDamaged(blobs, damage)] as [
            string,
            typeof misnames,
          ],
        ]
      : []),
  ]
  const complaints: [string, () => string | null][] = []
  for (const [promise, complaint] of promises) {
    const blobs = await make()
    checkArgument('checkBlobs', 'from make', blobs, someBlobs)
    const said = await complaintWithin(patience, () => complaint(blobs))
    complaints.push([promise, () => said])
  }
  return statements('the store', complaints)
}

async function misnames(blobs: Blobs): Promise<string | null> {
  for (const [text, digest] of known) {
    const got = await blobs.put(bytesOf(text))
    if (got !== digest) return `it keeps '${text}' under ${got}`
  }
  return null
}

async function changesBytes(blobs: Blobs): Promise<string | null> {
  for (const length of [0, 1, 1000, 3 * 2 ** 20]) {
    const bytes = drawn(length)
    const digest = await blobs.put(bytes)
    if (!isSameBytes(await blobs.get(digest), drawn(length))) return `${length} bytes came back as others`
  }
  return null
}

async function sharesBytes(blobs: Blobs): Promise<string | null> {
  const given = sliceless(drawn(100))
  const digest = await blobs.put(given)
  given.fill(0)
  const got = await blobs.get(digest)
  if (!isSameBytes(got, drawn(100))) return 'they change when the array does that was put'
  got.fill(0)
  return isSameBytes(await blobs.get(digest), drawn(100))
    ? null
    : 'they change when the array does that was got'
}

async function listsOtherwise(blobs: Blobs): Promise<string | null> {
  if ((await blobs.list()).length > 0) return 'a new one is not empty'
  const digests: string[] = []
  for (const text of ['a', 'b', 'c', 'd', 'b']) digests.push(await blobs.put(bytesOf(text)))
  const listed = await blobs.list()
  const expected = [...new Set(digests)].toSorted()
  if (!isSame(listed, expected))
    return `after a, b, c, d and b it lists ${listed.length} digests: ${listed.join()}`
  return (await blobs.has(digests[0])) ? null : 'it has not what it lists'
}

async function removesOtherwise(blobs: Blobs): Promise<string | null> {
  const [a, b] = [await blobs.put(bytesOf('a')), await blobs.put(bytesOf('b'))]
  await blobs.remove(a)
  await blobs.remove(a)
  if (await blobs.has(a)) return 'it has what was removed'
  if (!isSame(await blobs.list(), [b])) return 'it lists something else than what is left'
  return missing(blobs, a)
}

const missing = (blobs: Blobs, digest = known[1][1]): Promise<string | null> =>
  unrejected('to get what is not there', () => blobs.get(digest), BlobError)

async function takesAnything(blobs: Blobs): Promise<string | null> {
  for (const wrong of [null, 'text', 3, [1, 2], new Float32Array(2)]) {
    const complaint = await unrejected('to put no bytes', () => blobs.put(wrong as never), OptionError)
    if (complaint !== null) return complaint
  }
  for (const wrong of [null, '', '../etc', known[1][1].toUpperCase(), `${known[1][1]}0`]) {
    for (const what of ['get', 'has', 'remove'] as const) {
      const complaint = await unrejected(
        `to ${what} ${wrong}`,
        async () => blobs[what](wrong as string),
        OptionError,
      )
      if (complaint !== null) return complaint
    }
  }
  return null
}

async function givesDamaged(
  blobs: Blobs,
  damage: NonNullable<BlobsExpectation['damage']>,
): Promise<string | null> {
  const digest = await blobs.put(drawn(1000))
  await damage(digest)
  return unrejected('to get what was damaged', () => blobs.get(digest), BlobError)
}

/** Whether two arrays hold the same bytes. */
export const isSameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])
