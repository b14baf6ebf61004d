/**
 * A journal that does not grow with the steps of a life.
 *
 * The rule: every growth stays, for the model is made of them; of everything else the latest 4096 events
 * stay.
 */
import { checkArgument, checks } from '@burgeon/tensor'
import type { LearnerEvent } from './event.ts'

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
  const isOther = (event: E): boolean => kindOf(event) !== 'growth'
  const known = counted.get(journal)
  const before = known?.length === journal.length ? known.others : countOf(journal, isOther)
  const others = before + countOf(events, isOther)
  for (const event of events) journal.push(event)
  if (others <= latest + spare) {
    counted.set(journal, { length: journal.length, others })
    return journal
  }
  let leaving = others - latest
  const shorter = journal.filter((event) => !isOther(event) || leaving-- <= 0)
  counted.set(shorter, { length: shorter.length, others: latest })
  return shorter
}

/**
 * Number of events in a journal that are not growths. Counting anew at each step would take ever longer in a
 * life of many growths.
 */
const counted = new WeakMap<readonly unknown[], { length: number; others: number }>()

const countOf = <E>(events: readonly E[], isCounted: (event: E) => boolean): number =>
  events.reduce((sum, event) => sum + (isCounted(event) ? 1 : 0), 0)
