/** What noise on gradients hides: accounting of differential privacy by Rényi divergences. */
import { checkOptions, type ChecksOf, checks } from '@burgeon/tensor'

/** How often the rows of somebody took part, and what hid them. */
export interface PrivacyOptions {
  /** σ > 0: standard deviation of the noise in units of the clipping norm, as of `privately`. */
  readonly noise: number
  /** Updates in which a row may have taken part, an integer ≥ 1. */
  readonly updates: number
  /**
   * Probability with which each row was drawn for each update, apart from all others (Poisson sampling), in
   * (0, 1]. 1 unless given: the row took part in each of these updates, and nobody need have drawn it.
   */
  readonly sampleRate?: number
  /** δ in (0, 1): with what probability the promise may fail. */
  readonly delta: number
}

/** What is promised. */
export interface Privacy {
  /**
   * ε: whatever anybody concludes of the weights is at most e^ε times as likely with the row as without it,
   * but for a probability δ.
   */
  readonly epsilon: number
  /** The order of the Rényi divergence that gave it. */
  readonly order: number
}

const optionChecks: ChecksOf<PrivacyOptions> = {
  noise: checks.required(checks.number({ above: 0 })),
  updates: checks.required(checks.integer({ from: 1 })),
  sampleRate: checks.number({ above: 0, to: 1 }),
  delta: checks.required(checks.number({ above: 0, below: 1 })),
}

/** Orders that are looked at: whole ones, for which the divergence of a sampled Gaussian has a finite sum. */
const orders: readonly number[] = [
  ...Array.from({ length: 127 }, (_, i) => i + 2),
  ...[160, 192, 256, 320, 384, 512, 768, 1024, 2048, 4096],
]

/** Where every row takes part, any order has a closed form; low ones are best for many updates. */
const lowOrders: readonly number[] = Array.from({ length: 49 }, (_, i) => 1.02 + i / 50)

/**
 * The ε that gradients with noise keep, for one row more or less: Rényi divergences of the Gaussian, sampled
 * or not (Mironov, Talwar & Zhang 2019, section 3.3), added up over the updates, and turned into (ε, δ) by
 * Canonne, Kamath & Steinke 2020, proposition 12.
 *
 * A stream is not sampled: a row of it takes part in the one update when it comes (`updates: 1`), and once
 * more for each time that it is rehearsed; without a bound on these, in all of them. Nothing else that is
 * kept of a row is hidden by it: not what rehearsal remembers, not a vocabulary, not when a model grew.
 *
 * @throws OptionError for options outside their ranges.
 * @example `privacyOf({ noise: 1, updates: 1, delta: 1e-5 }).epsilon` is 4.75.
 */
export function privacyOf(options: PrivacyOptions): Privacy {
  checkOptions('privacyOf', options, optionChecks)
  const { noise, updates, sampleRate = 1, delta } = options
  const found = (sampleRate === 1 ? [...lowOrders, ...orders] : orders).map((order): Privacy => {
    const divergence = updates * renyiDivergence(order, noise, sampleRate)
    const epsilon = divergence + Math.log1p(-1 / order) - (Math.log(delta) + Math.log(order)) / (order - 1)
    return { epsilon: Math.max(0, epsilon), order }
  })
  return found.reduce((best, one) => (one.epsilon < best.epsilon ? one : best))
}

/**
 * Rényi divergence of order α of one update: α / 2σ² where every row takes part; of a whole one with a rate q
 * log(Σₖ C(α, k) (1 − q)^(α−k) q^k exp(k(k − 1) / 2σ²)) / (α − 1).
 */
export function renyiDivergence(order: number, noise: number, sampleRate: number): number {
  const variance = noise ** 2
  if (sampleRate === 1) return order / (2 * variance)
  let sum = -Infinity
  let binomial = 0
  for (let k = 0; k <= order; k++) {
    const rate = (order - k) * Math.log1p(-sampleRate) + k * Math.log(sampleRate)
    sum = logAdd(sum, binomial + rate + (k * (k - 1)) / (2 * variance))
    binomial += Math.log(order - k) - Math.log(k + 1)
  }
  return sum / (order - 1)
}

/** log(e^a + e^b). */
function logAdd(a: number, b: number): number {
  const [low, high] = a < b ? [a, b] : [b, a]
  return low === -Infinity ? high : high + Math.log1p(Math.exp(low - high))
}
