/** What a life tells of itself: as it happens, and all of it so far. Plain data. */

/** A step that was learnt. */
export interface LifeStep {
  /** Updates made, this one included. */
  readonly step: number
  readonly bytes: number
  /** Loss of these bytes before they were learnt. */
  readonly bitsPerByte: number
  readonly domain: string
  /** Learnt numbers after it. */
  readonly parameters: number
}

/** Something worth a line: drift, growth, consolidation. */
export interface LifeEvent {
  readonly kind: string
  readonly step: number
  /** Name of the part that it comes from. */
  readonly part: string
  /** One line for people. */
  readonly summary: string
  readonly data: unknown
}

/** A checkpoint that was written. */
export interface LifeSaved {
  readonly step: number
  /** Prequential loss over the latest steps; null before the first. */
  readonly bitsPerByte: number | null
}

/** One thing that a life tells when it happens. */
export type Told =
  | { readonly what: 'step'; readonly step: LifeStep }
  | { readonly what: 'event'; readonly event: LifeEvent }
  | { readonly what: 'saved'; readonly saved: LifeSaved }

/** The series of a life so far, each of bounded length. Bytes are those learnt before a point. */
export interface LifeSoFar {
  readonly bytes: number
  /** Seconds of learning. */
  readonly seconds: number
  /** Prequential loss. */
  readonly losses: readonly { readonly bytes: number; readonly bitsPerByte: number }[]
  readonly parameters: readonly { readonly bytes: number; readonly parameters: number }[]
  /** Which domain was learnt from where to where. */
  readonly spans: readonly { readonly domain: string; readonly from: number; readonly to: number }[]
  /** Loss of text that is never learnt, in bits per byte, by its name. */
  readonly measurements: readonly {
    readonly bytes: number
    readonly stage: string | null
    readonly bitsPerByte: Readonly<Record<string, number>>
  }[]
  readonly events: readonly { readonly bytes: number; readonly event: LifeEvent }[]
}

/** A life, as whoever watches it sees it. */
export interface ServedLife {
  /**
   * Calls `hear` with all that happens from now on, in order, while it happens. Returns what ends that.
   *
   * @param hear Returns at once and never throws.
   */
  listen(hear: (told: Told) => void): () => void
  soFar(): LifeSoFar
}
