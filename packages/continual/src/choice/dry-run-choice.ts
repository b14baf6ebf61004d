/** Replays a choice on the trials of a life, without a model. */
import { checkArgument, checks } from '@burgeon/tensor'
import type { LearnerEvent } from '../journal/event.ts'
import { aChoice, type Choice } from './choice.ts'

/** What a choice would have decided after a trial. */
export interface DryChoice {
  readonly step: number
  readonly goesOn: string
  readonly reason: string
}

/**
 * Asks a choice again after every trial in a journal: of the life that it was part of, it decides the same.
 * Trials are as they are, so of another choice it tells what that would have made of them.
 *
 * @param journal A learner's, from its first trial on.
 * @throws OptionError for what is no choice or no journal, and as the choice does.
 */
export function dryRunChoice<S>(choice: Choice<S>, journal: readonly LearnerEvent[]): DryChoice[] {
  checkArgument('dryRunChoice', 'choice', choice, aChoice)
  const events = checks.list(
    'the journal of a learner',
    checks.role<LearnerEvent>('an event', 'kind', 'step'),
  )
  checkArgument('dryRunChoice', 'journal', journal, events)
  let { initial: state } = choice
  return journal.flatMap((event) => {
    if (event.kind !== 'choice') return []
    const { goesOn, reason, state: after } = choice.decide(event.data.outcome, state)
    state = after
    return [{ step: event.step, goesOn, reason }]
  })
}
