/** A gradient that is no number, or too large for what an optimizer keeps, is refused by name before anything changes. */
import {
  accumulate,
  adafactor,
  adamw,
  applyUpdates,
  byPath,
  chain,
  clipByGlobalNorm,
  decayWeights,
  dynamicLossScale,
  type GradientTransform,
  lion,
  movingAverage,
  muon,
  sgd,
} from '@burgeon/autograd/optim'
import { NonFiniteError, scope } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { OptimizerLife, gradientAt } from './optimizer-life.ts'

const family: Readonly<Record<string, () => GradientTransform>> = {
  'plain descent': () => sgd(0.1),
  'plain descent with warm-up': () => sgd(0.1, { warmUp: 3 }),
  momentum: () => sgd(0.1, { momentum: 0.9 }),
  'Nesterov momentum': () => sgd(0.1, { momentum: 0.9, nesterov: true }),
  lion: () => lion({ learningRate: 0.01, weightDecay: 0.1, warmUp: 2 }),
  adamw: () => adamw({ learningRate: 0.1, warmUp: 3 }),
  muon: () => muon({ learningRate: 0.1, weightDecay: 0.1, warmUp: 3 }),
  'muon without looking ahead': () => muon({ learningRate: 0.1, scale: 'spectral', nesterov: false }),
  adafactor: () => adafactor({ weightDecay: 0.1 }),
  'decay, then descent, then an average': () =>
    chain(decayWeights(0.1), sgd(0.1, { momentum: 0.5 }), movingAverage(0.9)),
  'clipping, then AdamW': () => chain(clipByGlobalNorm(1), adamw({ learningRate: 0.1 })),
  'every second gradient': () => accumulate(2, chain(clipByGlobalNorm(1), adamw({ learningRate: 0.1 }))),
  'one optimizer for some and another for others': () =>
    byPath((path) => (path === 'w' ? 'some' : 'others'), {
      some: lion({ learningRate: 0.01 }),
      others: adamw({ learningRate: 0.1 }),
    }),
}
const shapes = { w: [3, 4], deep: [2, 3, 2] }

const allNumbersIn = (state: unknown): number[] => {
  if (typeof state === 'number') return [state]
  if (ArrayBuffer.isView(state)) return [...(state as Float32Array)]
  if (typeof state !== 'object' || state === null) return []
  return Object.values(state).flatMap(allNumbersIn)
}

describe.each([
  ['the reference', openReference()],
  ['wasm', openWasm()],
] as const)('on %s,', (_, device) => {
  describe.each(Object.entries(family))('%s', (_name, make) => {
    test('refuses a gradient that is not finite, changes nothing and goes on', async () => {
      const [life, untouched] = [0, 1].map(() => new OptimizerLife(device, make(), shapes))
      for (const each of [life, untouched]) each.steps(0, 3)
      for (const bad of [Number.NaN, Infinity, -Infinity]) {
        const [weights, state] = [life.all(), structuredClone(await life.optimizer.toState())]
        const { buffers } = device.memory
        // Of `deep` alone, which comes last.
        let asked = 0
        const refused = (): void =>
          life.step(3, (step, place, value) => (asked++ === 20 ? bad : gradientAt(step, place, value)))
        expect(refused).toThrow(NonFiniteError)
        asked = 0
        expect(refused).toThrow(`the gradient of deep has ${bad} at place 8 of 12; expected`)
        expect(life.all()).toEqual(weights)
        expect(await life.optimizer.toState()).toEqual(state)
        expect(device.memory.buffers).toBe(buffers)
      }
      for (const each of [life, untouched]) each.steps(3, 6)
      expect(life.all()).toEqual(untouched.all())
      expect(await life.optimizer.toState()).toEqual(await untouched.optimizer.toState())
      for (const each of [life, untouched]) each.dispose()
    })

    test.each([1e12, 1e17, 1e25, 1e38, 3.4e38])(
      'takes or refuses gradients of %d, and later ones still move every weight',
      async (huge) => {
        for (const nonFinite of [undefined, 'skip'] as const) {
          const life = new OptimizerLife(device, make(), shapes)
          life.steps(0, 3)
          for (let step = 3; step < 9; step++) {
            const [weights, state] = [life.all(), structuredClone(await life.optimizer.toState())]
            try {
              life.step(step, (_step, place) => (place % 2 === 0 ? huge : -huge), nonFinite)
            } catch (error) {
              expect(error).toBeInstanceOf(NonFiniteError)
              expect(nonFinite).toBeUndefined()
              expect(life.all()).toEqual(weights)
              expect(await life.optimizer.toState()).toEqual(state)
            }
            const numbers = [life.all(), await life.optimizer.toState()].flatMap(allNumbersIn)
            expect(numbers.every((x) => Number.isFinite(Math.fround(x)))).toBe(true)
          }
          const before = Object.values(life.all()).flat()
          life.steps(9, 14)
          const after = Object.values(life.all()).flat()
          expect(after.every((x, i) => Number.isFinite(x) && x !== before[i])).toBe(true)
          life.dispose()
        }
      },
    )
  })

  test('after a loss scale nothing is refused: it has called the step off', () => {
    const life = new OptimizerLife(
      device,
      chain(dynamicLossScale({ initial: 2 }), clipByGlobalNorm(1), adamw({ learningRate: 0.1 })),
      shapes,
    )
    life.steps(0, 2)
    const before = life.all()
    life.step(2, () => Number.NaN)
    expect(life.all()).toEqual(before)
    life.steps(3, 5)
    expect(life.all()).not.toEqual(before)
    life.dispose()
  })

  test.each([
    ['adamw', adamw({ learningRate: 3e38 })],
    ['lion', lion({ learningRate: 3e38 })],
    ['muon', muon({ learningRate: 3e38 })],
    ['adafactor', adafactor({ learningRate: 3e38 })],
    ['sgd', sgd({ learningRate: 3e38 })],
    ['sgd with momentum', sgd({ learningRate: 3e38, momentum: 0.9 })],
  ])('%s refuses a rate that makes changes infinite', async (_name, optimizer) => {
    const life = new OptimizerLife(device, optimizer, shapes)
    const [weights, state] = [life.all(), structuredClone(await optimizer.toState())]
    expect(() => life.step(0, () => 100)).toThrow(NonFiniteError)
    expect(life.all()).toEqual(weights)
    expect(await optimizer.toState()).toEqual(state)
    life.dispose()
  })

  test('applyUpdates changes no parameter where one change is not finite', () => {
    scope(() => {
      const of = (...numbers: number[]) => device.tensor(numbers, { shape: [2], dtype: 'f32' })
      const parameters = { a: of(1, 2), b: of(3, 4) }
      const updates = { a: of(1, 1), b: of(1, Infinity) }
      expect(() => applyUpdates(parameters, updates)).toThrow(NonFiniteError)
      expect(() => applyUpdates(parameters, updates)).toThrow(
        'applyUpdates: the change of b has Infinity at place 1 of 2; expected finite numbers.',
      )
      expect([...parameters.a.readSync()]).toEqual([1, 2])
      expect([...parameters.b.readSync()]).toEqual([3, 4])
    })
  })
})
