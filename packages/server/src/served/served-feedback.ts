/** Where feedback is written down, and what is learnt of it. Plain data. */
import type { Turn } from '../turns.ts'

/** An answer as it was written. */
export interface WrittenAnswer {
  /** Tokens of the prompt. */
  readonly prompt: readonly number[]
  readonly tokens: readonly number[]
  /** That of the tokens by the model that wrote them, in nats. */
  readonly logProbability: number
}

/** What feedback says of an answer: it was good, bad, should have been another, or was worth so much. */
export type FeedbackKind = 'accept' | 'reject' | 'correct' | 'reward'

/** Feedback as it is kept. */
export interface FeedbackEntry {
  /** Of source, answer and key: the same feedback has the same. */
  readonly id: string
  /** Seconds since 1970. */
  readonly at: number
  readonly source: string
  /** Whether nobody else is named who says it, and the key may do everything. */
  readonly isOwner: boolean
  readonly response: string
  readonly key: string
  readonly judgement: 'accept' | 'reject' | null
  /** Null where it says nothing of the answer. */
  readonly kind: FeedbackKind | null
  /** With U+FFFC in the place of each picture and sound. */
  readonly prompt: string
  /** Pictures and sounds that stood in the prompt: it is learnt by its tokens alone, then. */
  readonly pieces: number
  readonly answer: string
  /** Its tokens, where the model learns by them and they are known. */
  readonly written: WrittenAnswer | null
  /** The wanted answer. */
  readonly correction: string | null
  readonly comment: string | null
  /** The reward; null of other kinds. */
  readonly score: number | null
  /** Anything else that it says: a category. */
  readonly value: string | null
  readonly weight: number
}

/** What became of feedback that was learnt. */
export interface FeedbackOutcome {
  /** Steps that it was rehearsed in at once. */
  readonly steps: number
  /** How strongly it is followed, from 0 to 1: 0 where its source is not believed, or somebody says the opposite. */
  readonly strength: number
  /** How much likelier the answer had become when it was last learnt, in nats; null before. */
  readonly logRatio: number | null
  /** Whether it will be learnt further, beside the next texts. */
  readonly isWaiting: boolean
  /** Whether it is on disk: a killed server goes on with it. */
  readonly saved: boolean
}

/** What may be kept of feedback, or why nothing may: a guard, or pieces that the life does not know. */
export type FeedbackAdmission =
  | { readonly entry: FeedbackEntry }
  | { readonly reasons: readonly string[]; readonly code: 'guarded' | 'unknown_pieces' }

/** Keeps feedback in the folder of a life. */
export interface ServedFeedback {
  /**
   * Judges what it says before it is written down: the entry as it may be kept, or why it may not be. Absent
   * where everything may.
   */
  readonly admit?: (entry: FeedbackEntry) => Promise<FeedbackAdmission>
  /** Writes it down, unless it is there already; resolves when it is on disk. Returns whether it is new. */
  note(entry: FeedbackEntry): Promise<boolean>
  /** Whether feedback of this name is part of the life as it is now. */
  isLearnt(id: string): boolean
  /**
   * Learns what it says of its answer. Absent where what is wanted or accepted is learnt as a lesson, and nothing
   * else is learnt.
   *
   * @param entry One that was written down and says something.
   * @throws BurgeonError for what cannot be learnt.
   */
  readonly learn: ((entry: FeedbackEntry, turn: Turn) => Promise<FeedbackOutcome>) | undefined
}
