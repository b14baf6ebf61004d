/** The greedy balancing sampler of GDumb (Prabhu, Torr & Dokania 2020, algorithm 1). */
import { groupedMemory, type GroupedOptions, groupOf, largestGroups, oneOf, placesByGroup } from './groups.ts'
import type { Memory, MemoryView } from './memory.ts'

/**
 * Keeps the first rows of each domain, or class, and makes room for one that has fewer than its share from
 * the largest. Within a domain the early rows stay: the memory is balanced, but no sample.
 *
 * @throws OptionError for another grouping.
 */
export function greedyMemory(options: GroupedOptions = {}): Memory {
  return groupedMemory('greedy', options, (by) => {
    const evict = ({ rows, draw }: Pick<MemoryView, 'rows' | 'draw'>): number => {
      const groups = placesByGroup(rows, by)
      return oneOf(groups.get(largestGroups(groups)[0]) ?? [], draw)
    }
    return {
      offer(row, { rows, isFull, draw }) {
        if (!isFull) return rows.length
        const groups = placesByGroup(rows, by)
        const own = groups.get(groupOf(row, by))?.length ?? 0
        const share = rows.length / (groups.size + (own === 0 ? 1 : 0))
        return own < Math.floor(share) || own === 0 ? evict({ rows, draw }) : null
      },
      evict,
    }
  })
}
