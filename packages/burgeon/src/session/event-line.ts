import type { LearnerEvent } from '@burgeon/continual'
import type { ProgressEvent } from '../terminal/progress-line.ts'
import { count } from '../terminal/quantities.ts'

/** A learner's event as a line for people. */
export function eventLine({ kind, step, summary }: LearnerEvent): ProgressEvent {
  if (kind === 'growth') return { kind, text: summary }
  return { kind: kind === 'drift' ? kind : 'note', text: `step ${count(step)}: ${summary}` }
}
