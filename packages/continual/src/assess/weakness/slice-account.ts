/** What a slice of the stream cost beyond what the model expected, lately and usually. */
import { type Check, checks } from '@burgeon/tensor'

/** Steps that are lately. */
const lately = 32
/** What is left, after a step, of the weight of those that came before that. */
const fading = 0.995

/** Sums over earlier steps, each counted less and less: n tokens of mean excess m in a step. */
interface Earlier {
  readonly steps: number
  readonly tokens: number
  /** Σ n·m. */
  readonly total: number
  /** Σ n², Σ n²·m and Σ n²·m². */
  readonly squares: number
  readonly weighted: number
  readonly spread: number
}

/** Plain data. */
export interface SliceState {
  /** Of each late step its tokens, and what they cost beyond what was expected, in nats; oldest first. */
  readonly tokens: readonly number[]
  readonly totals: readonly number[]
  readonly earlier: Earlier
}

const nothing: Earlier = { steps: 0, tokens: 0, total: 0, squares: 0, weighted: 0, spread: 0 }

const atLeastZero = checks.number({ from: 0 })
const aList = (what: string, item: Check<number>): Check<readonly number[]> => {
  const each = checks.each(what, item)
  return {
    expected: `at most ${lately} ${what}`,
    accepts: (value): value is readonly number[] =>
      Array.isArray(value) && value.length <= lately && each.accepts(value),
  }
}

/** A saved slice. */
export const aSlice: Check<SliceState> = {
  expected: 'a slice of the stream',
  accepts: (value): value is SliceState => {
    if (typeof value !== 'object' || value === null) return false
    const { tokens, totals, earlier } = value as Partial<Record<keyof SliceState, unknown>>
    if (!aList('counts', checks.integer({ from: 1 })).accepts(tokens)) return false
    if (!aList('numbers', checks.number()).accepts(totals) || tokens.length !== totals.length) return false
    if (typeof earlier !== 'object' || earlier === null) return false
    const { steps, total, weighted, ...others } = earlier as Record<keyof Earlier, unknown>
    return (
      [steps, others.tokens, others.squares, others.spread].every(atLeastZero.accepts) &&
      [total, weighted].every(checks.number().accepts)
    )
  },
}

/** A mean, and the standard error of it. */
export interface MeanOf {
  readonly mean: number
  readonly error: number
}

/** Steps are independent as far as an error goes, tokens of one step are not. */
export class SliceAccount {
  readonly #tokens: number[]
  readonly #totals: number[]
  #earlier: Earlier

  constructor({ tokens, totals, earlier }: SliceState = { tokens: [], totals: [], earlier: nothing }) {
    this.#tokens = [...tokens]
    this.#totals = [...totals]
    this.#earlier = earlier
  }

  /** Takes in a step: so many tokens, which cost so many nats more than was expected, all together. */
  add(tokens: number, total: number): void {
    this.#tokens.push(tokens)
    this.#totals.push(total)
    if (this.#tokens.length <= lately) return
    const [n, sum] = [this.#tokens.shift() as number, this.#totals.shift() as number]
    const before = this.#earlier
    this.#earlier = {
      steps: fading * before.steps + 1,
      tokens: fading * before.tokens + n,
      total: fading * before.total + sum,
      squares: fading * before.squares + n * n,
      weighted: fading * before.weighted + n * sum,
      spread: fading * before.spread + sum * sum,
    }
  }

  /** Tokens lately, and the steps in which there were any. */
  get tokens(): number {
    return this.#tokens.reduce((a, b) => a + b, 0)
  }

  get steps(): number {
    return this.#tokens.length
  }

  /** The late steps, in nats a token. */
  lately(): MeanOf {
    const { tokens } = this
    const mean = this.#totals.reduce((a, b) => a + b, 0) / tokens
    const spread = this.#tokens.reduce((sum, n, i) => sum + (this.#totals[i] - n * mean) ** 2, 0)
    return { mean, error: Math.sqrt(spread) / tokens }
  }

  /** The steps before those; null for too few to compare with. */
  usually(): MeanOf | null {
    const { steps, tokens, total, squares, weighted, spread } = this.#earlier
    if (steps < lately) return null
    const mean = total / tokens
    const sum = Math.max(0, spread - 2 * mean * weighted + mean * mean * squares)
    return { mean, error: Math.sqrt(sum) / tokens }
  }

  toState(): SliceState {
    return { tokens: [...this.#tokens], totals: [...this.#totals], earlier: this.#earlier }
  }
}
