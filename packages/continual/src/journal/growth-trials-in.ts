/** Finds in a journal what trials of growth came to. */
import { checkArgument, checks } from '@burgeon/tensor'
import type { LearnerEvent } from './event.ts'
import type { TriedRequests } from './trials/tried-requests.ts'

const someEvents = checks.list(
  'the journal of a learner',
  checks.role<LearnerEvent>('an event', 'kind', 'step'),
)

/**
 * The trials of growth in a learner's journal, by the step in which the policy asked, for `dryRun`.
 *
 * @example
 * ```ts
 * const when = growOnPlateau({ window: 200, patience: 400 })
 * const strategy = { growth: growByTrial({ when }), probes: heldBack() }
 * const learner = new Learner({ model, optimizer: adamw({ learningRate: 1e-3 }), strategy })
 * const trials = growthTrialsIn(learner.journal)
 * ```
 */
export function growthTrialsIn(journal: readonly LearnerEvent[]): Record<number, TriedRequests> {
  checkArgument('growthTrialsIn', 'journal', journal, someEvents)
  const found: Record<number, TriedRequests> = {}
  for (const event of journal) {
    if (event.kind === 'growth tried') found[event.data.asked] = event.data
  }
  return found
}
