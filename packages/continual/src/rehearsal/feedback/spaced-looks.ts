/**
 * Spaced looks: a correction that was learnt is looked at again, the later the more often it was found to
 * hold. Later steps move a model away from what it has learnt, and nothing tells but a look.
 */

/** When a piece of feedback is looked at again. Looks are counted by who keeps the pieces. */
export interface Looked {
  /** Looks that the piece may rest for after a look; 0 while it does not hold. */
  readonly rest: number
  /** Number of the look from which on it is due. */
  readonly due: number
  /** Looks in a row at which it did not hold. */
  readonly misses: number
}

/** Of a piece that nobody has looked at. */
export const notLooked: Looked = { rest: 0, due: 0, misses: 0 }

/** What holds rests for so many looks at first, and for twice as many each time that it is due and holds. */
const firstRest = 2
/** What did not hold at so many looks in a row is not learnt for now: it rests as what holds does. */
const mostMisses = 32

/**
 * When a piece is due after a look.
 *
 * @param look Number of that look.
 * @param holds Whether it held when the model was looked at, before the step that learnt it.
 */
export function afterLook({ rest, due, misses }: Looked, look: number, holds: boolean): Looked {
  const missed = holds ? 0 : misses + 1
  // Soon after a step it holds by that step: only a rest that it has lasted for makes the next one longer.
  const longer = look < due ? rest : Math.max(firstRest, 2 * rest)
  const next = holds || missed >= mostMisses ? longer : 0
  return { rest: next, due: look + 1 + next, misses: missed }
}
