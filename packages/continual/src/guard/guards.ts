/** Several guards in a row. */
import {
  type Check,
  checkArgument,
  checks,
  checkState,
  OptionError,
  type ParameterStore,
  type StateChecks,
} from '@burgeon/tensor'
import { stateOfKind } from '../saved-state.ts'
import { aGuard, type Guard } from './guard.ts'
import { judged } from './judged.ts'

interface State {
  readonly kind: 'guards'
  readonly states: Readonly<Record<string, unknown>>
}

const stateChecks: StateChecks<State> = {
  kind: checks.text as Check<'guards'>,
  states: checks.record('states by name', checks.anything),
}

/**
 * A guard that asks others in turn. The first that refuses a text, or keeps it apart, ends it, and those
 * after it are not asked; a redacted text is what the next one sees; shares of trust multiply.
 *
 * @throws OptionError for what is no guard, or two of one name, whose states could not be told apart.
 * @example
 * ```ts
 * const guard = guards(provenance({ unknown: 0.2 }))
 * ```
 */
export function guards(...members: readonly Guard[]): Guard {
  checkArgument('guards', 'members', members, checks.list('guards', aGuard))
  // Those of a chain in a chain are asked in its place.
  const all = members.flatMap((member) => member.members ?? [member])
  const twice = all.find(({ name }, i) => all.findIndex((other) => other.name === name) < i)
  if (twice !== undefined) {
    throw new OptionError(`guards: got two guards named "${twice.name}"; expected each to have its own name.`)
  }
  const chain: Guard = {
    name: 'guards',
    reasons: [...new Set(all.flatMap(({ reasons }) => reasons))],
    members: all,
    admit(record, context) {
      const { verdict, text, reasons, trust } = judged(chain, record, context)
      return {
        ...{ verdict, reasons, trust: shareOf(trust, record.trust ?? 1) },
        ...(verdict === 'redact' && { text }),
      }
    },
    noteOwn(text) {
      for (const member of all) member.noteOwn?.(text)
    },
    toState: (): State => ({
      kind: 'guards',
      states: Object.fromEntries(all.map((member) => [member.name, member.toState?.() ?? null])),
    }),
    restore(state, parameters) {
      const { states } = checkState<State>('guards', stateOfKind<State>(state, 'guards'), stateChecks)
      restoreAll(all, states, parameters)
    },
  }
  return chain
}

/**
 * Gives guards their states by name: one that has none begins afresh, and a state of which there is no guard
 * any more is left out. Throws what they throw; all are as they were then.
 */
function restoreAll(
  all: readonly Guard[],
  states: Readonly<Record<string, unknown>>,
  parameters: ParameterStore,
): void {
  const undo: (() => void)[] = []
  try {
    for (const member of all) {
      if (!Object.hasOwn(states, member.name) || member.restore === undefined) continue
      const before = member.toState?.()
      member.restore(states[member.name], parameters)
      undo.push(() => member.restore?.(before, parameters))
    }
  } catch (error) {
    for (const back of undo) back()
    throw error
  }
}

/** The part of a trust that is not the record's own. */
const shareOf = (all: number, own: number): number => (own === 0 ? 1 : Math.min(1, all / own))
