/**
 * When learning has ruined the weights, and when a checkpoint predicts so badly that a better one before it
 * must stay.
 */
import { BurgeonError } from '@burgeon/tensor'
import type { GoodCheckpoint } from './record/life-record.ts'

/** Learning has ruined the weights, most often by a learning rate that is too high. */
export class DivergedError extends BurgeonError {
  override readonly name = 'DivergedError'
}

/** Bits per byte of a guess that knows nothing: all 256 bytes are as likely. */
export const guessing = 8

/** Bits per byte by which a checkpoint predicts far worse than the one before it. */
const farWorse = 2

/**
 * Whether a life predicts far worse than when its last good checkpoint was saved: by more than 2 bits per
 * byte, both over the latest 20 steps. A change of the stream can do that, too, and then it passes.
 */
export function isFarWorse(now: number, { bitsPerByte }: GoodCheckpoint): boolean {
  return !(now <= bitsPerByte + farWorse)
}

/**
 * Whether learning has ruined the weights: the latest 20 steps, or five at least, cost twice what guessing
 * costs. No change of the stream does that for long to weights that still learn.
 */
export function isRuined(recent: readonly number[]): boolean {
  const latest = recent.slice(-20)
  if (latest.length < 5) return false
  const mean = latest.reduce((total, bits) => total + bits, 0) / latest.length
  return !(mean <= 2 * guessing)
}
