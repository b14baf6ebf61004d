/** What a learner remembers beside its weights, as its checkpoint holds it. */
import { episodicMemory, type Recall, type SavedLearner, savedPart } from '@burgeon/continual'
import { checkState, checks } from '@burgeon/tensor'

const stateChecks = { kind: checks.anything, room: checks.anything }

/**
 * The recall of a saved learner; undefined where it has none, or one that a program of somebody's own made.
 *
 * @param place Of the checkpoint, for messages.
 * @throws StateError, OptionError for one that is damaged.
 */
export function savedRecall(place: string, learner: SavedLearner): Recall | undefined {
  const state = savedPart(learner, 'recall')
  if (state === undefined) return undefined
  const { kind, room } = checkState<{ kind: unknown; room: unknown }>(place, state, stateChecks)
  if (kind !== 'episodic memory') return undefined
  const memory = episodicMemory({ bytes: room as number })
  memory.restore(state)
  return memory
}
