/** Rows drawn from memory, each with the same chance. */
import type { Retrieval } from './retrieval.ts'

/** Draws rows without looking at them. */
export function uniform(): Retrieval {
  return { name: 'uniform', choose: (count, { drawPlaces }) => drawPlaces(count) }
}
