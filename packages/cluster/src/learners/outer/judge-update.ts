/** Whether an update counts. */
import { BurgeonError } from '@burgeon/tensor'
import { BlobError } from '../../errors.ts'
import type { Blobs } from '../../seams/blobs.ts'
import { digestOf } from '../../seams/digest.ts'
import type { OpenRound } from '../course.ts'
import type { UpdateEntry } from '../entries.ts'
import type { Numbers, OuterState } from './outer-state.ts'
import { normOf, updateFromBytes } from './update.ts'

/** An update whose numbers are there and finite. */
export interface ReadUpdate extends Pick<UpdateEntry, 'worker' | 'update' | 'steps'> {
  readonly norm: number
  readonly difference: Numbers
}

/**
 * Fetches the numbers of an update.
 *
 * @param differenceOf Throws where they are not there, or are not what the digest says.
 * @returns Why it does not count, where it does not: it is of another version, says another number of steps than
 *   its share has records, is not there, is not what its digest says, is no update of this model, or has numbers
 *   that are not finite.
 */
export async function readUpdate(
  entry: UpdateEntry,
  { version, shares }: Pick<OpenRound, 'version' | 'shares'>,
  differenceOf: (update: string) => Promise<Numbers>,
): Promise<ReadUpdate | string> {
  const { worker, update, steps, skipped } = entry
  if (entry.version !== version) return 'another version of the weights'
  const { length } = shares[worker]
  if (steps + skipped !== length) return `${steps} steps and ${skipped} records left out of ${length}`
  try {
    const difference = await differenceOf(update)
    const norm = normOf(difference)
    return Number.isFinite(norm) ? { worker, update, steps, norm, difference } : 'numbers that are not finite'
  } catch (error) {
    if (error instanceof BurgeonError) return error.message
    throw error
  }
}

/**
 * The numbers of an update. Throws ClusterError or BlobError where they are not there, or not what the digest
 * says.
 */
export async function differenceAt(update: string, { weights }: OuterState, blobs: Blobs): Promise<Numbers> {
  const bytes = await blobs.get(update)
  const digest = await digestOf(bytes)
  if (digest !== update) throw new BlobError(`cluster: got bytes of digest ${digest}; expected ${update}.`)
  return updateFromBytes(bytes, weights)
}

/**
 * The updates whose norm is more than so many times the median, of their own norms and of those that counted
 * before. Of two there is no saying which is the outlier, but by earlier ones.
 */
export function outliersOf(
  updates: readonly ReadUpdate[],
  before: readonly number[],
  factor: number,
): readonly ReadUpdate[] {
  const norms = [...before, ...updates.map(({ norm }) => norm)].toSorted((a, b) => a - b)
  if (norms.length < 3) return []
  const median = norms[Math.floor((norms.length - 1) / 2)]
  return updates.filter(({ norm }) => norm > factor * median)
}
