/** What a server serves: a model that writes, and perhaps learns. */
import type { ChatMessage, Gpt, GrowingTokenizer } from '@burgeon/gpt'
import { type Check, checks } from '@burgeon/tensor'
import type { ServedAudit } from './served-audit.ts'
import type { ServedCheckpoints } from './served-checkpoints.ts'
import type { ServedControl } from './served-control.ts'
import type { ServedExplain } from './served-explain.ts'
import type { ServedFeedback } from './served-feedback.ts'
import type { ServedFollowing } from './served-following.ts'
import type { ServedGrowth } from './served-growth.ts'
import type { ServedLife } from './served-life.ts'
import type { ServedOutput } from './served-output.ts'
import type { ServedRecall } from './served-recall.ts'
import type { ServedSenses } from './served-senses.ts'
import type { Turn } from '../turns.ts'

/** How a talk becomes a prompt. */
export interface Transcript {
  /** Tokens that end where the answer begins. */
  promptOf(messages: readonly ChatMessage[]): Promise<Int32Array>
  /** Texts before which an answer ends. */
  readonly stopTexts: readonly string[]
}

/** What became of a text that was taught. */
export interface Learnt {
  readonly bytes: number
  readonly steps: number
  /** Mean loss of the text before it was learnt, in bits per byte; null of a text too short to predict. */
  readonly bitsPerByte: number | null
  /** What happened on the way, a line each: drift, growth, consolidation. */
  readonly events: readonly string[]
  /** Whether it is on disk: a killed server goes on with it. */
  readonly saved: boolean
  /** What a guard did with the text, and why; absent where it was learnt as it came. */
  readonly guard?: { readonly verdict: string; readonly reasons: readonly string[] }
}

/** Text to learn. */
export interface Lesson {
  readonly text: string
  /** Where it belongs; domains are balanced and measured apart. */
  readonly domain: string
  /** Name by which the life knows that it has learnt it; none unless given. */
  readonly id?: string
}

/** Teaches a model. */
export interface Teacher {
  /**
   * Learns a text to its end.
   *
   * @param turn Every step goes through it, so that generation goes on in between.
   */
  learn(lesson: Lesson, turn: Turn): Promise<Learnt>
  /** Puts down what is not on disk yet. */
  close(): Promise<void>
}

/**
 * A model with all that answering takes. A rollback replaces `model` and what belongs to it, in a turn:
 * whoever uses them asks anew in each.
 */
export interface ServedModel {
  /** The name that clients ask for. */
  readonly id: string
  readonly model: Gpt
  readonly tokenizer: GrowingTokenizer
  /** Tokens that end a text. */
  readonly endTokens: readonly number[]
  readonly transcript: Transcript
  /** Steps that the weights have learnt: with their digest, their version. */
  step(): number
  /** Is told each text that was written, so that it is known for the model's own; absent where nobody cares. */
  wrote?(text: string): void
  /** Steps beside those, on remembered rows alone; 0 unless given. They change the weights, too. */
  rehearsed?(): number
  /** Where the weights are behind those of a learner elsewhere; absent where they follow none. */
  following?(): ServedFollowing
  /** Absent where the model does not learn. */
  readonly teacher?: Teacher
  /** Absent where the model is no life. */
  readonly life?: ServedLife
  /** Absent where the model never grows. */
  readonly growth?: ServedGrowth | undefined
  /** Absent where the model is no life. */
  readonly audit?: ServedAudit
  /** Absent where the model is no life. */
  readonly checkpoints?: ServedCheckpoints
  /** Absent where the model is no life. */
  readonly feedback?: ServedFeedback
  /** Absent where the model is no life. */
  readonly control?: ServedControl
  /** What texts that begin now may say; undefined where they may say everything. */
  output?(): ServedOutput | undefined
  /** Reads pictures and sound; undefined where the model has learnt none. */
  readonly senses?: ServedSenses | undefined
  /** Explains an answer; absent where nobody does. */
  readonly explain?: ServedExplain
  /**
   * A prompt with what tells the model what it reads before it, such as a label of its domain; absent where
   * there is nothing of the kind. Called in a turn.
   */
  labelled?(prompt: Int32Array): Promise<Int32Array>
  /** Has what is remembered take part in texts that begin now; undefined where nothing is. */
  recall?(): ServedRecall | undefined
  /**
   * The life so far as a page of HTML that needs nothing from elsewhere and runs no script; absent where
   * nobody writes one.
   */
  report?(): string
}

/** Check of one. */
export const aServedModel: Check<ServedModel> = checks.role(
  'a served model',
  ...(['id', 'model', 'tokenizer', 'endTokens', 'transcript', 'step'] as const),
)
