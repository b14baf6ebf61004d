/** Rows drawn from memory, each with the same chance. */
import { drawPlaces } from '../memory/reservoir.ts'
import type { Retrieval } from './retrieval.ts'

/** Draws rows without looking at them. */
export function uniform(): Retrieval {
  return { name: 'uniform', choose: (count, { size, draw }) => drawPlaces(count, size, draw) }
}
