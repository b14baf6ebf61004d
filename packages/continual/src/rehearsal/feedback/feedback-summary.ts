/** What became of feedback, as numbers for people. */
import { type FeedbackKind, feedbackKinds, type FeedbackRecord } from './feedback-record.ts'

/** What became of feedback. Plain data. */
export interface FeedbackSummary {
  /** Pieces that are kept, by kind. */
  readonly kept: Readonly<Record<FeedbackKind, number>>
  /** Pieces that ask for more; the others are satisfied, worn out, contradicted or not believed. */
  readonly waiting: number
  /** How far each named source is believed, from 0 to 1. */
  readonly believed: Readonly<Record<string, number>>
  /**
   * Means of log ratios when pieces were last learnt, in nats: how much likelier liked and disliked answers
   * had become, and wanted ones beside the given. Null where there are none.
   */
  readonly logRatios: {
    readonly liked: number | null
    readonly disliked: number | null
    readonly corrected: number | null
  }
}

/** What became of one piece of feedback. Plain data. */
export interface FeedbackStatus {
  /** How strongly it is followed, from 0 to 1; 0 for a source that is not believed, or is contradicted. */
  readonly strength: number
  /** Steps that it was learnt in. */
  readonly uses: number
  /** Its log ratio when it was last learnt, in nats, as `FeedbackSummary` has the means; null before. */
  readonly logRatio: number | null
  /** Whether it asks for more. */
  readonly isWaiting: boolean
}

interface Summarized {
  readonly records: readonly FeedbackRecord[]
  /** How far each source is believed. */
  readonly believed: ReadonlyMap<string | null, number>
  /** Pieces that ask for more. */
  readonly waiting: number
}

/** Counts and means over what is kept. */
export function summaryOf({ records, believed, waiting }: Summarized): FeedbackSummary {
  const of = (kind: FeedbackKind): readonly FeedbackRecord[] =>
    records.filter((record) => record.kind === kind)
  const meanRatio = (kind: FeedbackKind): number | null => {
    const ratios = of(kind).flatMap(({ ratio }) => (ratio === null ? [] : [ratio]))
    return ratios.length === 0 ? null : ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length
  }
  return {
    kept: Object.fromEntries(feedbackKinds.map((kind) => [kind, of(kind).length])) as Record<
      FeedbackKind,
      number
    >,
    waiting,
    believed: Object.fromEntries(
      [...believed].flatMap(([source, share]) => (source === null ? [] : [[source, share]])),
    ),
    logRatios: { liked: meanRatio('accept'), disliked: meanRatio('reject'), corrected: meanRatio('correct') },
  }
}
