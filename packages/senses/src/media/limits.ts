/** How much of a file is read. */
import { type ChecksOf, checks } from '@burgeon/tensor'

/** Limits of a file; what is beyond is refused before room is made for it. */
export interface MediaLimits {
  /** Pixels of a picture, width × height. Default 2²² (2,048 × 2,048). */
  readonly pixels?: number
  /** Samples of a sound, all channels counted. Default 2²⁴ (35 minutes at 8,000 per second). */
  readonly samples?: number
  /** Numbers of a table, all columns counted. Default 2²². */
  readonly numbers?: number
}

/** Checks of `MediaLimits`. */
export const limitChecks: ChecksOf<MediaLimits> = {
  pixels: checks.integer({ from: 1 }),
  samples: checks.integer({ from: 1 }),
  numbers: checks.integer({ from: 1 }),
}

/** All limits, those that are not given as usual. */
export function limitsOf(limits: MediaLimits): Required<MediaLimits> {
  const { pixels = 2 ** 22, samples = 2 ** 24, numbers = 2 ** 22 } = limits
  return { pixels, samples, numbers }
}
