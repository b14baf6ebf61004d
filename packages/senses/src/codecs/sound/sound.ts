/** Sound as numbers. */
import { type Check, checkArgument, checks } from '@burgeon/tensor'
import { SenseError } from '../../sense-error.ts'

/** Sound of one channel. */
export interface Sound {
  /** Samples per second, a positive integer. */
  readonly rate: number
  /** Samples from −1 to 1; what a file of 16 bits calls 32,767 is 32,767/32,768. Others are cut off there. */
  readonly samples: Float32Array
}

/** Samples per second that the codecs of sound take. */
export const soundRate = 8000

/** A sound, whatever its rate. */
export const aSound: Check<Sound> = checks.role('a sound', 'rate', 'samples')

/** Throws for what is no sound of 8,000 finite samples per second. */
export function checkSound(who: string, piece: Sound): void {
  checkArgument(who, 'piece', piece, aSound)
  if (piece.rate !== soundRate) {
    throw new SenseError(
      'unsupported',
      `${who}: got ${String(piece.rate)} samples per second; expected ${soundRate}. Resample it first (resampled).`,
    )
  }
  checkSamples(who, piece)
}

/** The samples of a sound of any rate. Throws unless all of them are numbers. */
export function checkSamples(who: string, { samples }: Sound): Float32Array {
  checkArgument(who, 'samples', samples, checks.instance('a Float32Array', Float32Array))
  const wrong = samples.findIndex((sample) => !Number.isFinite(sample))
  if (wrong < 0) return samples
  throw new SenseError('bad-piece', `${who}: got ${samples[wrong]} as sample ${wrong}; expected a number.`)
}
