/** `@burgeon/senses`: pictures, sound, moving pictures, series and text as bytes, and back. */
export { type Codec, type Encoded, labelOf, maxPieceBytes, type PatchGrid, type SizedBytes } from './codec.ts'
export { frames, grey, rgb } from './codecs/image/images.ts'
export type { Raster } from './codecs/image/raster.ts'
export { series, type Series } from './codecs/series/series.ts'
export { type LogMel, mel } from './codecs/sound/mel.ts'
export { pcm8 } from './codecs/sound/pcm8.ts'
export { resampled } from './codecs/sound/resampled.ts'
export type { Sound } from './codecs/sound/sound.ts'
export { text } from './codecs/text.ts'
export type { MediaLimits } from './media/limits.ts'
export type { Picture } from './media/picture.ts'
export { readTable, type Table } from './media/read-table.ts'
export { readWav } from './media/read-wav.ts'
export { writeTable } from './media/write-table.ts'
export { writeWav } from './media/write-wav.ts'
export {
  sense,
  type SenseOptions,
  senseRequest,
  type SenseRequestOptions,
  type SenseRequest,
  type SenseRow,
  type SensibleConfig,
} from './sense.ts'
export {
  AdaptiveBand,
  adaptiveBand,
  type AdaptiveBandOptions,
  type AdaptiveBandState,
  type Outcome,
} from './writing/adaptive-band.ts'
export { forecast, type Forecast, type ForecastOptions } from './writing/forecast.ts'
export {
  type DrawingOptions,
  generateSense,
  type GenerateSenseOptions,
  type WritingModel,
} from './writing/generate-sense.ts'
export { SenseError, type SenseErrorCode } from './sense-error.ts'
