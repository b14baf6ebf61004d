/** Finds in a journal when a controller could do no more. */
import { checkArgument, checks } from '@burgeon/tensor'
import type { LearnerEvent } from './event.ts'

const someEvents = checks.list(
  'the journal of a learner',
  checks.role<LearnerEvent>('an event', 'kind', 'step'),
)

/**
 * Whether the controller said after a step that it is saturated, by step, for `dryRun`; it holds until the
 * next step that is there.
 *
 * @example
 * ```ts
 * const strategy = { probes: heldBack(), controller: forgetAtMost(), growth: growOnConflict() }
 * const learner = new Learner({ model, optimizer: adamw({ learningRate: 1e-3 }), strategy })
 * const saturations = saturationsIn(learner.journal)
 * ```
 */
export function saturationsIn(journal: readonly LearnerEvent[]): Record<number, boolean> {
  checkArgument('saturationsIn', 'journal', journal, someEvents)
  const saturations: Record<number, boolean> = {}
  for (const event of journal) {
    if (event.kind === 'control') saturations[event.step] = event.data.isSaturated
  }
  return saturations
}
