/** A memory in which every row of the stream has the same chance (Vitter 1985, algorithm R). */
import { checkState } from '@burgeon/tensor'
import { count, stateOfKind } from '../../saved-state.ts'
import type { Memory } from './memory.ts'

interface State {
  readonly kind: 'reservoir memory'
  readonly seen: number
}

/**
 * Keeps a uniform sample of all rows seen so far. Where room is counted in bytes, rows of the same size have
 * the same chance, and the number of rows never rises again once a row was refused.
 */
export function reservoirMemory(): Memory {
  let seen = 0
  return {
    name: 'reservoir',
    offer(_, { rows, isFull, draw }) {
      const isWhole = rows.length === seen
      seen++
      // A sample that lacks a row stays one of as many: an added row would be there with a greater chance.
      if (!isFull && isWhole) return rows.length
      // The row itself is one of those that share the places.
      const place = draw(seen)
      return place < rows.length ? place : null
    },
    evict: ({ rows, draw }) => draw(rows.length),
    toState: (): State => ({ kind: 'reservoir memory', seen }),
    restore(state) {
      const saved = stateOfKind<State>(state, 'reservoir memory')
      seen = checkState<Pick<State, 'seen'>>('reservoir memory', saved, { seen: count }).seen
    },
  }
}
