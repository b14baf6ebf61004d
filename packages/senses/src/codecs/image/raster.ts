/** Pixels in rows and columns, and the same pixels patch by patch. */
import { type Check, checkArgument, checks } from '@burgeon/tensor'
import { checkPieceBytes, type Encoded, type PatchGrid } from '../../codec.ts'
import { SenseError } from '../../sense-error.ts'

/** Pixels along either side of a patch. */
const patchSide = 4

/** A picture, or several of one size after each other. */
export interface Raster {
  /** Pixels of a row, a positive integer. */
  readonly width: number
  /** Rows, a positive integer. */
  readonly height: number
  /** Bytes row by row, from the top left, the channels of a pixel beside each other. */
  readonly pixels: Uint8Array
}

const aRaster: Check<Raster> = checks.role('pixels', 'width', 'height', 'pixels')
const aSide = checks.integer({ from: 1, to: 2 ** 16 })

/**
 * Checks pixels, and returns how many pictures they are.
 *
 * @param who What messages begin with.
 * @param channels Bytes of a pixel.
 */
export function checkRaster(who: string, piece: Raster, channels: number): number {
  checkArgument(who, 'piece', piece, aRaster)
  checkArgument(who, 'width', piece.width, aSide)
  checkArgument(who, 'height', piece.height, aSide)
  checkArgument(who, 'pixels', piece.pixels, checks.instance('bytes in a Uint8Array', Uint8Array))
  checkPieceBytes(who, piece.pixels.length)
  return picturesIn(who, piece.pixels, [piece.height, piece.width], channels)
}

/** Returns how many pictures of this size the bytes are. */
export function picturesIn(
  who: string,
  bytes: Uint8Array,
  [height, width]: readonly number[],
  channels: number,
): number {
  const each = height * width * channels
  if (bytes.length > 0 && bytes.length % each === 0) return bytes.length / each
  const code = bytes.length < each ? 'truncated' : 'bad-piece'
  throw new SenseError(
    code,
    `${who}: got ${bytes.length} bytes for ${width}×${height} pixels; expected ${each} a picture.`,
  )
}

/** Bytes patch by patch; patches and pixels within them from the top left, row by row. */
export function patched(raster: Raster, channels: number): Encoded {
  const { width, height, pixels } = raster
  const bytes = new Uint8Array(pixels.length)
  const patches: number[] = []
  const places: number[] = []
  let at = 0
  for (const { t, y, x, rows, from, length } of patchesOf(pixels.length, [height, width], channels)) {
    patches.push(rows * length)
    places.push(t, y, x)
    for (let row = 0; row < rows; row++, at += length) {
      const start = from + row * width * channels
      bytes.set(pixels.subarray(start, start + length), at)
    }
  }
  return { bytes, size: [height, width], patches: Int32Array.from(patches), places: Int32Array.from(places) }
}

/** The pixels of bytes that `patched` has made. */
export function unpatched(bytes: Uint8Array, [height, width]: readonly number[], channels: number): Raster {
  const pixels = new Uint8Array(bytes.length)
  let at = 0
  for (const { rows, from, length } of patchesOf(bytes.length, [height, width], channels)) {
    for (let row = 0; row < rows; row++, at += length) {
      pixels.set(bytes.subarray(at, at + length), from + row * width * channels)
    }
  }
  return { width, height, pixels }
}

/** The patches of one picture. */
export function gridOfPicture(size: readonly number[], channels: number): PatchGrid {
  const [height, width] = size
  checkPieceBytes('a picture', height * width * channels)
  const all = [...patchesOf(height * width * channels, size, channels)]
  return { patches: all.map(({ rows, length }) => rows * length), columns: Math.ceil(width / patchSide) }
}

interface Patch {
  readonly t: number
  readonly y: number
  readonly x: number
  /** Rows that the picture has of it; fewer than its side at the lower edge. */
  readonly rows: number
  /** Its first byte in the picture. */
  readonly from: number
  /** Bytes of one of its rows; fewer at the right edge. */
  readonly length: number
}

function* patchesOf(
  bytes: number,
  [height, width]: readonly number[],
  channels: number,
): Generator<Patch, void, void> {
  const picture = height * width * channels
  for (let t = 0; t * picture < bytes; t++) {
    for (let top = 0; top < height; top += patchSide) {
      for (let left = 0; left < width; left += patchSide) {
        yield {
          ...{ t, y: top / patchSide, x: left / patchSide },
          rows: Math.min(patchSide, height - top),
          from: t * picture + (top * width + left) * channels,
          length: Math.min(patchSide, width - left) * channels,
        }
      }
    }
  }
}
