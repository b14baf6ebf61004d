/**
 * Mixes two predictions by how well mixtures of them did: fixed-share Hedge (Herbster and Warmuth 1998,
 * "Tracking the best expert", figure 1, with the loss −log p). The experts give the memory shares from none
 * to all, so that what is right now and then gets as much as that is worth. Weights for each kind of
 * prediction.
 */
import { type Check, checks } from '@burgeon/tensor'

/** Share of the memory that each expert gives it. The first is the model alone. */
const shares = [0, 0.03, 0.1, 0.3, 0.6, 0.9, 1] as const
const experts = shares.length
/** Part of the weights that all experts get back evenly after each prediction: α of the paper. */
const returned = 1.2e-3
/** Weight of the model alone before anything was predicted. */
const start = 0.9

/** A saved weight: what is given back keeps it above 0 and below 1. */
const aWeight = checks.number({ above: 0, below: 1 })

/** Weights of every expert for each kind of prediction. */
export const savedWeights = (kinds: number): Check<Float64Array> => ({
  expected: `${experts * kinds} weights above 0 and below 1`,
  accepts: (value): value is Float64Array =>
    value instanceof Float64Array && value.length === experts * kinds && value.every(aWeight.accepts),
})

/**
 * A mixture of a model and a memory. Over the predictions of one kind its total loss exceeds the model's by
 * at most −log₂ 0.9 (0.152) bits, and −log₂(1 − α + α/7) (0.0015) bits for each prediction.
 */
export class HedgedMixture {
  readonly #weights: Float64Array

  constructor(weights: Float64Array) {
    this.#weights = weights
  }

  /** One that has predicted nothing yet. */
  static of(kinds: number): HedgedMixture {
    const other = (1 - start) / (experts - 1)
    return new HedgedMixture(
      Float64Array.from({ length: experts * kinds }, (_, i) => (i % experts === 0 ? start : other)),
    )
  }

  /** Share of the memory in the mixture. */
  shareOf(kind: number): number {
    const at = experts * kind
    return shares.reduce((total: number, share, i) => total + this.#weights[at + i] * share, 0)
  }

  /**
   * The probability of what came, and takes note of who expected it.
   *
   * @param model Probability that the model gave it, from 0 to 1.
   * @param memory Probability that the memory gave it, above 0.
   */
  mix(kind: number, model: number, memory: number): number {
    const weights = this.#weights
    const at = experts * kind
    let mixed = 0
    for (let i = 0; i < experts; i++) {
      weights[at + i] *= (1 - shares[i]) * model + shares[i] * memory
      mixed += weights[at + i]
    }
    for (let i = 0; i < experts; i++) {
      weights[at + i] = ((1 - returned) * weights[at + i]) / mixed + returned / experts
    }
    return mixed
  }

  /** One that goes on from here by itself. */
  copy(): HedgedMixture {
    return new HedgedMixture(this.#weights.slice())
  }

  toState(): Float64Array {
    return this.#weights.slice()
  }
}
