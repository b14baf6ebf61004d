/** The rows that a learner rehearses, looked at. */
import { checkArgument, checks } from '@burgeon/tensor'
import { Learner } from '../../learner.ts'
import { aTokenBatch, type TokenBatch } from '../../stream/batch.ts'

/**
 * Some of the rows that a learner rehearses, evenly drawn; no random stream of it moves.
 *
 * @param rows At most so many, ≥ 1.
 * @returns null where it rehearses no rows of tokens, or could not be put back as it was.
 * @throws OptionError for another number.
 */
export function rememberedRows(learner: Learner, rows: number): TokenBatch | null {
  checkArgument('rememberedRows', 'learner', learner, checks.instance('a Learner', Learner))
  checkArgument('rememberedRows', 'rows', rows, checks.integer({ from: 1 }))
  const { rehearsal } = learner.strategy
  const takeBack = rehearsal?.mark?.()
  if (rehearsal === undefined || takeBack === undefined) return null
  try {
    const remembered = rehearsal.sample(rows)
    return remembered !== null && aTokenBatch.accepts(remembered) ? remembered : null
  } finally {
    takeBack()
  }
}
