/** Class-balancing reservoir sampling (Chrysakis & Moens 2020, algorithm 1), by domain or by class. */
import { checkOptions, checks, checkState, type StateChecks } from '@burgeon/tensor'
import { count, entriesOf, requireSameOptions, stateOfKind } from '../../saved-state.ts'
import {
  aGrouping,
  type GroupedOptions,
  groupOf,
  type Grouping,
  largestGroups,
  nameBy,
  oneOf,
  placesByGroup,
} from './groups.ts'
import type { Memory, MemoryView } from './memory.ts'

interface State {
  readonly kind: 'balanced memory'
  readonly by: Grouping
  /** Rows seen of each group. */
  readonly seen: readonly (readonly [string, number])[]
  /** Groups of which not every row is kept any more. */
  readonly sampled: readonly string[]
}

type Counts = Pick<State, 'seen' | 'sampled'>

const stateChecks: StateChecks<Counts> = {
  seen: entriesOf('a list of groups, each with a count', count),
  sampled: checks.list('a list of names', checks.text),
}

/**
 * Keeps as many rows of a rare domain, or class, as of a frequent one, and of each a uniform sample: every
 * row of it that was ever seen has the same chance to be there. Meant for fewer domains than rows.
 *
 * @throws OptionError for another grouping.
 */
export function balancedMemory(options: GroupedOptions = {}): Memory {
  checkOptions('balancedMemory', options, { by: aGrouping })
  const { by = 'domain' } = options
  let seen = new Map<string, number>()
  let sampled = new Set<string>()
  /** A row of the largest groups goes, whichever; from now on these are samples. */
  const evict = ({ rows, draw }: Pick<MemoryView, 'rows' | 'draw'>): number => {
    const groups = placesByGroup(rows, by)
    const largest = largestGroups(groups)
    for (const group of largest) sampled.add(group)
    return oneOf(
      largest.flatMap((group) => groups.get(group) ?? []),
      draw,
    )
  }
  return {
    name: nameBy('balanced', by),
    offer(row, { rows, isFull, draw }) {
      const group = groupOf(row, by)
      const ofGroup = (seen.get(group) ?? 0) + 1
      seen.set(group, ofGroup)
      const groups = placesByGroup(rows, by)
      if (isFull) for (const largest of largestGroups(groups)) sampled.add(largest)
      if (!sampled.has(group)) return isFull ? evict({ rows, draw }) : rows.length
      // Algorithm R within the group: m of the n rows seen of it stay.
      const own = groups.get(group) ?? []
      return own[draw(ofGroup)] ?? null
    },
    evict,
    toState: (): State => ({ kind: 'balanced memory', by, seen: [...seen], sampled: [...sampled] }),
    restore(state) {
      const own = stateOfKind<State>(state, 'balanced memory')
      requireSameOptions('balanced memory', { by }, own)
      const saved = checkState<Counts>('balanced memory', own, stateChecks)
      seen = new Map(saved.seen)
      sampled = new Set(saved.sampled)
    },
  }
}
