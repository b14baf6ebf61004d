/** Which of the checkpoints that were kept asleep have had their time. */

/** A checkpoint that was kept asleep. */
export interface SleptCheckpoint {
  /** Its number: later ones have higher numbers. */
  readonly kept: number
  /** When it was saved, in milliseconds since 1970 (UTC). */
  readonly at: number
  /** Parameters of its model. */
  readonly parameters: number
}

/** How many of the latest stay, and for how many days one each. */
const [latest, days] = [3, 7]
const day = 86_400_000

/**
 * Numbers of those that go: all but the last three, the last of each of seven days, and the last of each size
 * that the model had. One that is of a later time than now stays: a clock was put back.
 *
 * @param now Milliseconds since 1970 (UTC).
 */
export function retiredCheckpoints(all: readonly SleptCheckpoint[], now: number): readonly number[] {
  const inOrder = all.toSorted((a, b) => a.kept - b.kept)
  const lastOfDay = new Map(inOrder.map(({ kept, at }) => [Math.floor(at / day), kept]))
  const stays = (one: SleptCheckpoint, i: number): boolean => {
    const ofDay = Math.floor(one.at / day)
    const isOfDay = ofDay > Math.floor(now / day) - days && lastOfDay.get(ofDay) === one.kept
    const next = inOrder.at(i + 1)
    const hasGrown = next !== undefined && next.parameters !== one.parameters
    return i >= inOrder.length - latest || isOfDay || hasGrown
  }
  return inOrder.filter((one, i) => !stays(one, i)).map(({ kept }) => kept)
}
