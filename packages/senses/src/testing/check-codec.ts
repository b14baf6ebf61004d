/** The contract of a codec, as statements to be checked in any test runner. */
import { BurgeonError, type Check, checkArgument, checkOptions, type ChecksOf, checks } from '@burgeon/tensor'
import { type CheckResult, copied, isSame, statements } from '@burgeon/tensor/testing'
import { aCodec, type Codec, type Encoded } from '../codec.ts'

/** What a codec is tried with. */
export interface CodecExpectation<Piece, Decoded> {
  /** Pieces, one at least with bytes. */
  readonly pieces: readonly Piece[]
  /** Whether what came back is as near to a piece as the codec says. */
  readonly isNear: (decoded: Decoded, piece: Piece) => boolean
  /**
   * The piece that is encoded as what was decoded. Undefined where none is, as of a codec whose pieces do
   * not come back.
   */
  readonly again?: (decoded: Decoded, piece: Piece) => Piece
  /**
   * Bytes at the beginning that are no freely chosen ones, such as a header; all of them where only some
   * sequences of bytes are pieces, as of UTF-8. Default 0.
   */
  readonly fixedBytes?: number
}

const optionChecks: ChecksOf<CodecExpectation<never, unknown>> = {
  pieces: checks.required({
    expected: 'a list of pieces',
    accepts: (value): value is readonly never[] => Array.isArray(value) && value.length > 0,
  }),
  isNear: checks.required(checks.callback('a function of what came back and the piece')),
  again: checks.callback('a function of what came back and the piece'),
  fixedBytes: checks.integer({ from: 0, infinite: true }),
}

/**
 * Checks a codec with some pieces.
 *
 * @throws OptionError for what is no codec, or no such expectation.
 * @example
 * ```ts
 * const pieces = [{ width: 2, height: 1, pixels: Uint8Array.of(0, 255) }]
 * const isNear = (a: { pixels: Uint8Array }, b: { pixels: Uint8Array }): boolean =>
 *   a.pixels.join() === b.pixels.join()
 * for (const { statement, holds, detail } of checkCodec(grey, { pieces, isNear, again: (decoded) => decoded })) {
 *   if (!holds) throw new Error(`${statement}: ${detail}`)
 * }
 * ```
 */
export function checkCodec<Piece, Decoded>(
  codec: Codec<Piece, Decoded>,
  expectation: CodecExpectation<Piece, Decoded>,
): CheckResult[] {
  checkArgument('checkCodec', 'codec', codec, aCodec as Check<Codec<Piece, Decoded>>)
  checkOptions('checkCodec', expectation, optionChecks as never)
  const { pieces } = expectation
  const firstOf = (complain: (piece: Piece, i: number) => string | null): string | null => {
    for (const [i, piece] of pieces.entries()) {
      const complaint = complain(piece, i)
      if (complaint !== null) return `piece ${i}: ${complaint}`
    }
    return null
  }
  return statements(codec.name, [
    ['says its name, its version and what it loses', () => unnamed(codec)],
    [
      'cuts all bytes into patches, each at a place of its own',
      () => firstOf((piece) => uncut(codec.encode(piece))),
    ],
    [
      'cuts all pieces of a size alike, as it says',
      () => firstOf((piece) => cutOtherwise(codec, codec.encode(piece))),
    ],
    ['gives back what it says', () => firstOf((piece) => lost(codec, expectation, piece))],
    ['writes the same of the same, and leaves it as it was', () => firstOf((piece) => changes(codec, piece))],
    ['writes every byte as it read it', () => firstOf((piece) => altered(codec, expectation, piece))],
    ['refuses what is no piece', () => taken(codec, expectation)],
  ])
}

function unnamed({ name, version, loss }: Codec<never, unknown>): string | null {
  if (typeof name !== 'string' || !/^[a-z][a-z0-9-]*$/.test(name)) return `its name is ${name}`
  if (!Number.isSafeInteger(version) || version < 1) return `its version is ${String(version)}`
  return loss === null || (typeof loss === 'string' && /^[A-Z].*\.$/.test(loss))
    ? null
    : 'its loss is no sentence'
}

function uncut({ bytes, patches, places, size }: Encoded): string | null {
  if (!(bytes instanceof Uint8Array)) return 'it has no bytes'
  if (!size.every((each) => Number.isSafeInteger(each) && each > 0)) return `its size is ${size.join()}`
  if (patches.some((length) => length < 1)) return 'a patch has no bytes'
  const sum = patches.reduce((total, length) => total + length, 0)
  if (sum !== bytes.length) return `its patches are ${sum} bytes of ${bytes.length}`
  if (places.length !== 3 * patches.length) return `it has ${places.length} numbers of places`
  if (places.some((coordinate) => coordinate < 0)) return 'a place is below 0'
  const distinct = new Set(Array.from(patches, (_, i) => places.slice(3 * i, 3 * i + 3).join()))
  return distinct.size === patches.length ? null : 'two patches share a place'
}

function cutOtherwise(codec: Codec<never, unknown>, { patches, places, size }: Encoded): string | null {
  const { header, patches: frame, columns, frames } = codec.gridOf(size)
  if (columns < 1 || frame.length === 0 || frame.length % columns !== 0) return 'a frame has no whole rows'
  const before = header === undefined ? 0 : 1
  const count = patches.length - before
  if (frames !== undefined && count !== frames * frame.length)
    return `it has ${count} patches in ${frames} frames`
  for (const [i, length] of patches.entries()) {
    const within = i < before ? -1 : (i - before) % frame.length
    const expected = within < 0 ? header : frame[within]
    const isLast = i === patches.length - 1 && frames === undefined
    if (length !== expected && !(isLast && length < (expected ?? 0)))
      return `patch ${i} has ${length} bytes, not ${expected}`
    const [t, y, x] = places.subarray(3 * i, 3 * i + 3)
    const frameOf = within < 0 ? 0 : before + Math.floor((i - before) / frame.length)
    const own = [frameOf, Math.floor(Math.max(0, within) / columns), Math.max(0, within) % columns]
    if (own.join() !== [t, y, x].join()) return `patch ${i} lies at ${t}, ${y}, ${x}, not ${own.join(', ')}`
  }
  return null
}

function lost<Piece, Decoded>(
  codec: Codec<Piece, Decoded>,
  { isNear, again }: CodecExpectation<Piece, Decoded>,
  piece: Piece,
): string | null {
  const encoded = codec.encode(piece)
  const decoded = codec.decode(encoded)
  if (!isNear(decoded, piece)) return 'it came back otherwise'
  if (again === undefined) return null
  const bytes = codec.encode(again(decoded, piece)).bytes
  return isSame([...bytes], [...encoded.bytes]) ? null : 'what came back is written otherwise'
}

function changes<Piece, Decoded>(codec: Codec<Piece, Decoded>, piece: Piece): string | null {
  const before = copied(piece)
  const first = codec.encode(piece)
  const kept = copied(first)
  codec.decode(first)
  if (!isSame(first, kept)) return 'decoding changed what was encoded'
  if (!isSame(codec.encode(piece), kept)) return 'it wrote something else the second time'
  return isSame(piece, before) ? null : 'it changed the piece'
}

/** Every byte from 0 to 255 is put at every sixteenth place or so, and must be written as it was read. */
function altered<Piece, Decoded>(
  codec: Codec<Piece, Decoded>,
  { again, fixedBytes = 0 }: CodecExpectation<Piece, Decoded>,
  piece: Piece,
): string | null {
  const { bytes, size } = codec.encode(piece)
  if (again === undefined || bytes.length <= fixedBytes) return null
  for (let shift = 0; shift < 256; shift++) {
    const free = bytes.map((byte, i) => (i < fixedBytes ? byte : (i + shift) % 256))
    const written = codec.encode(again(codec.decode({ bytes: free, size }), piece)).bytes
    const wrong = free.findIndex((byte, i) => written[i] !== byte)
    if (wrong >= 0) return `byte ${free[wrong]} at ${wrong} was written as ${written[wrong]}`
  }
  return null
}

function taken<Piece, Decoded>(
  codec: Codec<Piece, Decoded>,
  { pieces }: CodecExpectation<Piece, Decoded>,
): string | null {
  const refused = (what: string, body: () => unknown): string | null => {
    try {
      body()
      return `it took ${what}`
    } catch (error) {
      return error instanceof BurgeonError ? null : `for ${what} it threw ${String(error)}`
    }
  }
  const { bytes, size } = codec.encode(pieces[0])
  const strange = [
    null,
    undefined,
    3,
    {},
    [],
    { bytes: [1], size },
    { bytes, size: [...size, 1] },
    { bytes, size: [-1] },
  ]
  const wrong = strange
    .map((sized) => refused(JSON.stringify(sized), () => codec.decode(sized as never)))
    .concat(
      [null, undefined, 3, {}].map((piece) =>
        refused(JSON.stringify(piece), () => codec.encode(piece as never)),
      ),
    )
  return wrong.find((complaint) => complaint !== null) ?? null
}
