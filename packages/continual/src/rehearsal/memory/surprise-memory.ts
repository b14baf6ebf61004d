/** A memory of what was hardest to predict: SuRe's selection (Hazard et al. 2025, section 3). */
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
 * Keeps the rows of each domain that were least expected when they were new: those of the largest loss per
 * prediction, before they were learnt (equation 1 of the paper). Domains, or classes, share the room
 * evenly. What is noise surprises most: where a stream has much of it, another memory is better.
 *
 * @throws OptionError for another grouping.
 */
export function surpriseMemory(options: GroupedOptions = {}): Memory {
  return groupedMemory('surprise', options, (by) => ({
    offer(row, { rows, isFull }) {
      const group = groupOf(row, by)
      if (!isFull) return rows.length
      const groups = placesByGroup(rows, by)
      const largest = largestGroups(groups)
      const own = largest.includes(group)
      const place = plainest(groups.get(own ? group : largest[0]) ?? [], rows)
      return own && rows[place].firstLoss >= row.firstLoss ? null : place
    },
    evict({ rows }) {
      const groups = placesByGroup(rows, by)
      return plainest(groups.get(largestGroups(groups)[0]) ?? [], rows)
    },
  }))
}

const plainest = (places: readonly number[], rows: MemoryView['rows']): number =>
  leastOf(places, rows, ({ firstLoss }) => firstLoss)
