/** Rows by group, for memories that share their room among groups. */
import { type Check, checkOptions, checks, OptionError } from '@burgeon/tensor'
import { requireSameOptions, stateOfKind } from '../../saved-state.ts'
import type { Memory, MemoryView, RememberedRow } from './memory.ts'

/** What makes a group: where rows came from, or the class of an example. */
export type Grouping = 'domain' | 'class'

/** Options of a memory that shares its room among groups. */
export interface GroupedOptions {
  /** Groups that share the room evenly. Default `domain`; `class` is for examples of a classifier alone. */
  readonly by?: Grouping
}

export const aGrouping: Check<Grouping> = checks.oneOf('domain', 'class')

/** The group of a row. Throws OptionError for a row without a class where classes make the groups. */
export function groupOf({ domain, label }: RememberedRow, by: Grouping): string {
  if (by === 'domain') return domain
  if (label !== null) return `${label}`
  throw new OptionError(`a memory by class: got a row of ${domain} that has no class; expected by: 'domain'.`)
}

/** Places of the kept rows by the group they belong to, groups in the order in which they first occur. */
export function placesByGroup(rows: readonly RememberedRow[], by: Grouping): Map<string, number[]> {
  const groups = new Map<string, number[]>()
  rows.forEach((row, place) => {
    const group = groupOf(row, by)
    const places = groups.get(group)
    if (places) places.push(place)
    else groups.set(group, [place])
  })
  return groups
}

/** The groups that have more rows than every other. */
export function largestGroups(groups: ReadonlyMap<string, readonly number[]>): string[] {
  const most = Math.max(...[...groups.values()].map((places) => places.length))
  return [...groups].flatMap(([group, { length }]) => (length === most ? [group] : []))
}

/** One of some places, each with the same chance. */
export const oneOf = (places: readonly number[], draw: MemoryView['draw']): number =>
  places[draw(places.length)]

/** The place of some whose row has the least of something; the first of several. */
export const leastOf = (
  places: readonly number[],
  rows: readonly RememberedRow[],
  valueOf: (row: RememberedRow) => number,
): number => places.reduce((least, place) => (valueOf(rows[place]) < valueOf(rows[least]) ? place : least))

interface State {
  readonly kind: string
  readonly by: Grouping
}

/**
 * A memory that shares its room among groups, and knows nothing but the rows that it holds.
 *
 * @param kind Its name, as in `ringMemory`.
 * @param policyOf What it keeps, by what makes a group.
 * @throws OptionError for another grouping.
 */
export function groupedMemory(
  kind: string,
  options: GroupedOptions,
  policyOf: (by: Grouping) => Pick<Memory, 'offer' | 'evict'>,
): Memory {
  checkOptions(`${kind}Memory`, options, { by: aGrouping })
  const { by = 'domain' } = options
  const name = `${kind} memory`
  return {
    name: nameBy(kind, by),
    ...policyOf(by),
    toState: (): State => ({ kind: name, by }),
    restore: (state) => requireSameOptions(name, { by }, stateOfKind<State>(state, name)),
  }
}

/** Name of a memory that shares its room among groups. */
export const nameBy = (kind: string, by: Grouping): string => (by === 'domain' ? kind : `${kind} by class`)
