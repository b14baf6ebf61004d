/** The greedy balancing sampler of GDumb (Prabhu, Torr & Dokania 2020, algorithm 1). */
import { checkOptions } from '@burgeon/tensor'
import { requireSameOptions, stateOfKind } from '../../saved-state.ts'
import {
  aGrouping,
  type GroupedOptions,
  groupOf,
  type Grouping,
  largestGroups,
  oneOf,
  placesByGroup,
} from './groups.ts'
import type { Memory, MemoryView } from './memory.ts'

interface State {
  readonly kind: 'greedy memory'
  readonly by: Grouping
}

/**
 * Keeps the first rows of each domain, or class, and makes room for one that has fewer than its share from
 * the largest. Within a domain the early rows stay: the memory is balanced, but no sample.
 *
 * @throws OptionError for another grouping.
 */
export function greedyMemory(options: GroupedOptions = {}): Memory {
  checkOptions('greedyMemory', options, { by: aGrouping })
  const { by = 'domain' } = options
  const evict = ({ rows, draw }: Pick<MemoryView, 'rows' | 'draw'>): number => {
    const groups = placesByGroup(rows, by)
    return oneOf(groups.get(largestGroups(groups)[0]) ?? [], draw)
  }
  return {
    name: by === 'domain' ? 'greedy' : 'greedy by class',
    offer(row, { rows, isFull, draw }) {
      if (!isFull) return rows.length
      const groups = placesByGroup(rows, by)
      const own = groups.get(groupOf(row, by))?.length ?? 0
      const share = rows.length / (groups.size + (own === 0 ? 1 : 0))
      return own < Math.floor(share) || own === 0 ? evict({ rows, draw }) : null
    },
    evict,
    toState: (): State => ({ kind: 'greedy memory', by }),
    restore: (state) =>
      requireSameOptions('greedy memory', { by }, stateOfKind<State>(state, 'greedy memory')),
  }
}
