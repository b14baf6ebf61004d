/** A new model that learns what a memory holds: GDumb. */
import { sgd } from '@burgeon/autograd/optim'
import {
  type Batch,
  classifier,
  evaluateExamples,
  type ExampleBatch,
  greedyMemory,
  Learner,
  learnMemory,
  replay,
  type Replay,
  splitTasks,
} from '@burgeon/continual'
import { OptionError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { expect, test } from 'vitest'
import { points } from './four-corners.ts'

const device = openReference()
const network = () => classifier({ inputs: 2, hidden: [8], classes: 4, seed: 1, device })
const stream = splitTasks(points(200, 0), {
  tasks: [
    [0, 1],
    [2, 3],
  ],
  rows: 8,
  epochs: 4,
  seed: 2,
})
const judged: ExampleBatch = { ...points(80, 1000), domains: Array.from({ length: 80 }, () => 'all') }

/** A memory of all classes alike, filled while a learner without replay forgets. */
async function collected(): Promise<{ memory: Replay; naive: number }> {
  const memory = replay({ capacity: 16, memory: greedyMemory({ by: 'class' }), share: 0.01 })
  const learner = new Learner({ model: network(), optimizer: sgd(0.2), strategy: { rehearsal: memory } })
  for await (const batch of stream) await learner.observe(batch)
  return { memory, naive: (await evaluateExamples(learner.model, judged)).accuracy ?? 0 }
}

test('the model knows every class by the memory alone, where the one that filled it forgot', async () => {
  const { memory, naive } = await collected()
  const learner = new Learner({ model: network(), optimizer: sgd(0.2) })
  expect(await learnMemory(learner, memory, { rows: 4 })).toBe((30 * 16) / 4)
  const { accuracy } = await evaluateExamples(learner.model, judged)
  expect(naive).toBeLessThan(0.8)
  expect(accuracy).toBeGreaterThan(0.95)
})

test('each row comes once in each epoch, in another order; the seed decides which', async () => {
  const { memory } = await collected()
  const orders: number[][] = []
  const watching = (seen: number[]) => ({
    observe: (batch: Batch) => {
      const { inputs } = batch as ExampleBatch
      for (let i = 0; i < inputs.length; i += 2) seen.push(inputs[i])
      return Promise.resolve() as never
    },
  })
  for (const seed of [1, 1, 2]) {
    const seen: number[] = []
    const again = (await collected()).memory
    expect(await learnMemory(watching(seen), again, { epochs: 2, rows: 5, seed })).toBe(8)
    orders.push(seen)
  }
  const [first, second] = [orders[0].slice(0, 16), orders[0].slice(16)]
  expect(new Set(first)).toEqual(new Set(second))
  expect(new Set(first).size).toBe(16)
  expect(first).not.toEqual(second)
  expect(orders[1]).toEqual(orders[0])
  expect(orders[2]).not.toEqual(orders[0])
  expect(memory.rows).toBe(16)
})

test('nothing is learnt of an empty memory, and nothing that is none is taken', async () => {
  const learner = new Learner({ model: network(), optimizer: sgd(0.2) })
  expect(await learnMemory(learner, replay({ capacity: 4 }))).toBe(0)
  expect(learner.step).toBe(0)
  await expect(learnMemory(learner, {} as Replay)).rejects.toThrow(OptionError)
  await expect(learnMemory(learner, replay({ capacity: 4 }), { epochs: 0 })).rejects.toThrow(/epochs/)
})
