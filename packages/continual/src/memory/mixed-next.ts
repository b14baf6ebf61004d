/** What comes next by model and memory together. */
import type { Recollection } from './recall.ts'
import type { Spelling } from './spelling.ts'

/** Probability that a memory gives a token. */
export function expectedShare(
  { bytes, spread }: Pick<Recollection, 'bytes' | 'spread'>,
  token: number,
  spelling: Spelling,
): number {
  const own = spelling.beginningsOf(bytes).find(([one]) => one === token)?.[1] ?? 0
  return spread / spelling.vocabulary + (1 - spread) * own
}

/**
 * The probabilities of a model with a recollection mixed in.
 *
 * @param model Probability of every token, `[V]`, summing to 1.
 */
export function mixedNext(
  model: ArrayLike<number>,
  { bytes, weight, spread }: Recollection,
  spelling: Spelling,
): Float64Array {
  const beginnings = spelling.beginningsOf(bytes)
  if (beginnings.length === 0) return Float64Array.from(model)
  const even = (weight * spread) / spelling.vocabulary
  const mixed = Float64Array.from(model, (probability) => (1 - weight) * probability + even)
  for (const [token, share] of beginnings) mixed[token] += weight * (1 - spread) * share
  return mixed
}
