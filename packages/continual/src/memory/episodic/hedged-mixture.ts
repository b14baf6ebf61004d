/**
 * Mixes two predictions by how well each did: fixed-share Hedge (Herbster and Warmuth 1998, "Tracking the
 * best expert", figure 1, with the loss −log p). A weight vector for each kind of prediction.
 */
import { type Check, checks } from '@burgeon/tensor'

/** Share of the weight that both experts get back after each prediction: α of the paper. */
const share = 2e-3
/** Weight of the model before anything was predicted. */
const start = 0.9

/** A saved weight: what is given back keeps it above 0 and below 1. */
const aWeight = checks.number({ above: 0, below: 1 })

/** Weights of one number for each kind: that of the model; the memory has the rest. */
export const savedWeights = (kinds: number): Check<Float64Array> => ({
  expected: `${kinds} weights above 0 and below 1`,
  accepts: (value): value is Float64Array =>
    value instanceof Float64Array && value.length === kinds && value.every(aWeight.accepts),
})

/**
 * A mixture of a model and a memory. Over the predictions of one kind its total loss exceeds the model's by
 * at most −log₂ 0.9 (0.152) bits, and −log₂(1 − α/2) (0.0014) bits for each prediction.
 */
export class HedgedMixture {
  readonly #weights: Float64Array

  constructor(weights: Float64Array) {
    this.#weights = weights
  }

  /** One that has predicted nothing yet. */
  static of(kinds: number): HedgedMixture {
    return new HedgedMixture(new Float64Array(kinds).fill(start))
  }

  /** Weight of the model. */
  weightOf(kind: number): number {
    return this.#weights[kind]
  }

  /**
   * The probability of what came, and takes note of who expected it.
   *
   * @param model Probability that the model gave it, from 0 to 1.
   * @param memory Probability that the memory gave it, above 0.
   */
  mix(kind: number, model: number, memory: number): number {
    const weight = this.#weights[kind]
    const mixed = weight * model + (1 - weight) * memory
    this.#weights[kind] = (1 - share) * ((weight * model) / mixed) + share / 2
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
