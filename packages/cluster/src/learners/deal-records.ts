/** Who learns which records in a round. */
import type { Course } from './course.ts'
import { type Run, runsOf } from './runs.ts'

/**
 * The shares of a round: of all records that are owed, at most so many for each member as it makes local steps.
 * New ones go round by their position; those that come again go to somebody else from round to round.
 *
 * @param last Position of the last record that there is.
 */
export function dealRecords(course: Course, last: number): Readonly<Record<string, readonly Run[]>> {
  const { members, settings, left, dealt, round } = course
  const most = members.length * settings.localSteps
  const again = left.slice(0, most)
  const count = Math.min(most - again.length, last - dealt)
  const fresh = Array.from({ length: count }, (_, i) => dealt + 1 + i)
  const shares: Record<string, number[]> = {}
  const give = (at: number, turn: number): void => {
    const name = members[turn % members.length]
    const own = (shares[name] ??= [])
    own.push(at)
  }
  for (const at of again) give(at, at - 1 + round)
  for (const at of fresh) give(at, at - 1)
  return Object.fromEntries(
    Object.entries(shares).map(([name, own]) => [name, runsOf(own.toSorted((a, b) => a - b))]),
  )
}

/** Records that are owed: those to be dealt out again, and those that came since. */
export const owedOf = ({ left, dealt }: Course, last: number): number => left.length + last - dealt
