/** Pictures and moving pictures. */
import { checkSize, checkSized, type Codec } from '../../codec.ts'
import { SenseError } from '../../sense-error.ts'
import { checkRaster, gridOfPicture, patched, picturesIn, type Raster, unpatched } from './raster.ts'

function pictures(name: string, channels: number, isMoving: boolean): Codec<Raster> {
  const checkOne = (count: number): void => {
    if (isMoving || count === 1) return
    throw new SenseError('bad-piece', `${name}: got the pixels of ${count} pictures; expected those of one.`)
  }
  return {
    ...{ name, version: 1, loss: null },
    gridOf(size) {
      checkSize(name, size, 2)
      return { ...gridOfPicture(size, channels), ...(isMoving ? {} : { frames: 1 }) }
    },
    encode(piece) {
      checkOne(checkRaster(name, piece, channels))
      return patched(piece, channels)
    },
    decode(sized) {
      const { bytes, size } = checkSized(name, sized, 2)
      checkOne(picturesIn(name, bytes, size, channels))
      return unpatched(bytes, size, channels)
    },
  }
}

/**
 * A picture in shades of grey, a byte for each pixel. Patches of 4×4 pixels, 16 bytes, row by row from the
 * top left; smaller at the right and lower edge. The size is height and width, 1 to 65,536 each. Lossless.
 */
export const grey: Codec<Raster> = pictures('grey', 1, false)

/** A picture in red, green and blue, three bytes for each pixel; else as `grey`, patches of 48 bytes. */
export const rgb: Codec<Raster> = pictures('rgb', 3, false)

/**
 * Moving pictures in shades of grey: the pixels of one after the other, patches as in `grey`, whose time is
 * the number of the picture. The size is height and width; how many pictures there are, the bytes tell.
 * Lossless.
 */
export const frames: Codec<Raster> = pictures('frames', 1, true)
