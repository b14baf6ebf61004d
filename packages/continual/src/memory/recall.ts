/** Recall: what was read once, found again where the bytes before it come again. */
import { type Check, checks } from '@burgeon/tensor'
import type { Part } from '../part.ts'
import type { Origin } from '../stream/origin.ts'
import type { Spelling } from './spelling.ts'

/** A text that a model has predicted. */
export interface ReadText {
  /** Two or more; the first is only read. */
  readonly tokens: Int32Array
  /** Loss of each token after the first, in nats. */
  readonly losses: ArrayLike<number>
  readonly domain: string
  /** Where it came from; null where nobody said. */
  readonly origin: Origin | null
}

/** A place in what was read that comes to mind. */
export interface Recollection {
  /** What followed there, at least one byte: the first is expected next. */
  readonly bytes: Uint8Array
  /** How many bytes before it, at least, are the same here and there. */
  readonly matched: number
  /** Share of the memory in what is expected next, above 0 and below 1; the model has the rest. */
  readonly weight: number
  /** Part of the memory's share that goes to all tokens evenly, above 0 and at most 1. */
  readonly spread: number
  readonly domain: string
  /** Where it was read; null where nobody said. */
  readonly origin: Origin | null
}

/** What a recall has let go of to look after itself. Plain data. */
export interface RecallUpkeep {
  /** Bytes of text that it kept before, and keeps now. */
  readonly before: number
  readonly after: number
  /** Pieces that were there again. */
  readonly merged: number
  /** Pieces that were of least use. */
  readonly evicted: number
}

/**
 * The role that remembers texts beside the weights. It keeps bytes, so growth of the model and of its
 * vocabulary changes nothing for it. Nothing of it is learnt from: the model learns as it would alone. A new
 * one shows that it keeps the contract with `checkRecall` of `@burgeon/continual/testing`.
 */
export interface Recall extends Part {
  /** What comes to mind after some bytes; null for nothing. Changes nothing. */
  recollect(before: Uint8Array): Recollection | null
  /**
   * Loss of each token after the first with what is remembered mixed in, in nats, as `remember` would return
   * it for this text alone. Changes nothing.
   */
  read(text: ReadText, spelling: Spelling): Float64Array
  /**
   * Predicts texts, each by what was remembered before the first of them; then remembers them all.
   *
   * @returns Of each text what `read` returns, by the mixture as the texts before it have made it.
   */
  remember(texts: readonly ReadText[], spelling: Spelling): readonly Float64Array[]
  /** Lets go of all that is of some origins, and returns how many bytes it was. */
  forget(isMeant: (origin: Origin) => boolean): number
  /**
   * Lets go of what is there twice, and where there is little room left, of what has been of least use.
   * Returns null, and changes nothing, where there is nothing to do. `memoryJob` calls it asleep; nobody does
   * unless given.
   */
  upkeep?(): RecallUpkeep | null
  /** Plain data. */
  toState(): unknown
  restore(state: unknown): void
}

/** Any object of the role. */
export const aRecall: Check<Recall> = checks.role(
  'a recall, such as episodicMemory({ bytes: 8_000_000 })',
  ...(['name', 'recollect', 'read', 'remember', 'forget', 'toState', 'restore'] as const),
)
