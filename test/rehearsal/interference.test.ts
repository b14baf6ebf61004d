/** The rows that the new ones hurt most, worked out beside the retrieval. */
import { interference, Learner, replay } from '@burgeon/continual'
import { OptionError, type TensorsByPath } from '@burgeon/tensor'
import { expect, test } from 'vitest'
import { stepOf } from '../continual/step-of.ts'
import { descended, lossOf, plainSgd, row, rowsOf, tinyModel } from '../continual/tiny-learner.ts'

const numbers = [0, 1, 2, 3, 4, 5, 6]
const named = (i: number) => ({ ...rowsOf(row(i)), domains: [`${i}`] })

test('the rows whose loss a step on the new ones would raise most come back, the worst first', async () => {
  const model = tinyModel()
  const weights = model.parameters.tensors()
  // `descended` steps at a rate of 0.1.
  const rehearsal = replay({ capacity: 20, share: 3, retrieval: interference({ candidates: 20, rate: 0.1 }) })
  for (const i of numbers) rehearsal.remember(stepOf(named(i)))
  const fresh = row(9)
  const moved = Object.fromEntries(
    Object.entries(descended(model, lossOf(model, [fresh]))).map(([path, values]) => [
      path,
      model.device.tensor(Float64Array.from(values), { shape: weights[path].shape, dtype: 'f32' }),
    ]),
  )
  const rise = (i: number): number => {
    const loss = (w: TensorsByPath): number => lossOf(model, [row(i)])(w).readSync()[0]
    return loss(moved) - loss(weights)
  }
  const worst = numbers.toSorted((a, b) => rise(b) - rise(a)).slice(0, 3)
  const { buffers } = model.device.memory
  const old = await rehearsal.recall(stepOf(rowsOf(fresh), model))
  expect(old?.domains).toEqual(worst.map(String))
  expect(model.device.memory.buffers).toBe(buffers)
})

test('among no more candidates than are wanted, nothing is predicted', async () => {
  const rehearsal = replay({ capacity: 20, share: 2, retrieval: interference({ candidates: 2 }) })
  for (const i of numbers) rehearsal.remember(stepOf(named(i)))
  // A step without a model could predict nothing.
  expect((await rehearsal.recall(stepOf(rowsOf(row(9)))))?.rows).toBe(2)
})

test('in a learner it changes which rows are learnt, and goes on to the bit', async () => {
  const parts = () => ({
    optimizer: plainSgd(),
    strategy: { rehearsal: replay({ capacity: 6, seed: 2, retrieval: interference({ candidates: 4 }) }) },
  })
  const whole = new Learner({ model: tinyModel(), ...parts() })
  for (const i of numbers.slice(0, 4)) await whole.observe(named(i))
  const again = Learner.fromState(structuredClone(await whole.toState()), {
    ...parts(),
    device: whole.model.device,
  })
  for (const i of numbers.slice(4)) {
    expect((await whole.observe(named(i))).rehearsedRows).toBe(1)
    await again.observe(named(i))
  }
  expect(await again.toState()).toEqual(await whole.toState())
  expect(again.strategy.rehearsal?.name).toContain('interference among 4, rate 0.1')
})

test('options outside their range are refused', () => {
  for (const options of [{ candidates: 0 }, { candidates: 1.5 }, { rate: 0 }, { rate: Number.NaN }]) {
    expect(() => interference(options)).toThrow(OptionError)
  }
})
