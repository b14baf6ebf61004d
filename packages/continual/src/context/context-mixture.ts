/** Inference of a context that nobody named: a mixture of what is predicted in each that it may be. */
import { checkArgument, checkOptions, checks, OptionError } from '@burgeon/tensor'

/** How a context may change. */
export interface ContextMixtureOptions {
  /** Probability that the next token begins another context, in [0, 1). Default 0: a text has one. */
  readonly switching?: number
}

/** What is known of the context so far. */
export interface ContextMixture {
  /** Probability of each context, by what was predicted in it so far; they sum to 1. */
  readonly probabilities: Float64Array
  /**
   * Takes note of a token.
   *
   * @param losses Its loss in each context, in nats; infinite where it cannot come.
   * @returns Its loss in the mixture, in nats.
   */
  update(losses: ArrayLike<number>): number
}

/**
 * A Bayes mixture of `contexts` predictions with equal probabilities at first: p(c | x₁…xₜ) ∝ p(c)·Π p(xᵢ |
 * c), and the prediction is Σ p(c | x₁…xₜ)·p(xₜ₊₁ | c). A text costs at most log₂ K bits more than in any one
 * context. With `switching` α each token takes a fixed share of the probabilities to equal ones (Herbster and
 * Warmuth 1998): then a text of n tokens and s changes of context costs at most log₂ K + s·log₂(K/α) + (n − 1
 * − s)·log₂(1/(1 − α + α/K)) bits more than in the right ones.
 *
 * @param contexts How many, K ≥ 1.
 * @throws OptionError for options outside their ranges.
 * @example
 * ```ts
 * const mixture = contextMixture(2)
 * mixture.update([0.1, 2])
 * console.log(mixture.probabilities[0].toFixed(2)) // → 0.87
 * ```
 */
export function contextMixture(contexts: number, options: ContextMixtureOptions = {}): ContextMixture {
  checkArgument('contextMixture', 'contexts', contexts, checks.integer({ from: 1 }))
  checkOptions('contextMixture', options, { switching: checks.number({ from: 0, below: 1 }) })
  const { switching = 0 } = options
  /** Logarithms, so that what seems impossible now can still become likely. */
  let logs = new Float64Array(contexts).fill(-Math.log(contexts))
  return {
    get probabilities() {
      return logs.map(Math.exp)
    },
    update(losses) {
      checkArgument('ContextMixture: update', 'losses', losses, checks.numbers)
      if (losses.length !== contexts) {
        throw new OptionError(
          `ContextMixture: update: got ${losses.length} losses; expected ${contexts}, one for each context.`,
        )
      }
      const joint = logs.map((log, c) => log - losses[c])
      const total = logOfSum(joint)
      // What cannot come in any context tells nothing of them.
      if (total === -Infinity) return Infinity
      logs = joint.map((log) => log - total)
      if (switching > 0) {
        logs = logs.map((log) => Math.log((1 - switching) * Math.exp(log) + switching / contexts))
      }
      return -total
    },
  }
}

/** How probable each context is, by its name, the likeliest first. */
export function byName(
  contexts: readonly { readonly name: string }[],
  probabilities: ArrayLike<number>,
): Record<string, number> {
  const entries = contexts.map(({ name }, i) => [name, probabilities[i]] as const)
  return Object.fromEntries(entries.toSorted(([, a], [, b]) => b - a))
}

/** ln Σ e^x. */
function logOfSum(logs: Float64Array): number {
  const top = logs.reduce((a, b) => Math.max(a, b), -Infinity)
  if (top === -Infinity) return top
  return top + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - top), 0))
}
