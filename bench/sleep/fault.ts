/** A fault of a life that nobody looks after: how it comes, by what it is known, and how it is mended. */
import type { Disk } from '@burgeon/gpt'
import type { Life } from 'burgeon/session'

/** Something that was found wrong. */
export interface Found {
  /** Name of the check, or of the error. */
  readonly name: string
  /** What it said. */
  readonly what: string
  /** Steps that the life had made by then. */
  readonly at: number
}

/** What a fault may lay hands on. */
export interface Exposed {
  life: Life
  readonly folder: string
  readonly disk: Disk
  /** Has every write of checkpoints fail. */
  isFull: boolean
  /** By how many milliseconds the clock goes behind. */
  behind: number
}

/** Something that goes wrong, and how it is mended. */
export interface Fault {
  readonly name: string
  /**
   * Whether it comes over the learner when it has just woken, in the midst of its work, or before it sleeps; or on disk
   * when it has slept.
   */
  readonly when: 'woken' | 'awake' | 'before sleep' | 'on disk'
  inject(exposed: Exposed): void | Promise<void>
  /** Whether this is what was found. */
  isNamed(found: Found): boolean
  /** What a person would do, but for going back to the last sound checkpoint, which is done for all that the learner has. */
  mend?(exposed: Exposed): void | Promise<void>
  /** Whether the learner has it, and not the disk. */
  readonly ofLearner: boolean
}
