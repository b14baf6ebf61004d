/** What every optimizer owes: to leave alone what has no finite gradient, to follow growth and its undoing, and to be resumed. */
import {
  accumulate,
  adafactor,
  adamw,
  byPath,
  chain,
  clipByGlobalNorm,
  decayWeights,
  type GradientTransform,
  lion,
  movingAverage,
  muon,
  sgd,
} from '@burgeon/autograd/optim'
import { extendAxis, inversePlan, type ParameterChange, type Plan, keepAxis } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { OptimizerLife, gradientAt } from './optimizer-life.ts'

const family: Readonly<Record<string, () => GradientTransform>> = {
  'plain descent': () => sgd(0.1),
  'Nesterov momentum': () => sgd(0.1, { momentum: 0.8, nesterov: true }),
  'decayed descent with warm-up': () => chain(decayWeights(0.1), sgd(0.1, { warmUp: 3 })),
  lion: () => lion({ learningRate: 0.01, weightDecay: 0.1, warmUp: 2 }),
  adamw: () => adamw({ learningRate: 0.1 }),
  'adamw with warm-up': () => adamw({ learningRate: 0.1, warmUp: 3 }),
  'adamw whose copies keep their pace': () => adamw({ learningRate: 0.1, copyPacing: 8 }),
  'momentum whose copies keep their pace': () =>
    sgd({ learningRate: 0.1, momentum: 0.8, copyPacing: Infinity }),
  muon: () => muon({ learningRate: 0.1, weightDecay: 0.1 }),
  'muon with warm-up': () => muon({ learningRate: 0.1, scale: 'spectral', nesterov: false, warmUp: 3 }),
  adafactor: () => adafactor(),
  'adafactor with warm-up': () =>
    adafactor({ learningRate: 0.1, relative: false, weightDecay: 0.1, warmUp: 3 }),
  'a whole chain': () => {
    const parts = { wide: muon({ learningRate: 0.1 }), deep: adafactor({ warmUp: 2 }) }
    const inner = byPath((path) => (path === 'w' ? 'wide' : 'deep'), parts)
    return chain(clipByGlobalNorm(1), inner, movingAverage(0.9))
  },
  'a whole chain, at every second gradient': () =>
    accumulate(2, chain(adamw({ learningRate: 0.1 }), movingAverage(1))),
}

const shapes = { w: [3, 4], deep: [2, 3, 2] }
const fresh = { kind: 'normal', standardDeviation: 1 } as const
const split = { from: 4, source: [0, 1, 2, 3, 1, 0], gradientFactor: [0.25, 0.25, 1, 1, 0.75, 0.75] }
const plans: readonly (readonly ParameterChange[])[] = [
  [{ kind: 'resize', path: 'w', dimensions: [extendAxis(3, 5), keepAxis(4)], fresh }],
  [{ kind: 'resize', path: 'w', dimensions: [keepAxis(3), extendAxis(4, 5)], fresh }],
  [{ kind: 'resize', path: 'w', dimensions: [extendAxis(3, 4), split], fresh }],
  [{ kind: 'resize', path: 'deep', dimensions: [keepAxis(2), extendAxis(3, 4), extendAxis(2, 3)], fresh }],
  [{ kind: 'add', path: 'new', axes: ['embed', 'embed'], shape: [2, 2], initial: fresh }],
]
const planOf = (changes: readonly ParameterChange[]): Plan => ({ summary: 'growth', key: [3, 4], changes })

/** Tensors of a state by their place, but for averages of weights: those count a step without change as one. */
function tensorsIn(state: unknown, place = ''): [string, unknown][] {
  if (typeof state !== 'object' || state === null || place.endsWith('.average')) return []
  if ('data' in state) return [[place, state.data]]
  return Object.entries(state).flatMap(([key, value]) => tensorsIn(value, `${place}.${key}`))
}

describe.each([
  ['the reference', openReference()],
  ['wasm', openWasm()],
] as const)('on %s,', (_, device) => {
  describe.each(Object.entries(family))('%s', (_, make) => {
    test('asked to skip, leaves weights and state alone where no gradient is finite, and goes on from there', async () => {
      const life = new OptimizerLife(device, make(), shapes)
      life.steps(0, 4)
      const [before, state] = [life.all(), await life.optimizer.toState()]
      for (const [i, bad] of [Number.NaN, Infinity, -Infinity, Number.NaN].entries())
        life.step(4 + i, () => bad, 'skip')
      expect(life.all()).toEqual(before)
      expect(tensorsIn(await life.optimizer.toState())).toEqual(tensorsIn(state))
      life.steps(8, 12)
      expect(Object.values(life.all()).flat().every(Number.isFinite)).toBe(true)
      expect(life.all()).not.toEqual(before)
      life.dispose()
    })

    test('asked to skip, lets one number that is not finite spoil nothing beyond its parameter', () => {
      const life = new OptimizerLife(device, make(), shapes)
      life.steps(0, 4)
      for (let step = 4; step < 8; step++) {
        life.step(
          step,
          (at, place, value) => (place === 1 ? Number.NaN : gradientAt(at, place, value)),
          'skip',
        )
      }
      life.steps(8, 12)
      expect(Object.values(life.all()).flat().every(Number.isFinite)).toBe(true)
      life.dispose()
    })

    test.each(plans)('follows %o and its undoing to the last bit of its state', async (...changes) => {
      const life = new OptimizerLife(device, make(), shapes)
      life.steps(0, 5)
      const [weights, state] = [life.all(), await life.optimizer.toState()]
      life.apply(planOf(changes))
      life.apply(inversePlan(planOf(changes)))
      expect(life.all()).toEqual(weights)
      expect(await life.optimizer.toState()).toEqual(state)
      life.dispose()
    })

    test('goes on with the same bits after saving and restoring in the midst of growth', async () => {
      const [life, other] = [make(), make()].map((optimizer) => new OptimizerLife(device, optimizer, shapes))
      for (const [i, changes] of plans.entries()) {
        for (const each of [life, other]) {
          each.steps(3 * i, 3 * i + 3)
          // A plan is made for the shapes of the beginning; only those that still fit are carried out.
          if (i % 2 === 1) each.apply(planOf(changes))
        }
        const state = structuredClone(await other.optimizer.toState())
        for (const mirror of other.optimizer.mirrors) mirror.dispose?.()
        other.optimizer.restore(state, other.store)
      }
      for (const each of [life, other]) each.steps(15, 18)
      expect(other.all()).toEqual(life.all())
      expect(await other.optimizer.toState()).toEqual(await life.optimizer.toState())
      for (const each of [life, other]) each.dispose()
    })

    test('frees all that it kept', () => {
      const { buffers } = device.memory
      const life = new OptimizerLife(device, make(), shapes)
      life.steps(0, 3)
      life.apply(planOf(plans[0]))
      life.steps(3, 5)
      life.dispose()
      expect(device.memory.buffers).toBe(buffers)
    })
  })
})
