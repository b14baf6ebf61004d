/** Two rehearsals in one: rows of its own come first in a batch, and those of another after them. */
import { checks, checkState, OptionError, type StateChecks } from '@burgeon/tensor'
import type { RehearseContext } from '../journal/step-context.ts'
import { type Batch, joinBatches, rowsBetween } from '../stream/batch.ts'
import type { Origin } from '../stream/origin.ts'
import type { Rehearsal } from './rehearsal.ts'

/** What a rehearsal does with rows of its own. */
export type OwnRows = Required<Pick<Rehearsal, 'recall' | 'sample' | 'mark' | 'recode' | 'forget'>> &
  Pick<Rehearsal, 'recallAlone' | 'settled' | 'toState' | 'restore'>

interface State {
  readonly own: unknown
  readonly beside: unknown
}

const stateChecks: StateChecks<State> = { own: checks.object('a state of its own'), beside: checks.anything }

/**
 * The rehearsal that both are. It can do no more than the one beside it: what that one cannot take back,
 * recode or forget, it cannot either. Only new rows are told to that one, and its own old ones.
 *
 * @param who For messages.
 * @throws OptionError if the other has a loss of its own, which nobody would ask for.
 */
export function composeRehearsals(who: string, name: string, own: OwnRows, beside: Rehearsal): Rehearsal {
  if (beside.loss !== undefined) {
    throw new OptionError(
      `${who}: got ${beside.name} beside it, which has a loss of its own; expected one whose rows are learnt like any.`,
    )
  }
  /** Own rows that are learnt in the step at hand. */
  let ownRows = 0
  const hasAlone = own.recallAlone !== undefined || beside.recallAlone !== undefined
  return {
    name,
    ...(beside.usesLogits && { usesLogits: true }),
    async recall(context) {
      const first = await own.recall(context)
      ownRows = first?.rows ?? 0
      return joined(first, await beside.recall(context))
    },
    ...(hasAlone && {
      async recallAlone(rows: number, context: RehearseContext) {
        const first = await rowsAlone(own, rows, context)
        return joined(first, await rowsAlone(beside, rows - (first?.rows ?? 0), context))
      },
    }),
    ...(beside.mark && {
      mark() {
        const takeBack = [own.mark(), beside.mark?.()]
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
    settled(stand) {
      own.settled?.(stand)
      beside.settled?.(stand)
    },
    sample(rows) {
      const first = own.sample(rows)
      return joined(first, beside.sample(rows - (first?.rows ?? 0)))
    },
    ...(beside.recode && {
      recode(encoded: (row: Int32Array) => Int32Array) {
        own.recode(encoded)
        beside.recode?.(encoded)
      },
    }),
    ...(beside.forget && {
      forget: (isMeant: (origin: Origin) => boolean) => own.forget(isMeant) + (beside.forget?.(isMeant) ?? 0),
    }),
    toState: (): State => ({ own: own.toState(), beside: beside.toState() }),
    restore(state) {
      const saved = checkState<State>(who, state, stateChecks)
      const before = own.toState()
      own.restore(saved.own)
      try {
        beside.restore(saved.beside)
      } catch (error) {
        own.restore(before)
        throw error
      }
      ownRows = 0
    },
  }
}

function joined(...parts: readonly (Batch | null)[]): Batch | null {
  const found = parts.filter((part) => part !== null)
  return found.length === 0 ? null : joinBatches(found)
}

/** Rows for a step without new ones. */
function rowsAlone(
  rehearsal: Pick<Rehearsal, 'recallAlone' | 'sample'>,
  rows: number,
  context: RehearseContext,
): Batch | null | Promise<Batch | null> {
  if (rows === 0) return null
  return rehearsal.recallAlone ? rehearsal.recallAlone(rows, context) : rehearsal.sample(rows)
}
