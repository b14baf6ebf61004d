/**
 * Adaptive conformal inference: sets of tokens that hold what comes as often as promised, whatever the stream
 * does (Gibbs and Candès 2021, "Adaptive Conformal Inference Under Distribution Shift", equation 2).
 */
import { type Check, checks } from '@burgeon/tensor'

/** γ of the paper: how far one miss moves the level. */
const stepSize = 0.005
/** Latest scores, by which a level becomes a threshold. */
const window = 1000

/** A level and its scores. Plain data. */
export interface ConformalState {
  /** α_t: the level that is aimed at now; outside [0, 1] the set is all tokens, or none. */
  readonly level: number
  /** The latest scores, the oldest first. */
  readonly scores: Float64Array
}

const aLevel = checks.number({ from: -1, to: 2 })
const someScores = checks.each('probabilities', checks.number({ from: 0, to: 1 + 1e-9 }))

export const conformalState: Check<ConformalState> = {
  expected: `a level, and at most ${window} probabilities`,
  accepts: (value): value is ConformalState => {
    if (typeof value !== 'object' || value === null) return false
    const { level, scores } = value as Partial<Record<keyof ConformalState, unknown>>
    const fits = scores instanceof Float64Array && scores.length <= window && someScores.accepts(scores)
    return aLevel.accepts(level) && fits
  },
}

/**
 * Holds |mean of misses − α| ≤ (max(α₁, 1 − α₁) + γ)/(γ·T) after T predictions of any sequence (proposition
 * 4.1 of the paper), with γ = 0.005. The score of a prediction is the probability of all tokens that were
 * likelier than the one that came; a set holds the tokens with a score of at most the threshold.
 */
export class ConformalLevel {
  readonly #alpha: number
  #level: number
  /** The oldest first, and in order of size. */
  readonly #scores: number[]
  readonly #sorted: number[]

  /** @param alpha Share of predictions that may be missed, in (0, 1). */
  constructor(alpha: number, { level = alpha, scores = new Float64Array(0) }: Partial<ConformalState> = {}) {
    this.#alpha = alpha
    this.#level = level
    this.#scores = [...scores]
    this.#sorted = this.#scores.toSorted((a, b) => a - b)
  }

  /** Tokens whose score is at most this are in the set; below 0 none, at 1 all. */
  get threshold(): number {
    if (this.#level >= 1) return -1
    const { length } = this.#sorted
    const rank = Math.ceil((length + 1) * (1 - this.#level))
    return this.#level <= 0 || rank > length ? 1 : this.#sorted[Math.max(0, rank - 1)]
  }

  /** Takes in the score of what came. Returns whether the set before held it. */
  update(score: number): boolean {
    const holds = score <= this.threshold
    this.#level += stepSize * (this.#alpha - (holds ? 0 : 1))
    this.#scores.push(score)
    this.#sorted.splice(placeOf(this.#sorted, score), 0, score)
    if (this.#scores.length > window) {
      const oldest = this.#scores.shift() as number
      this.#sorted.splice(placeOf(this.#sorted, oldest), 1)
    }
    return holds
  }

  toState(): ConformalState {
    return { level: this.#level, scores: Float64Array.from(this.#scores) }
  }
}

/** First place in a sorted list whose value is not less. */
function placeOf(sorted: readonly number[], value: number): number {
  let [from, to] = [0, sorted.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (sorted[middle] < value) from = middle + 1
    else to = middle
  }
  return from
}

/** Score of a token: the probability of all that are likelier. */
export function scoreOf(probabilities: Float64Array, token: number): number {
  const own = probabilities[token]
  let above = 0
  for (const p of probabilities) if (p > own) above += p
  return Math.min(1, above)
}

/** Tokens whose score is at most a threshold, the likeliest first; of equally likely ones all or none. */
export function setWithin(probabilities: Float64Array, threshold: number): number[] {
  const tokens = Array.from(probabilities.keys()).sort((a, b) => probabilities[b] - probabilities[a] || a - b)
  return tokens.slice(0, sizeWithin(probabilities, threshold))
}

/** How many tokens have a score of at most a threshold. */
export function sizeWithin(probabilities: Float64Array, threshold: number): number {
  const sorted = probabilities.toSorted()
  const { length } = sorted
  let [sum, size] = [0, 0]
  while (size < length && Math.min(1, sum) <= threshold) {
    const p = sorted[length - 1 - size]
    let equal = size
    while (equal < length && sorted[length - 1 - equal] === p) equal++
    sum += (equal - size) * p
    size = equal
  }
  return size
}
