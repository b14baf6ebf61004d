/**
 * A journal that does not grow with the steps of a life.
 *
 * The rule: every growth stays, for the model is made of them; of everything else the latest 4096 events stay.
 */
import { checkArgument, checks } from '@burgeon/tensor'
import type { LearnerEvent } from './step-report.ts'

/** Events of any form; looking at each of a long journal would cost more than extending it. */
const someEvents = checks.array('a list of events')

const latest = 4096
/** Letting go takes a pass over everything, so it is done for many at once. */
const spare = 1024

/**
 * The journal with some events more, and without those that its rule lets go of.
 *
 * @param journal Is changed, and must not be used afterwards.
 * @param kindOf The kind of an event.
 */
export function extendJournal<E>(
  journal: E[],
  events: readonly E[],
  kindOf: (event: E) => LearnerEvent['kind'],
): E[] {
  checkArgument('extendJournal', 'journal', journal, someEvents)
  checkArgument('extendJournal', 'events', events, someEvents)
  checkArgument('extendJournal', 'kindOf', kindOf, checks.callback())
  for (const event of events) journal.push(event)
  if (journal.length <= latest + spare) return journal
  const isGrowth = (event: E): boolean => kindOf(event) === 'growth'
  const others = journal.filter((event) => !isGrowth(event)).length
  if (others <= latest + spare) return journal
  let before = others - latest
  return journal.filter((event) => isGrowth(event) || before-- <= 0)
}
