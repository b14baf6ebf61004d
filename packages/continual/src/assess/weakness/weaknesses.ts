/** Where a model is weak: slices of the stream that cost more than the model itself expected. */
import { byteClassOf } from './byte-class.ts'
import { Expectations, type ExpectationsState } from './expectations.ts'
import { type MeanOf, SliceAccount } from './slice-account.ts'

/** Fewest tokens, and steps, by which a slice is judged. */
const [fewestTokens, fewestSteps] = [200, 8]
/** Share of slices found that may be found wrongly: q of Benjamini and Hochberg 1995. */
const falseShare = 0.05
/**
 * Fewest standard errors of a rise. It is looked for after every step, and what chance does once in three
 * million looks shall not be told in a life.
 */
const leastRise = 5
/** Most slices that are kept; the one that was longest not seen goes first. */
const mostSlices = 1024

/** What is known of a slice of the stream. Plain data. */
export interface Weakness {
  /** In words: `domain german, capital letters`. */
  readonly slice: string
  /** What its rows are of, and the class of its bytes; null for all of them. */
  readonly domain: string | null
  readonly source: string | null
  readonly bytes: string | null
  /**
   * Of contexts in which the model expects much the same to come, the tokens that it expects most there; null
   * for all contexts. Special tokens are ''.
   */
  readonly expects: readonly string[] | null
  /** Tokens lately. */
  readonly tokens: number
  /** −log₂ p of what came less what the model expected it to be, in bits a token, lately. */
  readonly excess: number
  /** How many standard errors that is above 0. */
  readonly z: number
  /** Whether it is above 0 beyond chance, among all slices at a false discovery rate of 5 %. */
  readonly isWeak: boolean
  /**
   * By how much it is more than before, in bits a token; null where there is nothing to compare with, of
   * bytes of all domains together, whose shares change, and of what the model expects, which changes as it
   * learns.
   */
  readonly rise: number | null
  /** How many standard errors that is above 0. */
  readonly riseZ: number | null
  /** Whether it has risen beyond chance: as `isWeak`, and by five standard errors or more. */
  readonly hasRisen: boolean
}

/** What a slice is of; null for all. */
interface SliceKey {
  readonly domain: string | null
  readonly source: string | null
  readonly bytes: string | null
  /** Number of a cluster of contexts. */
  readonly context: number | null
}

/** A prediction of a step. */
export interface SlicedPrediction {
  readonly domain: string
  readonly source: string | null
  /** Bytes of the token that came. */
  readonly bytes: Uint8Array
  /** Bytes of the likeliest token, and the distribution, as `sketchOf` makes it. */
  readonly likeliest: Uint8Array
  readonly sketch: Float64Array
  /** In nats. */
  readonly excess: number
}

/** Accounts of all slices. */
export class Slices {
  /** By what they are of; the one that was seen last comes last. */
  readonly #slices: Map<string, SliceAccount>
  readonly #expectations: Expectations

  constructor(slices: Iterable<readonly [string, SliceAccount]> = [], expectations?: ExpectationsState) {
    this.#slices = new Map(slices)
    this.#expectations = new Expectations(expectations)
  }

  /** Takes in the predictions of a step. */
  add(predictions: readonly SlicedPrediction[]): void {
    const sums = new Map<string, { tokens: number; total: number }>()
    for (const { domain, source, bytes, likeliest, sketch, excess } of predictions) {
      const context = this.#expectations.add(sketch, decoder.decode(likeliest))
      for (const key of slicesOf(domain, source, byteClassOf(bytes), context)) {
        const sum = sums.get(key) ?? { tokens: 0, total: 0 }
        sums.set(key, { tokens: sum.tokens + 1, total: sum.total + excess })
      }
    }
    for (const [key, { tokens, total }] of sums) {
      const own = this.#slices.get(key) ?? new SliceAccount()
      own.add(tokens, total)
      this.#slices.delete(key)
      this.#slices.set(key, own)
    }
    for (const key of this.#slices.keys()) {
      if (this.#slices.size <= mostSlices) break
      this.#slices.delete(key)
    }
  }

  /** Every slice with enough tokens, the one that lies farthest above what was expected first. */
  weakest(): Weakness[] {
    const judged = [...this.#slices].flatMap(([key, account]) => {
      if (account.tokens < fewestTokens || account.steps < fewestSteps) return []
      const now = account.lately()
      // Of all domains together it would rise with their shares.
      const { domain, source, context } = keyFrom(key)
      const isOfAll = (domain === null && source === null) || context !== null
      const before = isOfAll ? null : account.usually()
      return [
        { key, tokens: account.tokens, now, z: zOf(now), before, riseZ: before && zOf(riseOf(now, before)) },
      ]
    })
    const isWeak = discoveries(judged.map(({ z }) => z))
    const hasRisen = discoveries(judged.map(({ riseZ }) => riseZ))
    return judged
      .map(
        ({ key, tokens, now, z, before, riseZ }, i): Weakness => ({
          ...{ ...this.#facetsOf(keyFrom(key)), tokens, excess: now.mean / Math.LN2, z },
          ...{ isWeak: isWeak[i], rise: before && riseOf(now, before).mean / Math.LN2, riseZ },
          hasRisen: hasRisen[i] && (riseZ ?? 0) >= leastRise,
        }),
      )
      .sort((a, b) => b.z - a.z)
  }

  #facetsOf(key: SliceKey): Pick<Weakness, 'slice' | 'domain' | 'source' | 'bytes' | 'expects'> {
    const { context, ...facets } = key
    const expects = context === null ? null : this.#expectations.expects(context)
    return { slice: nameOf(key, expects), ...facets, expects }
  }

  expectations(): ExpectationsState {
    return this.#expectations.toState()
  }

  entries(): Iterable<readonly [string, SliceAccount]> {
    return this.#slices.entries()
  }
}

const decoder = new TextDecoder()

/**
 * Everything that a token is of, as keys: one facet, or a facet and the class of its bytes, or a domain and
 * the cluster of what was expected.
 */
function slicesOf(domain: string, source: string | null, bytes: string, context: number): string[] {
  const none = { domain: null, source: null, bytes: null, context: null }
  const keys: SliceKey[] = [
    { ...none, domain },
    { ...none, bytes },
    { ...none, domain, bytes },
    { ...none, context },
    { ...none, domain, context },
    ...(source === null
      ? []
      : [
          { ...none, source },
          { ...none, source, bytes },
        ]),
  ]
  return keys.map((key) =>
    JSON.stringify([key.domain, key.source, key.bytes, ...(key.context === null ? [] : [key.context])]),
  )
}

/** What a slice is of, by its key. */
function keyFrom(key: string): SliceKey {
  const [domain, source, bytes, context = null] = JSON.parse(key) as SliceFacets
  return { domain, source, bytes, context }
}

type SliceFacets = [domain: string | null, source: string | null, bytes: string | null, context?: number]

/** Whether a text is the key of a slice. */
export function isSliceKey(key: string): boolean {
  try {
    const facets: unknown = JSON.parse(key)
    return (
      Array.isArray(facets) &&
      (facets.length === 3 || (facets.length === 4 && Number.isInteger(facets[3]))) &&
      facets.slice(0, 3).every((facet) => facet === null || typeof facet === 'string') &&
      facets.some((facet) => facet !== null)
    )
  } catch {
    return false
  }
}

function nameOf({ domain, source, bytes, context }: SliceKey, expects: readonly string[] | null): string {
  return [
    ...(domain === null ? [] : [`domain ${domain}`]),
    ...(source === null ? [] : [`source ${source}`]),
    ...(bytes === null ? [] : [bytes]),
    ...(context === null
      ? []
      : [
          `where ${(expects ?? []).map((token) => JSON.stringify(token)).join(', ')} is expected (${context})`,
        ]),
  ].join(', ')
}

const zOf = ({ mean, error }: MeanOf): number => (error > 0 ? mean / error : mean > 0 ? Infinity : 0)

const riseOf = (now: MeanOf, before: MeanOf): MeanOf => ({
  mean: now.mean - before.mean,
  error: Math.hypot(now.error, before.error),
})

/**
 * Which of some one-sided z-scores are above 0 beyond chance: Benjamini and Hochberg (1995), "Controlling the
 * False Discovery Rate", procedure (1). Null counts for no test.
 */
export function discoveries(scores: readonly (number | null)[]): boolean[] {
  const tests = scores
    .flatMap((z, i) => (z === null ? [] : [{ i, p: upperTail(z) }]))
    .sort((a, b) => a.p - b.p)
  const found = tests.findLastIndex(({ p }, rank) => p <= (falseShare * (rank + 1)) / tests.length)
  const chosen = new Set(tests.slice(0, found + 1).map(({ i }) => i))
  return scores.map((_, i) => chosen.has(i))
}

/**
 * P(Z > z) of a standard normal, to 1.2e-7 of itself: erfc by the Chebyshev fit of Press et al. 1992,
 * "Numerical Recipes in C", section 6.2.
 */
export function upperTail(z: number): number {
  if (z === Infinity) return 0
  const x = Math.abs(z) / Math.SQRT2
  const t = 1 / (1 + x / 2)
  const coefficients = [
    ...[-1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806],
    ...[0.27886807, -1.13520398, 1.48851587, -0.82215223, 0.17087277],
  ]
  const series = coefficients.reduceRight((sum, c) => sum * t + c, 0)
  const half = (t * Math.exp(-x * x + series)) / 2
  return z >= 0 ? half : 1 - half
}
