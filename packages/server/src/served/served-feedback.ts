/** Where feedback is written down. */

/** Feedback as it is kept. Plain data. */
export interface FeedbackEntry {
  /** Of source, answer and key: the same feedback has the same. */
  readonly id: string
  /** Seconds since 1970. */
  readonly at: number
  readonly source: string
  readonly response: string
  readonly key: string
  readonly judgement: 'accept' | 'reject' | null
  readonly prompt: string
  readonly answer: string
  /** The wanted answer. */
  readonly correction: string | null
  readonly comment: string | null
  /** Anything else that it says: a category. */
  readonly value: string | null
  readonly weight: number
}

/** Keeps feedback in the folder of a life. */
export interface ServedFeedback {
  /** Writes it down, unless it is there already; resolves when it is on disk. Returns whether it is new. */
  note(entry: FeedbackEntry): Promise<boolean>
  /** Whether a lesson of this name is part of the life as it is now. */
  isLearnt(id: string): boolean
}
