/** Forgetting on purpose: what a learner keeps of some experiences goes, and its weights stay. */
import { checkArgument, checks, OptionError } from '@burgeon/tensor'
import type { KeptPart } from '../part.ts'
import type { Origin } from '../stream/origin.ts'
import type { Strategy } from '../strategy/strategy.ts'

/** Which experiences are meant: all of a source, or some by their numbers (`Origin.id`). */
export type ForgetWhat = { readonly source: string } | { readonly ids: readonly number[] }

/** How much each part let go of, by its name: rows, or bytes of text. Parts that had none are left out. */
export type Forgotten = Readonly<Record<string, number>>

const anId = checks.list('a list of numbers', checks.count)

/** Whether an origin is meant. Throws OptionError for what names neither a source nor numbers. */
export function meantBy(what: ForgetWhat): (origin: Origin) => boolean {
  checkArgument('Learner: forget', 'what', what, {
    expected: '{ source } that is a name, or { ids } that are a list of numbers',
    accepts: (value): value is ForgetWhat => {
      if (typeof value !== 'object' || value === null) return false
      const { source, ids } = value as { source?: unknown; ids?: unknown }
      return ids === undefined ? checks.text.accepts(source) : source === undefined && anId.accepts(ids)
    },
  })
  if ('source' in what) return ({ source }) => source === what.source
  const ids = new Set(what.ids)
  return ({ id }) => ids.has(id)
}

/** Roles of parts that keep rows or texts. */
const keepers = ['rehearsal', 'memory', 'probes', 'recall']

/**
 * Has every part forget.
 *
 * @throws OptionError where a part keeps rows and cannot forget: then nothing is forgotten.
 */
export function forget(
  kept: readonly KeptPart[],
  { projections = [] }: Strategy,
  isMeant: (origin: Origin) => boolean,
): Forgotten {
  const own = kept.filter(({ role, part }) => keepers.includes(role) && part.forget === undefined)
  const [mute] = [...own.map(({ part }) => part), ...projections.filter(({ remember }) => remember)]
  if (mute !== undefined) {
    throw new OptionError(
      `Learner: forget: ${mute.name} keeps rows and cannot forget any of them; expected a part with forget(isMeant). Nothing was forgotten.`,
    )
  }
  const amounts = kept.map(({ part }) => [part.name, part.forget?.(isMeant) ?? 0] as const)
  return Object.fromEntries(amounts.filter(([, amount]) => amount > 0))
}
