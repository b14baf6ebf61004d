import { valueAndGrad } from '@burgeon/autograd'
import { adamw, applyUpdates, chain, dynamicLossScale, sgd } from '@burgeon/autograd/optim'
import { Learner } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import {
  multiply,
  NonFiniteError,
  OptionError,
  scope,
  sum,
  tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'

describe.each([openReference(), openWasm()])('a dynamic loss scale on $name', (device) => {
  const one = (x: number) => device.tensor([x, -x], { shape: [2], dtype: 'f32' })
  const numbers = async (w: TensorsByPath) => [...(await w['w'].read())]

  test('leaves the update as it would be without a scale', async () => {
    const run = async (scaled: boolean) => {
      const lossScale = dynamicLossScale({ initial: 1024 })
      const optimizer = chain(...(scaled ? [lossScale] : []), adamw({ learningRate: 0.1 }))
      const w = { w: one(3) }
      for (let step = 0; step < 5; step++) {
        scope(() => {
          const loss = (p: TensorsByPath) => sum(multiply(multiply(p['w'], p['w']), p['w']))
          const { gradient } = valueAndGrad((p: TensorsByPath) =>
            scaled ? lossScale.scaled(loss(p)) : loss(p),
          )(w)
          applyUpdates(w, optimizer.transform(gradient, { parameters: w, step }))
        })
      }
      return numbers(w)
    }
    expect(await run(true)).toEqual(await run(false))
  })

  test.each([
    ['adamw', () => adamw({ learningRate: 0.1 })],
    ['sgd', () => sgd(0.1)],
  ])('calls an update of %s off and halves where a gradient is not finite', async (_, makeOptimizer) => {
    const lossScale = dynamicLossScale({ initial: 8 })
    const optimizer = chain(lossScale, makeOptimizer())
    const step = (value: number, w: TensorsByPath, at: number) =>
      scope(() => {
        const gradient = { w: one(value), other: one(1) }
        const parameters = { ...w, other: w['w'] }
        const { w: update } = optimizer.transform(gradient, { parameters, step: at })
        applyUpdates(w, { w: update })
      })
    const w = { w: one(1) }
    step(1, w, 0)
    const [before, state] = [await numbers(w), await optimizer.toState()]
    for (const [i, value] of [Infinity, -Infinity, NaN].entries()) step(value, w, 1 + i)
    expect(await numbers(w)).toEqual(before)
    expect(((await optimizer.toState()) as unknown[])[1]).toMatchObject(
      // Only the count of steps goes on.
      (({ steps: _steps, ...moments }) => moments)((state as Record<string, unknown>[])[1] ?? {}),
    )
    expect(await lossScale.read()).toBe(1)
    step(1, w, 4)
    expect(await numbers(w)).not.toEqual(before)
  })

  test('doubles after `growAfter` steps, and continues from its state', async () => {
    const lossScale = dynamicLossScale({ initial: 4, growAfter: 3 })
    const step = (from = lossScale) =>
      scope(() => void from.transform({ w: one(1) }, { parameters: { w: one(1) }, step: 0 }))
    for (let i = 0; i < 5; i++) step()
    expect(await lossScale.read()).toBe(8)
    const state = await lossScale.toState()
    expect(state).toEqual({ scale: 8, clean: 2 })
    const resumed = dynamicLossScale({ initial: 4, growAfter: 3 })
    resumed.restore(state, undefined as never)
    expect(await resumed.read()).toBe(8)
    step(resumed)
    expect(await resumed.read()).toBe(16)
    resumed.dispose()
  })
})

test.each([{ initial: 0.5 }, { initial: Infinity }, { growAfter: 0 }, { growAfter: 1.5 }])(
  'refuses %o',
  (options) => {
    expect(() => dynamicLossScale(options)).toThrow(OptionError)
  },
)

describe('a learner with a loss scale', () => {
  const device = openWasm()
  const options = () => ({
    model: Gpt.create({ context: 8, embed: 8, heads: 2, layers: 1 }, { device, seed: 1 }),
    optimizer: adamw({ learningRate: 1e-2 }),
  })

  test('learns the same, and reports the true norm of the gradient', async () => {
    const [plain, scaled] = [
      new Learner(options()),
      new Learner({ ...options(), lossScale: dynamicLossScale({ initial: 2 ** 10 }) }),
    ]
    for (let i = 0; i < 4; i++) {
      const [a, b] = [await plain.observe('abcabcab'), await scaled.observe('abcabcab')]
      expect(b).toEqual(a)
    }
    scaled.dispose()
  })

  test('reports an overflow, learns nothing from it, and halves the scale until gradients fit', async () => {
    const lossScale = dynamicLossScale({ initial: 2 ** 127 })
    const learner = new Learner({ ...options(), lossScale })
    const first = await learner.observe('abcabcab')
    expect(first.events).toMatchObject([{ kind: 'overflow', step: 1, part: 'loss scale' }])
    expect(first.updateNorm).toBe(0)
    let report = first
    for (let i = 0; i < 20 && report.updateNorm === 0; i++) report = await learner.observe('abcabcab')
    expect(report.updateNorm).toBeGreaterThan(0)
    expect(report.loss).toBe(first.loss)
    expect(await lossScale.read()).toBeLessThan(2 ** 127)
  })

  test('throws where no scale helps', async () => {
    const learner = new Learner({
      ...options(),
      lossScale: dynamicLossScale(),
      strategy: {
        penalties: [
          {
            name: 'poison',
            mirrors: [],
            loss: (w) => multiply(sum(w['embed.token.weight']), tensor([Infinity], { shape: [], device })),
            consolidate: () => {},
            toState: () => Promise.resolve(null),
            restore: () => {},
          },
        ],
      },
    })
    const lives = async () => {
      for (let i = 0; i < 60; i++) await learner.observe('abcabcab')
    }
    await expect(lives()).rejects.toThrow(NonFiniteError)
    expect(learner.step).toBe(40)
  })
})
