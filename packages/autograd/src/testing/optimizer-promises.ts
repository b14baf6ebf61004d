/** The promises of an optimizer beyond those of every gradient transform. */
import { NonFiniteError, shown } from '@burgeon/tensor'
import { complaintOf, copied, isSame, type Promised } from '@burgeon/tensor/testing'
import type { TransformLife } from './transform-life.ts'

/**
 * Returns the promises, for `statements`.
 *
 * @param born Makes a fresh optimizer on fresh weights.
 * @param steps Number of updates in a run.
 */
export async function optimizerPromises(born: () => TransformLife, steps: number): Promise<Promised[]> {
  const poisoned = await complaintOf(() => takesNaN(born(), steps / 2))
  return [
    ['lowers the loss of the weights to which its results are added', () => climbs(born(), steps)],
    ['refuses gradients that are not finite, and is unchanged then', () => poisoned],
    ['leaves weights alone when told to skip what is not finite', () => spoils(born(), steps / 2)],
  ]
}

function climbs(life: TransformLife, steps: number): string | null {
  const before = life.loss()
  life.steps(0, 2 * steps)
  const after = life.loss()
  return after < before ? null : `it was ${before}, and ${after} after ${2 * steps} steps`
}

const notFinite = [Number.NaN, Infinity, -Infinity]

async function takesNaN(life: TransformLife, steps: number): Promise<string | null> {
  life.steps(0, steps)
  const [before, state] = [life.weights(), copied(await life.transform.toState())]
  for (const gradient of notFinite) {
    try {
      life.step(steps, { gradient })
      return `it took gradients of ${gradient}`
    } catch (error) {
      if (!(error instanceof NonFiniteError)) return `for ${gradient} it threw ${shown(error)}`
    }
    if (!isSame(life.weights(), before)) return `weights changed for gradients of ${gradient}`
    if (!isSame(copied(await life.transform.toState()), state))
      return `its state changed for gradients of ${gradient}`
  }
  return null
}

function spoils(life: TransformLife, steps: number): string | null {
  life.steps(0, steps)
  const before = life.weights()
  for (const gradient of notFinite) life.step(steps, { gradient, nonFinite: 'skip' })
  if (!isSame(life.weights(), before)) return 'weights changed'
  for (let step = steps; step < 2 * steps; step++) life.step(step, { nonFinite: 'skip' })
  const numbers = Object.values(life.weights()).flatMap((weight) => weight.numbers)
  return numbers.every(Number.isFinite) ? null : 'weights are not finite later'
}
