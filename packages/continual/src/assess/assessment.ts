/** Assessment: how far the probabilities of a learner can be relied on, and where it is weak. */
import { type Check, checks } from '@burgeon/tensor'
import type { Part } from '../part.ts'
import type { DomainCalibration } from './calibration/domain-calibration.ts'
import type { Weakness } from './weakness/weaknesses.ts'

/** Predictions of a step, made before anything was learnt of it. Plain data. */
export interface AssessedStep {
  /** Updates made. */
  readonly step: number
  /** Outputs of the model, `[N, V]`, prediction after prediction. */
  readonly logits: ArrayLike<number>
  /** V. */
  readonly vocabulary: number
  /** The token that came, for each prediction; a negative one counts for nothing. */
  readonly targets: Int32Array
  /** What each row of predictions is of; rows are equally long. */
  readonly rows: readonly AssessedRow[]
  /** The bytes that a token stands for; none of a special token. */
  bytesOf(token: number): Uint8Array
}

/** A row of predictions. */
export interface AssessedRow {
  readonly domain: string
  /** Null where it is not known. */
  readonly source: string | null
}

/** How sure one can be of a prediction. */
export interface Certainty {
  /** Probability of every token to come next, at the temperature of the domain, `[V]`, summing to 1. */
  readonly next: Float64Array
  /** Tokens, the likeliest first, of which one is to come next as often as `coverage` says. */
  readonly set: readonly number[]
  /** How often such a set held what came, lately; null before the first prediction. */
  readonly coverage: number | null
  /** Above 1 where the model is too sure of itself. */
  readonly temperature: number
  /** The domain whose record this goes by; null before the first prediction. */
  readonly domain: string | null
}

/** What is known of a learner's own predictions. */
export interface AssessmentSummary {
  /** By domain. */
  readonly calibration: Readonly<Record<string, DomainCalibration>>
  /** Slices of the stream, the least well-founded first. */
  readonly weakest: readonly Weakness[]
}

/** What an assessment says of a step. */
export interface Assessed {
  /** Whether the set of each prediction held what came, `[N]`; null where nothing was to come. */
  readonly held: readonly (boolean | null)[]
  /** Slices that cost more than before, beyond chance, from this step on. */
  readonly risen: readonly Weakness[]
}

/** The role that keeps account of a learner's own predictions. It changes nothing that is learnt. */
export interface Assessment extends Part {
  /** Takes in what was predicted in a step. */
  update(step: AssessedStep): Assessed
  /**
   * How sure one can be of what comes next.
   *
   * @param logits Of one prediction, `[V]`.
   * @param domain The one that was read last unless it is given and known.
   */
  certaintyOf(logits: ArrayLike<number>, domain?: string): Certainty
  /** What is known now. */
  summary(): AssessmentSummary
  toState(): unknown
  restore(state: unknown): void
}

/** Any object of the role. */
export const anAssessment: Check<Assessment> = checks.role(
  'an assessment, such as selfAssessment()',
  ...(['name', 'update', 'certaintyOf', 'summary', 'toState', 'restore'] as const),
)
