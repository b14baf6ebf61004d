/** Sound as the loudness of its pitches. */
import { checkPieceBytes, checkSized, type Codec, gridInTime, inTime } from '../../codec.ts'
import { SenseError } from '../../sense-error.ts'
import { hop, logMel, mels } from './log-mel.ts'
import { checkSound, type Sound } from './sound.ts'

/** Loudness of 40 pitches in frames of 10 ms, `[frames, 40]`. */
export interface LogMel {
  readonly frames: number
  /** From −1.5 to 1.5, as `mel` writes them. */
  readonly values: Float32Array
}

/** What byte 0 and byte 255 stand for: silence, and a power that sound from −1 to 1 hardly reaches. */
const [lowest, highest] = [-1.5, 1.5]
const step = (highest - lowest) / 255

/**
 * Sound of 8,000 samples per second as frames of 10 ms, 40 bytes each and a patch: the log-mel spectrogram
 * of Whisper's front end (`LogMel`), rounded to 256 levels between −1.5 and 1.5. Its size is empty; what is
 * shorter than 200 samples has no frame.
 *
 * Lossy: the sound itself does not come back. A value comes back within 1/170 of what it was. The loudest
 * moment of a piece says what counts as silence in it.
 */
export const mel: Codec<Sound, LogMel> = {
  name: 'mel',
  version: 1,
  loss: 'Loudness of 40 pitches comes back, within 1/170; the sound does not.',
  gridOf: gridInTime('mel', mels),
  encode(piece) {
    checkSound('mel', piece)
    checkPieceBytes('mel', (piece.samples.length / hop) * mels)
    const levels = logMel(piece.samples).map((value) => Math.round((value - lowest) / step))
    return inTime(
      Uint8Array.from(levels, (level) => Math.min(Math.max(level, 0), 255)),
      [],
      mels,
    )
  },
  decode(sized) {
    const { bytes } = checkSized('mel', sized, 0)
    if (bytes.length % mels !== 0) {
      throw new SenseError('truncated', `mel: got ${bytes.length} bytes; expected a multiple of ${mels}.`)
    }
    return {
      frames: bytes.length / mels,
      values: Float32Array.from(bytes, (byte) => lowest + byte * step),
    }
  },
}
