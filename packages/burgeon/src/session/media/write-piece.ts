/** Pieces that a model writes, as the bytes of a file. */
import type { DrawingOptions, WritingModel } from '@burgeon/senses'
import type { FoundSenses } from '../../sources/media/find-senses.ts'
import { UsageError } from '../../terminal/usage-error.ts'
import type { NamedSense } from './senses-of.ts'

/** How a piece is written. */
export interface WritePieceOptions extends DrawingOptions {
  /** Name that stands before the piece. */
  readonly prompt?: string
  /** Seconds of sound; as long as the context holds unless given. */
  readonly seconds?: number
}

/** What a file holds. */
export type PieceMedia = 'image/png' | 'audio/wav'

/** Samples of a second, and of a patch. */
const [soundRate, patchSamples] = [8000, 16]

const media: Readonly<Record<string, PieceMedia>> = {
  grey: 'image/png',
  rgb: 'image/png',
  pcm8: 'audio/wav',
}

/** Of which form a file of a codec's pieces is; null where no file is written of them. */
export const mediaOf = (codec: string): PieceMedia | null =>
  Object.hasOwn(media, codec) ? media[codec] : null

/**
 * The bytes of a file with a piece that a model writes.
 *
 * @param who What messages begin with.
 * @throws UsageError for a sense of which no file is written, and for `seconds` that it cannot have; what
 *   `generateSense` throws.
 */
export async function writePiece(
  who: string,
  senses: FoundSenses,
  model: WritingModel,
  { codec, size, label }: NamedSense,
  { prompt, seconds, ...drawing }: WritePieceOptions,
): Promise<Uint8Array> {
  // As the name of a picture stands before it in a folder that was learnt.
  const before = prompt === undefined ? '' : `${prompt}\n`
  const form = mediaOf(codec)
  if (form === 'audio/wav') {
    const room = model.config.context - 1 - new TextEncoder().encode(before).length
    const wanted = seconds === undefined ? room : Math.ceil((seconds * soundRate) / patchSamples)
    if (wanted > room) {
      throw new UsageError(
        `${who}: got --seconds ${seconds}; expected at most ${(Math.max(0, room) * patchSamples) / soundRate}, for which the context has room.`,
      )
    }
    const how = { ...drawing, before, frames: wanted }
    return senses.writeWav(await senses.generateSense(model, senses.pcm8, size, how))
  }
  if (form === null) {
    throw new UsageError(`${who}: got ${label}, of which no file is written; expected grey, rgb or pcm8.`)
  }
  if (seconds !== undefined)
    throw new UsageError(`${who}: got --seconds for a picture; expected it for sound.`)
  const codecOfPictures = codec === 'rgb' ? senses.rgb : senses.grey
  const picture = await senses.generateSense(model, codecOfPictures, size, { ...drawing, before })
  return senses.writePng({ ...picture, channels: codec === 'rgb' ? 3 : 1 })
}
