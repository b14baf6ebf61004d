/** Memory: which rows of a stream stay. */
import { type Check, checks } from '@burgeon/tensor'
import type { Draw } from './reservoir.ts'

/** A row as a memory sees it: where it came from and how well it was predicted, not its tokens. */
export interface RememberedRow {
  readonly domain: string
  /** Class of an example of a classifier; null for other rows. */
  readonly label: number | null
  /** Rows of the stream before this one. */
  readonly order: number
  /** Loss when the row was new, in nats per prediction: its surprise. */
  readonly firstLoss: number
  /** Loss when the row was last learnt, in nats per prediction. */
  readonly loss: number
  /** Step in which the row was last learnt. */
  readonly learntAt: number
}

/** What a memory decides by, beside the row at hand. */
export interface MemoryView {
  /** The rows that are kept, by place. */
  readonly rows: readonly RememberedRow[]
  /** Whether there is no room for the row at hand beside them. */
  readonly isFull: boolean
  /** Updates made. */
  readonly step: number
  readonly draw: Draw
}

/**
 * Decides which rows stay. It keeps counts at most, never a row: `replay` keeps those. A memory belongs to
 * one replay.
 */
export interface Memory {
  readonly name: string
  /**
   * Returns the place of a new row: `rows.length` adds it, a smaller one puts it where another row was, null
   * leaves it out. Is asked once for every row of the stream, in order.
   */
  offer(row: RememberedRow, view: MemoryView): number | null
  /** Returns the place of the row that goes, where rows take more bytes than there are. */
  evict(view: MemoryView): number
  /** Plain data. */
  toState(): unknown
  /** @throws StateError for a state that is not its own; the memory is unchanged then. */
  restore(state: unknown): void
}

/** Any object of the role. */
export const aMemory: Check<Memory> = checks.role(
  'a memory',
  ...(['name', 'offer', 'evict', 'toState', 'restore'] as const),
)
