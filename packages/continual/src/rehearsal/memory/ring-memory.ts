/** A memory of the latest rows of every domain, or class (ring buffer: Chaudhry et al. 2019). */
import {
  groupedMemory,
  type GroupedOptions,
  groupOf,
  largestGroups,
  leastOf,
  placesByGroup,
} from './groups.ts'
import type { Memory, MemoryView } from './memory.ts'

/**
 * Keeps the latest rows of each domain, or class, first in, first out. These share the room evenly, and one
 * that is new takes it from the largest: their number need not be known beforehand.
 *
 * @throws OptionError for another grouping.
 */
export function ringMemory(options: GroupedOptions = {}): Memory {
  return groupedMemory('ring', options, (by) => ({
    offer(row, { rows, isFull }) {
      const group = groupOf(row, by)
      if (!isFull) return rows.length
      const groups = placesByGroup(rows, by)
      const own = groups.get(group) ?? []
      const largest = largestGroups(groups)
      // Among equals the group that the row belongs to gives way, so that the shares stay what they are.
      return oldest(largest.includes(group) ? own : (groups.get(largest[0]) ?? []), rows)
    },
    evict({ rows }) {
      const groups = placesByGroup(rows, by)
      return oldest(groups.get(largestGroups(groups)[0]) ?? [], rows)
    },
  }))
}

const oldest = (places: readonly number[], rows: MemoryView['rows']): number =>
  leastOf(places, rows, ({ order }) => order)
