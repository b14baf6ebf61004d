/** Retention: what a stretch of text is worth keeping for, by what it has been good for so far. */
import type { Origin } from '../../stream/origin.ts'

/** What is known of a stretch of text that is kept. */
export interface EpisodeFacts {
  /** Bytes of it. */
  readonly length: number
  readonly domain: string
  /** Where it came from last; null where nobody said. */
  readonly origin: Origin | null
  /** How often it has been read: 1, or more where the same came again. */
  readonly count: number
  /** Loss of the model when it was read, in bits per byte. */
  readonly loss: number
  /** Bytes for which it came to mind. */
  readonly uses: number
  /** Bits by which it made the prediction of these bytes better, all together; below 0 where worse. */
  readonly gain: number
  /** Bytes read since it last foretold a byte rightly, or since it was read. */
  readonly idle: number
  /** Share, from 0 to 1, of what was read and cost as much, to half a bit, that came to be of use. */
  readonly chance: number
}

/** Bytes read without a use in which the need for a stretch falls by half. */
const halfLife = 50_000

/**
 * Gain in bits for each byte that is kept, less as it is not needed, by the trust in its source. What was
 * never of use is worth what it could save, as far as others that cost as much have been of use: noise, which
 * never is, goes first.
 */
export function measuredWorth({ loss, length, gain, idle, chance, origin }: EpisodeFacts): number {
  const expected = gain > 0 ? gain / length : loss * chance
  return expected * 2 ** (-idle / halfLife) * (origin?.trust ?? 1)
}
