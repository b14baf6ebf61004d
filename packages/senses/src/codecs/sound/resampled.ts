/** The same sound with another number of samples per second. */
import { checkArgument, checks } from '@burgeon/tensor'
import { checkPieceBytes } from '../../codec.ts'
import { SenseError } from '../../sense-error.ts'
import { aSound, type Sound } from './sound.ts'

/** Zeros of the kernel on either side. */
const zeros = 16

/**
 * The same sound at another rate: a sum of sin(πx)/(πx) under a Hann window of 16 zeros on either side, whose
 * cut-off is half of the lower of the two rates, so that what the new rate cannot hold is left out and not
 * folded back (Smith and Gossett 1984).
 *
 * @param rate Samples per second, from 1 to 2²⁰.
 * @throws OptionError or SenseError for what is no sound.
 */
export function resampled(sound: Sound, rate: number): Sound {
  checkArgument('resampled', 'sound', sound, aSound)
  const aRate = checks.integer({ from: 1, to: 2 ** 20 })
  checkArgument('resampled', 'sound.rate', sound.rate, aRate)
  checkArgument('resampled', 'sound.samples', sound.samples, checks.instance('a Float32Array', Float32Array))
  checkArgument('resampled', 'rate', rate, aRate)
  const { samples, rate: from } = sound
  if (rate === from) return sound
  const length = Math.ceil((samples.length * rate) / from)
  checkPieceBytes('resampled', length)
  const wrong = samples.findIndex((sample) => !Number.isFinite(sample))
  if (wrong >= 0) {
    throw new SenseError(
      'bad-piece',
      `resampled: got ${samples[wrong]} as sample ${wrong}; expected a number.`,
    )
  }
  const cut = Math.min(1, rate / from)
  const reach = zeros / cut
  const result = new Float32Array(length)
  for (let i = 0; i < length; i++) {
    const middle = (i * from) / rate
    const last = Math.min(samples.length - 1, Math.floor(middle + reach))
    let sum = 0
    for (let k = Math.max(0, Math.ceil(middle - reach)); k <= last; k++) {
      const x = middle - k
      const window = 0.5 + 0.5 * Math.cos((Math.PI * x) / reach)
      sum += samples[k] * window * sinc(cut * x) * cut
    }
    result[i] = sum
  }
  return { rate, samples: result }
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x))
