/** Pixels of a file. */
import type { Raster } from '../codecs/image/raster.ts'

/** A picture as it was read. */
export interface Picture extends Raster {
  /** Bytes of a pixel: shades of grey, or red, green and blue. */
  readonly channels: 1 | 3
}
