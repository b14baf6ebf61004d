/** Guards: what may be learnt at all, and how far it is trusted, judged before anything keeps it. */
import { type Check, checks } from '@burgeon/tensor'
import type { Part } from '../part.ts'

/** What becomes of a text. */
export type Verdict =
  /** It is learnt as it came. */
  | 'learn'
  /** It is learnt with some of it replaced. */
  | 'redact'
  /** It is kept apart until somebody decides. */
  | 'quarantine'
  /** It is neither learnt nor kept. */
  | 'refuse'

/** Each verdict. */
export const verdicts: readonly Verdict[] = ['learn', 'redact', 'quarantine', 'refuse']

/** A text that is to be learnt, and where it comes from. */
export interface GuardRecord {
  readonly text: string
  /** Name of the source that gives it; see `Origin.source`. */
  readonly source: string
  /** The kind of text, by which losses are told apart. */
  readonly domain: string
  /** How far its source is trusted so far, from 0 to 1. 1 unless given. */
  readonly trust?: number
  /** What the source calls it. None unless given. */
  readonly key?: string
}

/** When a guard is asked. No clock: a life that is lived again is judged in the same way. */
export interface GuardContext {
  /** Updates that the learner has made. */
  readonly step: number
  /** Texts that were judged before this one, in the whole life. */
  readonly at: number
}

/** What a guard decides of a text. */
export interface GuardDecision {
  readonly verdict: Verdict
  /** The text that may be learnt; only with `redact`. */
  readonly text?: string
  /** How far the text is trusted by this guard, from 0 to 1; shares of several multiply. 1 unless given. */
  readonly trust?: number
  /** Why, each one of the guard's `reasons`; one at least but with `learn`. Never anything of the text. */
  readonly reasons?: readonly string[]
}

/**
 * The role that stands at the door. A guard sees a text, where it comes from and its own state, and nothing
 * else: no tensor, no clock, no chance. The same texts after the same state are judged in the same way. What
 * it keeps is bounded, whatever comes. A new one shows that it keeps the contract with `checkGuard` of
 * `@burgeon/continual/testing`.
 */
export interface Guard extends Part {
  /**
   * Every reason that it may ever give, in plain words: `one source says too much`. That is what stands in
   * journals and messages, and so never depends on a text.
   */
  readonly reasons: readonly string[]
  /** Those that it asks in turn; none but itself unless given. */
  readonly members?: readonly Guard[]
  /** Judges a text, and takes note of it. */
  admit(record: GuardRecord, context: GuardContext): GuardDecision
  /** Takes note of a text that the model wrote itself. */
  noteOwn?(text: string): void
}

/** Any object of the role. */
export const aGuard: Check<Guard> = checks.role('a guard', 'name', 'reasons', 'admit')

/** The source of a text of which nobody said where it comes from. */
export const unknownSource = 'unknown'
