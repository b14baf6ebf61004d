/** Sound as μ-law bytes. */
import { checkPieceBytes, checkSized, type Codec, gridInTime, inTime } from '../../codec.ts'
import { muLawByte, muLawSample } from './mu-law.ts'
import { checkSound, type Sound, soundRate } from './sound.ts'

/** Bytes of a patch: 2 ms. */
const patch = 16

/**
 * Sound of 8,000 samples per second as μ-law, a byte for each (ITU-T G.711), in patches of 16. Its size is
 * empty.
 *
 * Lossy: a sample comes back as the middle of those that share its byte, at most 1/33 of its magnitude and
 * 1/8192 away. What has come back once comes back unchanged.
 */
export const pcm8: Codec<Sound> = {
  name: 'pcm8',
  version: 1,
  loss: 'A sample is rounded by 1/33 of its magnitude and 1/8192 at most.',
  gridOf: gridInTime('pcm8', patch),
  encode(piece) {
    checkSound('pcm8', piece)
    checkPieceBytes('pcm8', piece.samples.length)
    return inTime(Uint8Array.from(piece.samples, muLawByte), [], patch)
  },
  decode(sized) {
    const { bytes } = checkSized('pcm8', sized, 0)
    return { rate: soundRate, samples: Float32Array.from(bytes, muLawSample) }
  },
}
