/** Pseudo-rehearsal (Robins 1995): text of the model's own stands for the data that it was trained on. */
import { checkOptions, checks, checkState, OptionError, type StateChecks } from '@burgeon/tensor'
import type { Origin } from '../stream/origin.ts'
import { aBatch, type Batch, joinBatches, rowsBetween } from '../stream/batch.ts'
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

interface State {
  readonly own: unknown
  readonly beside: unknown
}

const stateChecks: StateChecks<State> = { own: checks.object('a replay'), beside: checks.anything }

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
  if (beside.loss !== undefined) {
    throw new OptionError(
      `ownTextReplay: got ${beside.name} beside it, which has a loss of its own; expected one whose rows are learnt like any.`,
    )
  }
  const own = reservoirReplay({ capacity: rows, share, seed, ...(text && { first: text }) })
  const joined = (parts: readonly (Batch | null)[]): Batch | null => {
    const found = parts.filter((part) => part !== null)
    return found.length === 0 ? null : joinBatches(found)
  }
  /** Own rows that are learnt in the step at hand; they come first. */
  let ownRows = 0
  return {
    name: `own text, ${rows} rows, share ${share}, beside ${beside.name}`,
    async recall(context) {
      const ofOwn = await own.recall(context)
      ownRows = ofOwn?.rows ?? 0
      return joined([ofOwn, await beside.recall(context)])
    },
    ...(beside.mark && {
      mark() {
        const takeBack = [own.mark?.(), beside.mark?.()]
        return () => {
          for (const one of takeBack) one?.()
        }
      },
    }),
    remember(context) {
      const { old, oldLosses } = context
      const rest = old === null || old.rows === ownRows ? null : rowsBetween(old, ownRows, old.rows)
      beside.remember({ ...context, old: rest, oldLosses: (rest && oldLosses?.slice(ownRows)) ?? null })
      ownRows = 0
    },
    sample(count) {
      const ofOwn = own.sample(Math.ceil(count / 2))
      return joined([ofOwn, beside.sample(count - (ofOwn?.rows ?? 0))])
    },
    ...(beside.recode && {
      recode(encoded: (row: Int32Array) => Int32Array) {
        own.recode?.(encoded)
        beside.recode?.(encoded)
      },
    }),
    // The model's own text is of no origin.
    ...(beside.forget && { forget: (isMeant: (origin: Origin) => boolean) => beside.forget?.(isMeant) ?? 0 }),
    toState: (): State => ({ own: own.toState(), beside: beside.toState() }),
    restore(state) {
      const saved = checkState<State>('own text replay', state, stateChecks)
      const before = own.toState()
      own.restore(saved.own)
      try {
        beside.restore(saved.beside)
      } catch (error) {
        own.restore(before)
        throw error
      }
    },
  }
}
