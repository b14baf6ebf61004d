/** Chooses the next token from logits. */
import {
  checkArgument,
  checkOptions,
  type ChecksOf,
  checks,
  NonFiniteError,
  RandomStream,
} from '@burgeon/tensor'
import { likeliestToken, topTokens } from './top-tokens.ts'

/** How a token is chosen among the likely ones: by temperature, then topK, topP and minP of what is left. */
export interface SamplingOptions {
  /** Divides the logits; 0 always takes the likeliest token. 1 unless given. */
  readonly temperature?: number
  /** Only the k likeliest tokens stay, of equals the first; all unless given (Fan et al. 2018). */
  readonly topK?: number
  /**
   * Only the smallest set of likeliest tokens with this total probability stays; in (0, 1], 1 unless given
   * (Holtzman et al. 2020).
   */
  readonly topP?: number
  /**
   * Only tokens with at least this share of the likeliest one's probability stay; in [0, 1], 0 unless given
   * (Nguyen et al. 2024).
   */
  readonly minP?: number
}

/** Checks of all options of sampling. */
export const samplingChecks: ChecksOf<SamplingOptions> = {
  temperature: checks.number({ from: 0 }),
  topK: checks.integer({ from: 1 }),
  topP: checks.number({ above: 0, to: 1 }),
  minP: checks.number({ from: 0, to: 1 }),
}

/** The tokens that may come, and how likely each is. */
export interface Candidates {
  /** In the order in which they are drawn; every token in order where it is undefined. */
  readonly tokens: readonly number[] | Uint32Array | undefined
  /** Probabilities but for a common factor, ≥ 0. */
  readonly weights: readonly number[] | Float64Array
}

/**
 * Draws a token. The vocabulary is sorted only where `topP` or `topK` leaves a large part of it.
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
  checkLogits('sampleToken', logits)
  checkOptions('sampleToken', options, samplingChecks)
  checkArgument('sampleToken', 'random', random, checks.instance('a RandomStream', RandomStream))
  return chooseToken(candidatesOf(logits, options), random, options)
}

function checkLogits(who: string, logits: ArrayLike<number>): void {
  checkArgument(who, 'logits', logits, checks.numbers)
  if (logits.length === 0) throw new NonFiniteError(`${who}: got no logits; expected at least one.`)
}

/**
 * The probability with which `sampleToken` takes each token, `[V]`.
 *
 * @throws As `sampleToken`.
 */
export function tokenProbabilities(logits: ArrayLike<number>, options: SamplingOptions): Float64Array {
  checkLogits('tokenProbabilities', logits)
  checkOptions('tokenProbabilities', options, samplingChecks)
  return probabilitiesOf(candidatesOf(logits, options), logits.length)
}

/** Normalized, `[V]`. */
export function probabilitiesOf({ tokens, weights }: Candidates, V: number): Float64Array {
  const total = sumOf(weights)
  const probabilities = new Float64Array(V)
  for (let i = 0; i < weights.length; i++) probabilities[tokens ? tokens[i] : i] = weights[i] / total
  return probabilities
}

/** What is left of the tokens after every option. */
export function candidatesOf(logits: ArrayLike<number>, options: SamplingOptions): Candidates {
  const { temperature = 1, topK = logits.length, topP = 1, minP = 0 } = options
  const best = likeliestToken(logits)
  if (temperature === 0) return { tokens: [best], weights: [1] }
  const top = logits[best]
  // The first case also where the top is infinite and a difference would be NaN.
  const weightOf = (logit: number): number => (logit === top ? 1 : Math.exp((logit - top) / temperature))
  const weigh = (tokens: ArrayLike<number>): Float64Array => {
    const weights = new Float64Array(tokens.length)
    for (let i = 0; i < weights.length; i++) weights[i] = weightOf(logits[tokens[i]])
    return weights
  }
  let kept: Candidates
  if (topK < logits.length) {
    const tokens = topTokens(logits, topK)
    kept = { tokens, weights: weigh(tokens) }
    if (topP < 1) kept = first(kept, nucleus(kept.weights, topP * sumOf(kept.weights)))
  } else if (topP === 1 && minP > 0) {
    // Most weights are too small by far, and need not be known: a difference decides, with room for rounding.
    const least = top + temperature * (Math.log(minP) - 1e-6)
    const tokens: number[] = []
    for (let token = 0; token < logits.length; token++) if (logits[token] >= least) tokens.push(token)
    kept = { tokens, weights: weigh(tokens) }
  } else {
    const weights = new Float64Array(logits.length)
    for (let token = 0; token < weights.length; token++) weights[token] = weightOf(logits[token])
    kept = { tokens: undefined, weights }
    if (topP < 1) kept = likeliestWithin(logits, topP * sumOf(weights), weigh)
  }
  return minP === 0 ? kept : atLeast(kept, minP)
}

/** The fewest of the likeliest tokens whose weights reach `share`: among some first, then among more. */
function likeliestWithin(
  logits: ArrayLike<number>,
  share: number,
  weigh: (tokens: ArrayLike<number>) => Float64Array,
): Candidates {
  for (let count = 256; ; count *= 8) {
    const tokens = topTokens(logits, Math.min(count, logits.length))
    const some = { tokens, weights: weigh(tokens) }
    const size = nucleus(some.weights, share)
    if (size <= tokens.length || tokens.length === logits.length) return first(some, size)
  }
}

/** How many of the weights it takes to reach `share`; one more than there are where they do not. */
function nucleus(weights: ArrayLike<number>, share: number): number {
  let missing = share
  for (let i = 0; i < weights.length; i++) if ((missing -= weights[i]) <= 0) return i + 1
  return weights.length + 1
}

function first({ tokens = [], weights }: Candidates, count: number): Candidates {
  return { tokens: tokens.slice(0, count), weights: weights.slice(0, count) }
}

/** Those of at least some weight; the likeliest one's is 1. */
function atLeast({ tokens, weights }: Candidates, least: number): Candidates {
  const places: number[] = []
  for (let i = 0; i < weights.length; i++) if (weights[i] >= least) places.push(i)
  return { tokens: places.map((i) => (tokens ? tokens[i] : i)), weights: places.map((i) => weights[i]) }
}

/** The likeliest token at temperature 0, otherwise one that is drawn. */
export function chooseToken(
  candidates: Candidates,
  random: RandomStream,
  { temperature }: SamplingOptions,
): number {
  return temperature === 0 && candidates.tokens ? candidates.tokens[0] : drawFrom(candidates, random)
}

/** One of the tokens. */
export function drawFrom({ tokens, weights }: Candidates, random: RandomStream): number {
  let left = random.uniform() * sumOf(weights)
  let chosen = 0
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue
    // Where rounding leaves something over, it falls to the last that can come at all.
    chosen = i
    if ((left -= weights[i]) < 0) break
  }
  return tokens ? tokens[chosen] : chosen
}

function sumOf(weights: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < weights.length; i++) sum += weights[i]
  return sum
}
