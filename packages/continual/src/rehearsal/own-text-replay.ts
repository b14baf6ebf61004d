/** Pseudo-rehearsal (Robins 1995): text of the model's own stands for the data that it was trained on. */
import { checkOptions, checks } from '@burgeon/tensor'
import { aBatch, type Batch } from '../stream/batch.ts'
import { composeRehearsals } from './compose-rehearsals.ts'
import { aRehearsal, type Rehearsal } from './rehearsal.ts'
import { reservoirReplay } from './reservoir-replay.ts'

/** The model's own text, and what is rehearsed beside it. */
export interface OwnTextReplayOptions {
  /**
   * Rows that the model has written (`writeOwnText`), before it learnt anything new. None for a learner that
   * is restored, or that has no text of its own yet.
   */
  readonly text?: Batch
  /** Rows of it that are kept, ≥ 1. */
  readonly rows: number
  /** Own rows learnt per new row, > 0; fractions add up. 1 unless given. */
  readonly share?: number
  /** 0 unless given. */
  readonly seed?: number
  /** The rehearsal of what is learnt from now on. */
  readonly beside: Rehearsal
}

/**
 * Keeps the model's own text for good, whatever is learnt later, and mixes some of it into every batch beside
 * what another rehearsal recalls.
 *
 * @throws OptionError for options that are none, or a rehearsal beside it with a loss of its own.
 * @example
 * ```ts
 * const text = await writeOwnText(model, { rows: 64, begin: 1 })
 * const rehearsal = ownTextReplay({ text, rows: 64, beside: reservoirReplay({ capacity: 2000 }) })
 * ```
 */
export function ownTextReplay(options: OwnTextReplayOptions): Rehearsal {
  checkOptions('ownTextReplay', options, {
    text: aBatch,
    rows: checks.required(checks.integer({ from: 1 })),
    share: checks.number({ above: 0 }),
    seed: checks.seed,
    beside: checks.required(aRehearsal),
  })
  const { text, rows, share = 1, seed = 0, beside } = options
  const kept = reservoirReplay({ capacity: rows, share, seed, ...(text && { first: text }) })
  const own = {
    ...kept,
    sample: (count: number) => kept.sample(Math.ceil(count / 2)),
    // The model's own text is of no origin.
    forget: () => 0,
  }
  const name = `own text, ${rows} rows, share ${share}, beside ${beside.name}`
  return composeRehearsals('own text replay', name, own, beside)
}
