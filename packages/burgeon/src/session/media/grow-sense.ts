/** A sense that a life comes to have. */
import type { Learner, LearnerEvent } from '@burgeon/continual'
import type { FoundPiece } from '@burgeon/senses/node'
import { printable } from '../../terminal/terminal.ts'
import { UsageError } from '../../terminal/usage-error.ts'

/** Probability, beside a byte, that text goes on with a piece at first: so pieces are drawn by their names. */
const share = 0.01

/** Most senses and sizes of one life: each has a token of its own. */
const maxSenses = 64

/**
 * Grows what a piece needs to be read, within the budget of the life.
 *
 * @throws UsageError where it may not; the life is as it was then.
 */
export async function growSense(learner: Learner, piece: FoundPiece, seed: number): Promise<LearnerEvent> {
  const { file, label } = piece
  const { patches, vocabulary } = learner.model.config
  if ((patches?.senses.length ?? 0) >= maxSenses) {
    throw new UsageError(
      `learn: got ${printable(file)}, ${label}, beside ${maxSenses} other senses and sizes; expected pictures of fewer sizes.`,
    )
  }
  // Of each sense another key, the same whenever it is grown anew.
  const event = await learner.grow(piece.request({ share }), [seed, vocabulary])
  if (event.kind !== 'growth refused') return event
  throw new UsageError(
    `learn: to read ${printable(file)}, ${label}, the model must grow, and that was refused: ${event.summary}`,
  )
}
