/**
 * Every way of protecting what is known, by what it is for: after a second task the first one is known better than without
 * it, and better than with a control that protects as much of something else.
 */
import { sgd } from '@burgeon/autograd/optim'
import {
  aGem,
  ewc,
  gem,
  l2ToInitial,
  l2ToPrevious,
  Learner,
  learningWithoutForgetting,
  memoryAwareSynapses,
  type Model,
  type ModelStrategy,
  onlineEwc,
  orthogonalGradientDescent,
  type Penalty,
  type Projection,
  reservoirReplay,
  type RowMemory,
  synapticIntelligence,
} from '@burgeon/continual'
import { keyFromSeed, RandomStream, scope, type TensorMirror } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { classifier, heldOut, rowsOfTask } from './two-tasks.ts'

const steps = 150

/** Losses of both tasks after the first was learnt and then the second. */
async function lived(strategy: ModelStrategy): Promise<{ first: number; second: number; model: Model }> {
  const model = classifier()
  const consolidateWhen = ({ step }: { step: number }): boolean => step === steps
  const learner = new Learner<Model>({
    model,
    optimizer: sgd(0.1),
    strategy: { consolidateWhen, ...strategy },
  })
  for (let i = 0; i < 2 * steps; i++) await learner.observe(rowsOfTask(i < steps ? 'A' : 'B', i))
  const result = { first: heldOut(model, 'A'), second: heldOut(model, 'B'), model }
  learner.dispose()
  return result
}
const mean = ({ first, second }: { first: number; second: number }): number => (first + second) / 2

/** The importance of every weight goes to another one. */
function shuffled(own: Penalty): Penalty {
  return {
    ...own,
    consolidate(model, sample) {
      own.consolidate(model, sample)
      const importance = own.mirrors[0] as TensorMirror
      const random = new RandomStream(keyFromSeed(5))
      const all = importance.paths.flatMap((path) => [...(importance.get(path)?.readSync() ?? [])])
      for (let i = all.length - 1; i > 0; i--) {
        const j = random.below(i + 1)
        ;[all[i], all[j]] = [all[j], all[i]]
      }
      scope(() => {
        for (const path of importance.paths) {
          const { shape, size } = model.parameters.get(path).tensor
          const numbers = all.splice(0, size)
          importance.set(path, model.device.tensor(numbers, { shape, dtype: 'f32' }))
        }
      })
    },
  }
}

/** A memory of rows that nobody has learnt. */
const ofAnother: RowMemory = {
  name: 'rows of another task',
  remember: () => {},
  sample: (rows) => rowsOfTask('C', 1, rows),
  toState: () => null,
  restore: () => {},
}
const memory = (): RowMemory => reservoirReplay({ capacity: 100, seed: 3 })

const penalties: Readonly<Record<string, readonly [own: () => Penalty, control: (own: Penalty) => Penalty]>> =
  {
    'EWC with an anchor for each consolidation, exact': [
      () => ewc({ strength: 30, fisher: 'exact', rows: 200 }),
      shuffled,
    ],
    'online EWC, sampled': [() => onlineEwc({ strength: 30, rows: 200 }), shuffled],
    'memory aware synapses': [() => memoryAwareSynapses({ strength: 0.05, rows: 200 }), shuffled],
    'synaptic intelligence': [() => synapticIntelligence({ strength: 1, damping: 0.01 }), shuffled],
  }

const withPenalty = (penalty: Penalty) => lived({ penalties: [penalty] })
const withProjection = (projection: Projection) => lived({ projections: [projection] })

describe('after a second task', async () => {
  const without = await lived({})
  test('the first one is forgotten where nothing protects it', () => {
    expect(without.first).toBeGreaterThan(10 * without.second)
  })
  test.each(Object.entries(penalties))(
    '%s knows both better, and by the right weights',
    async (_, [make, control]) => {
      const own = await withPenalty(make())
      expect(own.first).toBeLessThan(0.5 * without.first)
      expect(mean(own)).toBeLessThan(0.6 * mean(without))
      expect(mean(own)).toBeLessThan(0.9 * mean(await withPenalty(control(make()))))
    },
  )
  test('learning without forgetting knows both better, and by what its ancestor had learnt', async () => {
    const make = (): Penalty => learningWithoutForgetting({ strength: 0.3 })
    const own = await withPenalty(make())
    expect(mean(own)).toBeLessThan(0.8 * mean(without))
    const ignorant = make()
    const control: Penalty = {
      ...ignorant,
      consolidate: ({ device }, sample) => ignorant.consolidate(classifier(device, 2), sample),
    }
    expect(mean(own)).toBeLessThan(0.9 * mean(await withPenalty(control)))
  })
  test('L2 to the previous weights knows the first one better', async () => {
    const own = await withPenalty(l2ToPrevious({ strength: 0.1 }))
    expect(own.first).toBeLessThan(0.7 * without.first)
    expect(mean(own)).toBeLessThan(0.8 * mean(without))
  })
  test('L2 to the initial weights is nearer to these, and is not there to remember', async () => {
    const [newborn, own] = [classifier(), await withPenalty(l2ToInitial({ strength: 0.03 }))]
    const farOf = (model: Model): number =>
      Object.entries(newborn.parameters.tensors()).reduce((total, [path, from]) => {
        const to = model.parameters.get(path).tensor.readSync()
        return total + [...from.readSync()].reduce((sum, x, i) => sum + (x - to[i]) ** 2, 0)
      }, 0)
    expect(farOf(own.model)).toBeLessThan(0.7 * farOf(without.model))
    expect(own.second).toBeLessThan(0.2)
  })
  test.each([
    ['A-GEM', (own: RowMemory) => aGem({ memory: own, rows: 32 })],
    ['GEM', (own: RowMemory) => gem({ memory: own, rows: 32 })],
  ])('%s knows both better, and by the rows that it remembers', async (_, make) => {
    const own = await withProjection(make(memory()))
    expect(own.first).toBeLessThan(0.6 * without.first)
    expect(mean(own)).toBeLessThan(0.7 * mean(without))
    expect(mean(own)).toBeLessThan(0.8 * mean(await withProjection(make(ofAnother))))
  })
  test('orthogonal gradient descent knows both better, and by the directions of the first one', async () => {
    const make = (): Projection => orthogonalGradientDescent({ capacity: 60, rows: 60 })
    const own = await withProjection(make())
    expect(own.first).toBeLessThan(0.6 * without.first)
    expect(mean(own)).toBeLessThan(0.7 * mean(without))
    const other = make()
    const control: Projection = {
      ...other,
      consolidate: (model) => other.consolidate?.(model, rowsOfTask('C', 1, 60)),
    }
    expect(mean(own)).toBeLessThan(0.9 * mean(await withProjection(control)))
  })
})
