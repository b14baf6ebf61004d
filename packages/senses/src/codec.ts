/** What turns a piece of one sense into bytes, and back. */
import { type Check, checkArgument, checks } from '@burgeon/tensor'
import { SenseError } from './sense-error.ts'

/** Largest piece, in bytes once it is encoded: 64 MiB. */
export const maxPieceBytes: number = 2 ** 26

/** The bytes of a piece, and what must be known besides to have it back. */
export interface SizedBytes {
  readonly bytes: Uint8Array
  /** The numbers that a label before the bytes states, such as height and width; none where there are none. */
  readonly size: readonly number[]
}

/** A piece as bytes, in patches. */
export interface Encoded extends SizedBytes {
  /** Bytes of each patch, in order, 1 or more each; their sum is that of `bytes`. */
  readonly patches: Int32Array
  /**
   * Where each patch is, `[patches, 3]`: time, row and column, from 0, in patches. No two patches share a
   * place.
   */
  readonly places: Int32Array
}

/** How the bytes of every piece of one size are cut. */
export interface PatchGrid {
  /** Bytes of a patch before all others, at time 0; none unless given. */
  readonly header?: number
  /** Bytes of each patch of one frame, row by row: whole rows. The last patch of a piece may be shorter. */
  readonly patches: readonly number[]
  /** Patches of a row. */
  readonly columns: number
  /** Frames of a piece. As many as there are unless given. */
  readonly frames?: number
}

/**
 * A way to write the pieces of one sense as bytes. The same name and version always write the same bytes; a
 * change of what is written is another version.
 */
export interface Codec<Piece, Decoded = Piece> {
  readonly name: string
  /** A positive integer. */
  readonly version: number
  /** What `decode` does not give back, in a sentence; null where it gives back every bit. */
  readonly loss: string | null
  /** Throws SenseError or OptionError for what is no piece of this sense. */
  encode(piece: Piece): Encoded
  /** Throws SenseError for bytes that are no piece of this size. */
  decode(sized: SizedBytes): Decoded
  /** How pieces of a size are cut. Throws SenseError or OptionError for what is no size of a piece. */
  gridOf(size: readonly number[]): PatchGrid
}

const aByteArray: Check<Uint8Array> = checks.instance('bytes in a Uint8Array', Uint8Array)
const aSized: Check<SizedBytes> = checks.role('an encoded piece', 'bytes', 'size')

/** A codec of any sense. */
export const aCodec: Check<Codec<never, unknown>> = checks.role(
  'a codec',
  ...(['name', 'version', 'loss', 'encode', 'decode', 'gridOf'] as const),
)

/**
 * What the model is told before the bytes of a piece, such as `grey/1 28×28`: name and version of the codec,
 * and the size.
 *
 * @throws OptionError for what is no codec or no size.
 */
export function labelOf(
  codec: Pick<Codec<never, unknown>, 'name' | 'version'>,
  size: readonly number[],
): string {
  checkArgument('labelOf', 'codec', codec, checks.role<typeof codec>('a codec', 'name', 'version'))
  checkArgument('labelOf', 'size', size, checks.list('a list of integers ≥ 0', checks.count))
  const name = `${codec.name}/${codec.version}`
  return size.length === 0 ? name : `${name} ${size.join('×')}`
}

/**
 * Checks what `decode` is given, and returns it.
 *
 * @param who What messages begin with.
 * @param sizes Numbers that the size of such a piece has.
 */
export function checkSized(who: string, sized: SizedBytes, sizes: number): SizedBytes {
  checkArgument(who, 'sized', sized, aSized)
  checkArgument(who, 'bytes', sized.bytes, aByteArray)
  checkSize(who, sized.size, sizes)
  return sized
}

/** Throws unless a size has so many numbers, integers from 1 to 65,536. */
export function checkSize(who: string, size: readonly number[], sizes: number): void {
  const aSide = checks.integer({ from: 1, to: 2 ** 16 })
  checkArgument(who, 'size', size, checks.list('a list of integers from 1 to 65536', aSide))
  if (size.length === sizes) return
  throw new SenseError(
    'bad-piece',
    `${who}: got a size of ${size.length} numbers; expected ${sizes === 0 ? 'none' : sizes}.`,
  )
}

/** Patches of equal size along time, of pieces that have no size of their own. */
export function gridInTime(who: string, patch: number): (size: readonly number[]) => PatchGrid {
  return (size) => {
    checkSize(who, size, 0)
    return { patches: [patch], columns: 1 }
  }
}

/** Throws SenseError for more bytes than a piece may have. */
export function checkPieceBytes(who: string, bytes: number): void {
  if (bytes <= maxPieceBytes) return
  throw new SenseError(
    'too-large',
    `${who}: got a piece of ${bytes} bytes; expected at most ${maxPieceBytes}. Cut it into several pieces.`,
  )
}

/** Patches of equal size along time, the last one shorter where the bytes end within it. */
export function inTime(bytes: Uint8Array, size: readonly number[], patch: number): Encoded {
  const count = Math.ceil(bytes.length / patch)
  const patches = new Int32Array(count).fill(patch)
  if (count > 0) patches[count - 1] = bytes.length - patch * (count - 1)
  const places = new Int32Array(3 * count)
  for (let t = 0; t < count; t++) places[3 * t] = t
  return { bytes, size, patches, places }
}
