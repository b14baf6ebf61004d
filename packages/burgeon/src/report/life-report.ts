/**
 * The report of a life as plain data: all that the page of `renderReport` shows. Losses are in bits per byte,
 * places in bytes seen.
 */
export interface LifeReport {
  readonly title: string
  /** When the life ended or paused, as a person should read it. */
  readonly when: string
  /** Seconds it took. */
  readonly seconds: number
  /** The command that started it. */
  readonly command: string
  readonly machine: readonly Fact[]
  readonly config: readonly Fact[]
  readonly domains: readonly DomainFacts[]
  /** Which domain was read where, in order. */
  readonly spans: readonly DomainSpan[]
  /** Loss of each batch before it was learnt. */
  readonly prequential: readonly LossPoint[]
  /** Mean of that over all bytes, and over the latest; none of a life that has not begun. */
  readonly predicted?: { readonly mean: number; readonly late: number }
  /** Loss on text that is never learnt, measured from time to time. */
  readonly heldOut: readonly HeldOutCurve[]
  /** The first point, and one for each change. */
  readonly parameters: readonly ParameterPoint[]
  readonly alarms: readonly DriftAlarm[]
  /** Whether the places where domains change are known to be true changes of the stream. */
  readonly changesAreKnown: boolean
  readonly growth: readonly GrowthEvent[]
  /** What was done asleep; nothing of a life that never slept. */
  readonly slept?: readonly SleptJobFacts[]
  readonly matrix: DomainMatrix
  readonly forgetting: readonly ForgettingRow[]
  readonly samples: readonly TextSample[]
  readonly checkpoint: CheckpointFacts
}

export interface Fact {
  readonly label: string
  readonly value: string
}

export interface DomainFacts {
  readonly name: string
  /** Files the text was made of. */
  readonly files: number
  readonly trainBytes: number
  readonly heldOutBytes: number
  /** SHA-256 of the text, in hexadecimal. */
  readonly digest: string
}

export interface DomainSpan {
  readonly domain: string
  readonly from: number
  readonly to: number
}

export interface LossPoint {
  readonly bytes: number
  readonly bitsPerByte: number
}

export interface HeldOutCurve {
  readonly domain: string
  readonly points: readonly LossPoint[]
}

export interface ParameterPoint {
  readonly bytes: number
  readonly parameters: number
}

export interface DriftAlarm {
  readonly bytes: number
  readonly detector: string
  /** `unknown` where nobody knows when the stream changed, as with a user's own text. */
  readonly verdict: 'true-change' | 'false-alarm' | 'unknown'
  /** Bytes between the change and the alarm; null for a false alarm or an unknown change. */
  readonly delayBytes: number | null
}

export interface GrowthEvent {
  readonly bytes: number
  /** The growth in short: `mlpHidden 256 → 320`. */
  readonly text: string
  readonly parametersBefore: number
  readonly parametersAfter: number
  /** Largest absolute change of a logit through the growth itself. */
  readonly logitsMoved: number
  /** Why the policy asked for it. */
  readonly reason: string
}

/** A job of a sleep. */
export interface SleptJobFacts {
  readonly bytes: number
  readonly job: string
  /** Whether what it did stays. */
  readonly kept: boolean
  /** What it did, or why not. */
  readonly reason: string
}

/** Held-out loss of every domain at every stage. */
export interface DomainMatrix {
  readonly domains: readonly string[]
  readonly rows: readonly {
    /** `before anything`, `after prose`, … */
    readonly stage: string
    /** The domain this stage has just learnt; null for none. */
    readonly learnt: string | null
    /** One for each of `domains`; null where it was not measured. */
    readonly values: readonly (number | null)[]
  }[]
  /** How many of each it does not show; none unless given. */
  readonly leftOut?: { readonly domains: number; readonly stages: number }
}

export interface ForgettingRow {
  readonly domain: string
  /** Held-out loss right after the domain was learnt. */
  readonly whenLearnt: number
  /** Held-out loss at the end of life. */
  readonly atEnd: number
}

export interface TextSample {
  readonly bytes: number
  readonly domain: string
  readonly prompt: string
  /** Text that the model wrote after the prompt. */
  readonly text: string
}

export interface CheckpointFacts {
  readonly path: string
  readonly resumeCommand: string
}
