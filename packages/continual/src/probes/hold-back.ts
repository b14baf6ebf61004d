/** Parts what is observed into what is learnt and what is held back, and joins what is known of both. */
import { OptionError } from '@burgeon/tensor'
import type { Learnt } from '../journal/learnt.ts'
import type { Batch } from '../stream/batch.ts'
import { ownSource } from '../stream/origin.ts'
import { batchFromRows, rowAt } from '../stream/row.ts'
import type { Probes } from './probes.ts'

/** What was observed, in two. */
export interface Divided {
  /** Rows to be learnt; null where there are none. */
  readonly fresh: Batch | null
  /** Rows that are held back; null where there are none. */
  readonly held: Batch | null
  /** Of each observed row, in order: whether it is held back. */
  readonly isHeld: readonly boolean[]
}

/** Parts a batch. One of which nothing is held back stays as it is. */
export function divided(observed: Batch, probes: Probes | undefined): Divided {
  const rows = probes === undefined ? [] : Array.from({ length: observed.rows }, (_, i) => rowAt(observed, i))
  const isHeld = rows.map((row) => probes?.isHeldBack(row) === true)
  if (!isHeld.includes(true)) return { fresh: observed, held: null, isHeld }
  const of = (wanted: boolean): Batch | null => {
    const own = rows.filter((_, i) => isHeld[i] === wanted)
    return own.length === 0 ? null : batchFromRows(own)
  }
  return { fresh: of(false), held: of(true), isHeld }
}

/**
 * Throws OptionError for a recalled row of an experience that is held back: it would be judged by what was
 * learnt. Rows without an origin, and a model's own text, are of no experience.
 */
export function requireLearnable(old: Batch | null, probes: Probes | undefined): void {
  if (old === null || probes === undefined) return
  const at = (old.origins ?? []).findIndex(
    (origin, i) => origin !== null && origin.source !== ownSource && probes.isHeldBack(rowAt(old, i)),
  )
  if (at < 0) return
  throw new OptionError(
    `learner: a remembered row is of experience ${old.origins?.[at]?.id}, which is held back; expected a memory that has never had it. ` +
      'Begin both together, or give heldBack another seed.',
  )
}

/** Loss of every row that is held back, in nats per prediction, and how many it has. */
export interface HeldLosses {
  readonly rowLosses: readonly number[]
  readonly predictions: readonly number[]
}

/** What is on record of all rows that were observed, in order. */
export function joined(
  learnt: Learnt | null,
  { rowLosses, predictions }: HeldLosses,
  isHeld: readonly boolean[],
): Learnt {
  const ofHeld = rowLosses.reduce((total, loss, i) => total + loss * predictions[i], 0)
  const tokens = predictions.reduce((a, b) => a + b, learnt?.tokens ?? 0)
  const [own, held] = [(learnt?.rowLosses ?? []).values(), rowLosses.values()]
  return {
    ...{ penalties: {}, gradientNorm: 0, updateNorm: 0 },
    ...learnt,
    loss: ((learnt?.loss ?? 0) * (learnt?.tokens ?? 0) + ofHeld) / tokens,
    rowLosses: isHeld.map((isOne) => (isOne ? held : own).next().value as number),
    tokens,
  }
}
