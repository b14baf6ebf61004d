/** Every rehearsal beside a classifier: two tasks of other classes, saved and resumed, and a layer that grows in the middle. */
import { sgd } from '@burgeon/autograd/optim'
import {
  balancedMemory,
  classifier,
  darkReplay,
  type DenseNetwork,
  type DenseState,
  denseFromState,
  type ExampleBatch,
  greedyMemory,
  interference,
  Learner,
  lossAwareMemory,
  type Memory,
  passOf,
  type Rehearsal,
  replay,
  ringMemory,
  surpriseMemory,
  widenHidden,
} from '@burgeon/continual'
import { keyFromSeed, OptionError, RandomStream, scope } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, test } from 'vitest'

const device = openReference()
const inputs = 6
const capacity = 20

/** Four examples of two classes: each lies about a corner of its own. */
function batchAt(step: number, classes: readonly [number, number]): ExampleBatch {
  const random = new RandomStream(keyFromSeed(step)).named('examples')
  const rows = 4
  const targets = Float32Array.from({ length: rows }, (_, i) => classes[i % 2])
  const numbers = Float32Array.from({ length: rows * inputs }, (_, i) => {
    const corner = (targets[Math.floor(i / inputs)] + 1) >> ((i % inputs) % 3)
    return (corner % 2) + (random.below(1000) / 1000 - 0.5) / 2
  })
  return { rows, inputs: numbers, targets, domains: new Array<string>(rows).fill(classes.join()) }
}

const network = () => classifier({ inputs, hidden: [12], classes: 4, seed: 1, device })
const by = 'class'
const of = (memory: Memory): Rehearsal => replay({ capacity, memory })
const rehearsals: Readonly<Record<string, () => Rehearsal>> = {
  reservoir: () => replay({ capacity }),
  'a ring by class': () => of(ringMemory({ by })),
  'balanced by class': () => of(balancedMemory({ by })),
  'loss-aware by class': () => of(lossAwareMemory({ by })),
  'surprise by class': () => of(surpriseMemory({ by })),
  'greedy by class': () => of(greedyMemory({ by })),
  interference: () => replay({ capacity, retrieval: interference({ candidates: 10 }) }),
  DER: () => darkReplay({ capacity, beta: 0 }),
  'DER++': () => darkReplay({ capacity }),
}

const steps = 40
const tasks = [
  [0, 1],
  [2, 3],
] as const

/** Lives through both tasks; returns the loss on the first. */
async function lossAfter(rehearsal?: Rehearsal): Promise<number> {
  const model = network()
  const learner = new Learner({ model, optimizer: sgd(0.1), strategy: rehearsal ? { rehearsal } : {} })
  for (let step = 0; step < 2 * steps; step++)
    await learner.observe(batchAt(step, tasks[step < steps ? 0 : 1]))
  return scope(() => {
    const losses = [...passOf(model, batchAt(999, tasks[0])).losses.readSync()]
    return losses.reduce((sum, loss) => sum + loss, 0) / losses.length
  })
}

const forgotten = await lossAfter()

describe.each(Object.entries(rehearsals))('%s', (_, make) => {
  test('keeps more of the first classes than nothing does', async () => {
    expect(await lossAfter(make())).toBeLessThan(0.7 * forgotten)
  })
  test('goes on to the bit after a save, also where a layer has grown in the middle', async () => {
    const parts = () => ({ optimizer: sgd(0.1, { momentum: 0.5 }), strategy: { rehearsal: make() } })
    const own = parts()
    const model = network()
    const whole = new Learner({ model, ...own })
    let state: Awaited<ReturnType<typeof whole.toState>> | undefined
    for (let step = 0; step < 12; step++) {
      if (step === 4) {
        await widenHidden(
          model,
          { layer: 0, to: 16 },
          { mirrors: own.optimizer.mirrors, key: keyFromSeed(3) },
        )
      }
      if (step === 6) state = structuredClone(await whole.toState())
      await whole.observe(batchAt(step, tasks[step < 6 ? 0 : 1]))
    }
    if (state === undefined) throw new Error('it was not saved')
    const modelFromState = (saved: DenseState): DenseNetwork => denseFromState(saved, device)
    const again = Learner.fromState(state, { ...parts(), modelFromState })
    while (again.step < 12) await again.observe(batchAt(again.step, tasks[1]))
    expect(await again.toState()).toEqual(await whole.toState())
  })
})

test('by class is refused for rows that have none', () => {
  const memory = balancedMemory({ by })
  const row = { domain: 'text', label: null, order: 0, firstLoss: 1, loss: 1, learntAt: 1 }
  expect(() => memory.offer(row, { rows: [], isFull: false, step: 1, draw: () => 0 })).toThrow(OptionError)
})
