/** The account of one domain: a temperature, a conformal level, and how well both did lately. */
import { type Check, checks } from '@burgeon/tensor'
import type { CalibrationScores, DomainCalibration } from './domain-calibration.ts'
import {
  ConformalLevel,
  conformalState,
  type ConformalState,
  scoreOf,
  sizeWithin,
} from './conformal-level.ts'
import { equalMassCalibrationError } from './equal-mass-error.ts'
import { Latest } from './latest.ts'
import { sketchOf } from '../weakness/expectations.ts'
import { softmaxAt } from './softmax-at.ts'

/** η: how far one step moves ln β. */
const rate = 0.02
/** Bounds of the temperature. */
const [coldest, hottest] = [0.05, 20]
/** Predictions that scores are of. */
const window = 2000

const kept = ['raw', 'calibrated', 'right', 'rawLoss', 'calibratedLoss', 'held', 'sizes'] as const
type Kept = (typeof kept)[number]

/** Plain data. */
export interface DomainAccountState {
  readonly predictions: number
  /** ln β, β = 1/T. */
  readonly logBeta: number
  readonly conformal: ConformalState
  /** Of the latest predictions, the oldest first. */
  readonly latest: Readonly<Record<Kept, Float32Array>>
}

const someNumbers = checks.each('numbers ≥ 0', checks.number({ from: 0 }))
const aSeries: Check<Float32Array> = {
  expected: `at most ${window} numbers ≥ 0`,
  accepts: (value): value is Float32Array =>
    value instanceof Float32Array && value.length <= window && someNumbers.accepts(value),
}

/** A saved account. */
export const anAccount: Check<DomainAccountState> = {
  expected: 'the calibration of a domain',
  accepts: (value): value is DomainAccountState => {
    if (typeof value !== 'object' || value === null) return false
    const { predictions, logBeta, conformal, latest } = value as Partial<
      Record<keyof DomainAccountState, unknown>
    >
    const isInRange =
      checks.count.accepts(predictions) &&
      checks.number({ from: -Math.log(hottest), to: -Math.log(coldest) }).accepts(logBeta) &&
      conformalState.accepts(conformal)
    if (!isInRange || typeof latest !== 'object' || latest === null) return false
    const series = kept.map((name) => (latest as Record<string, unknown>)[name])
    return series.every((own) => aSeries.accepts(own) && own.length === Math.min(window, predictions))
  },
}

/** What became of one prediction. */
export interface Judged {
  /** −ln p of what came less the entropy of p, in nats: what the model did not expect to lose. */
  readonly excess: number
  /** Whether the set held what came. */
  readonly isHeld: boolean
  /** The likeliest token. */
  readonly best: number
  /** Of the distribution, as `sketchOf` makes it. */
  readonly sketch: Float64Array
}

export class DomainAccount {
  #predictions: number
  #logBeta: number
  readonly #conformal: ConformalLevel
  readonly #latest: Readonly<Record<Kept, Latest>>

  /** @param alpha Share of predictions that a set may miss. */
  constructor(alpha: number, state?: DomainAccountState) {
    this.#predictions = state?.predictions ?? 0
    this.#logBeta = state?.logBeta ?? 0
    this.#conformal = new ConformalLevel(alpha, state?.conformal)
    this.#latest = Object.fromEntries(
      kept.map((name) => [name, new Latest(window, state?.latest[name])]),
    ) as Record<Kept, Latest>
  }

  /** One of another domain, which begins with what this one has come to. */
  heir(alpha: number): DomainAccount {
    const { logBeta, conformal } = this.toState()
    return new DomainAccount(alpha, { ...new DomainAccount(alpha).toState(), logBeta, conformal })
  }

  get temperature(): number {
    return Math.exp(-this.#logBeta)
  }

  get threshold(): number {
    return this.#conformal.threshold
  }

  /** How often a set held what came, lately; null before the first prediction. */
  get coverage(): number | null {
    return this.#predictions === 0 ? null : this.#latest.held.mean()
  }

  /**
   * Takes in some predictions of a step, and learns a little from them afterwards.
   *
   * @param places Where each begins in `logits`.
   */
  update(
    logits: ArrayLike<number>,
    vocabulary: number,
    places: readonly number[],
    targets: readonly number[],
  ): Judged[] {
    const beta = Math.exp(this.#logBeta)
    let gradient = 0
    const judged = places.map((from, i): Judged => {
      const target = targets[i]
      const own = softmaxAt(logits, from, vocabulary, 1)
      const scaled = softmaxAt(logits, from, vocabulary, beta)
      let [expected, entropy] = [0, 0]
      for (let v = 0; v < vocabulary; v++) {
        const logit = logits[from + v]
        if (scaled.probabilities[v] > 0) expected += scaled.probabilities[v] * logit
        if (own.probabilities[v] > 0) entropy += own.probabilities[v] * (own.logPartition - logit)
      }
      const logit = logits[from + target]
      gradient += expected - logit
      const loss = own.logPartition - logit
      const best = indexOfMax(own.probabilities)
      const isHeld = this.#note(
        target,
        best,
        own.probabilities,
        scaled.probabilities,
        loss,
        scaled.logPartition - beta * logit,
      )
      const { probabilities } = own
      return {
        excess: loss - entropy,
        isHeld,
        best,
        sketch: sketchOf(probabilities),
      }
    })
    const next = this.#logBeta - (rate * beta * gradient) / places.length
    this.#logBeta = Math.min(-Math.log(coldest), Math.max(-Math.log(hottest), next))
    return judged
  }

  #note(
    target: number,
    best: number,
    own: Float64Array,
    scaled: Float64Array,
    loss: number,
    scaledLoss: number,
  ): boolean {
    const { raw, calibrated, right, rawLoss, calibratedLoss, held, sizes } = this.#latest
    const { threshold } = this
    raw.push(own[best])
    calibrated.push(scaled[best])
    right.push(Number(best === target))
    rawLoss.push(loss)
    calibratedLoss.push(scaledLoss)
    const isHeld = this.#conformal.update(scoreOf(scaled, target))
    held.push(Number(isHeld))
    sizes.push(sizeWithin(scaled, threshold))
    this.#predictions++
    return isHeld
  }

  summary(): DomainCalibration {
    const { raw, calibrated, right, rawLoss, calibratedLoss, held, sizes } = this.#latest
    const scores = (confidences: Latest, losses: Latest): CalibrationScores => ({
      expectedCalibrationError: equalMassCalibrationError(
        confidences.values().map((p) => Math.min(1, p)),
        right.values(),
      ),
      negativeLogLikelihood: losses.mean(),
    })
    return {
      predictions: this.#predictions,
      temperature: this.temperature,
      coverage: held.mean(),
      setSize: sizes.mean(),
      raw: scores(raw, rawLoss),
      calibrated: scores(calibrated, calibratedLoss),
    }
  }

  toState(): DomainAccountState {
    return {
      predictions: this.#predictions,
      logBeta: this.#logBeta,
      conformal: this.#conformal.toState(),
      latest: Object.fromEntries(kept.map((name) => [name, this.#latest[name].values()])) as Record<
        Kept,
        Float32Array
      >,
    }
  }
}

function indexOfMax(numbers: Float64Array): number {
  let best = 0
  for (let i = 1; i < numbers.length; i++) if (numbers[i] > numbers[best]) best = i
  return best
}
