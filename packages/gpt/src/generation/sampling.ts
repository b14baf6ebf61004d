/** Chooses the next token from logits. */
import {
  checkArgument,
  checkOptions,
  type ChecksOf,
  checks,
  NonFiniteError,
  RandomStream,
} from '@burgeon/tensor'

/** How a token is chosen among the likely ones. */
export interface SamplingOptions {
  /** Divides the logits; 0 always takes the likeliest token. 1 unless given. */
  readonly temperature?: number
  /** Only the k likeliest tokens stay; all unless given (Fan et al. 2018). */
  readonly topK?: number
  /**
   * Only the smallest set of likeliest tokens with this total probability stays; in (0, 1], 1 unless given
   * (Holtzman et al. 2020).
   */
  readonly topP?: number
}

/** Checks of all options of sampling. */
export const samplingChecks: ChecksOf<SamplingOptions> = {
  temperature: checks.number({ from: 0 }),
  topK: checks.integer({ from: 1 }),
  topP: checks.number({ above: 0, to: 1 }),
}

/**
 * Draws a token.
 *
 * @param logits One number per token. −Infinity masks a token; +Infinity makes it certain, and several are
 *   equally likely.
 * @param random Advances by one draw, or none at temperature 0.
 * @throws OptionError for sampling options outside their range; NonFiniteError for a logit that is NaN, and
 *   where every token is masked. Nothing has been drawn then.
 */
export function sampleToken(
  logits: ArrayLike<number>,
  options: SamplingOptions,
  random: RandomStream,
): number {
  checkArgument('sampleToken', 'logits', logits, checks.numbers)
  checkOptions('sampleToken', options, samplingChecks)
  checkArgument('sampleToken', 'random', random, checks.instance('a RandomStream', RandomStream))
  if (logits.length === 0) throw new NonFiniteError('sampleToken: got no logits; expected at least one.')
  checkLogits(logits)
  const { temperature = 1, topK = logits.length, topP = 1 } = options
  const ranked = Array.from({ length: logits.length }, (_, token) => token).sort(
    (a, b) => logits[b] - logits[a] || a - b,
  )
  if (temperature === 0) return ranked[0]
  const top = logits[ranked[0]]
  // The first case also where the top is infinite and a difference would be NaN.
  const weightOf = (logit: number): number => (logit === top ? 1 : Math.exp((logit - top) / temperature))
  const weights = ranked.slice(0, topK).map((token) => weightOf(logits[token]))
  const kept = weights.slice(0, nucleus(weights, topP))
  let left = random.uniform() * kept.reduce((sum, weight) => sum + weight, 0)
  const chosen = kept.findIndex((weight) => (left -= weight) < 0)
  return ranked[chosen < 0 ? kept.length - 1 : chosen]
}

function checkLogits(logits: ArrayLike<number>): void {
  let isMasked = true
  for (let token = 0; token < logits.length; token++) {
    if (typeof logits[token] !== 'number' || Number.isNaN(logits[token])) {
      throw new NonFiniteError(
        `sampling: got ${logits[token]} as the logit of token ${token}; expected numbers. If they are a model's, its weights ` +
          'are ruined: go back to an earlier checkpoint.',
      )
    }
    isMasked &&= logits[token] === -Infinity
  }
  if (isMasked) {
    throw new NonFiniteError(
      `sampling: got ${logits.length} logits, all −Infinity; expected at least one token that is not masked.`,
    )
  }
}

/** How many of the sorted weights it takes to reach the share `topP` of their sum. */
function nucleus(weights: readonly number[], topP: number): number {
  let missing = topP * weights.reduce((sum, weight) => sum + weight, 0)
  const last = weights.findIndex((weight) => (missing -= weight) <= 0)
  return last < 0 ? weights.length : last + 1
}
