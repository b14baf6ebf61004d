/** A step that fails leaves the memory of a projection as it was: what it drew is drawn again. */
import { type GradientTransform, sgd } from '@burgeon/autograd/optim'
import { aGem, gem, Learner, type Projection, reservoirReplay, type RowMemory } from '@burgeon/continual'
import { NonFiniteError, scope } from '@burgeon/tensor'
import { expect, test } from 'vitest'
import { numbersOf, row, rowsOf, tinyModel } from '../continual/tiny-learner.ts'

const steps = 6

/** Lives some steps, of which one fails at first if it is told to. */
async function lived(projection: Projection, failsAt?: number): Promise<unknown> {
  let fails = false
  const failing: GradientTransform = {
    name: 'failing at will',
    mirrors: [],
    transform(gradients) {
      if (fails) throw new NonFiniteError('as told.')
      return gradients
    },
    toState: () => Promise.resolve(null),
    restore: () => {},
  }
  const learner = new Learner({
    model: tinyModel(),
    optimizer: sgd(0.1),
    strategy: { projections: [projection], transforms: [failing] },
  })
  for (let step = 0; step < steps; step++) {
    const batch = rowsOf(row(3 * step), row(3 * step + 1), row(3 * step + 2))
    if (step === failsAt) {
      const before = await learner.toState()
      fails = true
      await expect(learner.observe(batch)).rejects.toThrow(NonFiniteError)
      fails = false
      expect(await learner.toState()).toEqual(before)
    }
    await learner.observe(batch)
  }
  return scope(() => numbersOf(learner.model.parameters.tensors()))
}

const memory = (): RowMemory => reservoirReplay({ capacity: 7, seed: 2 })
const projections: Readonly<Record<string, (own: RowMemory) => Projection>> = {
  aGem: (own) => aGem({ memory: own, rows: 2 }),
  gem: (own) => gem({ memory: own, rows: 2, margin: 0.3 }),
}

test.each(Object.entries(projections))('%s', async (_, make) => {
  const whole = await lived(make(memory()))
  for (const at of [1, 3, 5]) expect(await lived(make(memory()), at)).toEqual(whole)
  // It is the mark that takes the draws back.
  const { mark: _mark, ...unmarked } = make(memory())
  await expect(lived(unmarked, 3)).rejects.toThrow('deeply equal')
})
