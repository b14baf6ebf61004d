/** The checkpoints of a life that is served. Plain data. */
import type { Turn } from '../turns.ts'

/** What a checkpoint holds. */
export interface CheckpointFacts {
  /** Its number, once it is kept; null of the present one. */
  readonly kept: number | null
  /** Steps learnt. */
  readonly step: number
  /** Bytes learnt. */
  readonly bytes: number
  /** Learnt numbers of its model. */
  readonly parameters: number
  /** Prequential loss over the latest steps before it; null before the first. */
  readonly bitsPerByte: number | null
}

/** What became of a rollback. */
export interface RolledBack {
  /** The checkpoint that the life is now. */
  readonly to: CheckpointFacts
  /** The one that it was, which is kept. */
  readonly left: CheckpointFacts
}

/** Keeps checkpoints, and goes back to them. */
export interface ServedCheckpoints {
  /** The one on disk that a killed server goes on from, and all that are kept, oldest first. */
  list(): Promise<{ readonly present: CheckpointFacts; readonly kept: readonly CheckpointFacts[] }>
  /** Saves the life as it is now and keeps it: later saves leave it alone. */
  keep(turn: Turn): Promise<CheckpointFacts>
  /**
   * Makes the life the one that was kept, on disk as well; the present one is kept first. Killed in the
   * middle, it is one or the other.
   *
   * @throws BurgeonError where it cannot be read or written: then the life is as it was.
   */
  rollBack(kept: number, turn: Turn): Promise<RolledBack>
}
