/** What growth adds lives like something young, and what was there before lives on as if nothing had happened. */
import { adamw, type GradientTransform, lion, sgd } from '@burgeon/autograd/optim'
import {
  applyPlan,
  type Device,
  OptionError,
  ParameterError,
  ParameterStore,
  scope,
  StateError,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { largestDifference } from '@burgeon/tensor/testing'
import { openWasm } from '@burgeon/tensor/wasm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GrownParameter, type Happening } from './grown-parameter.ts'

const optimizers: Readonly<Record<string, () => GradientTransform>> = {
  adamw: () => adamw({ learningRate: 0.05, beta1: 0.8, beta2: 0.95, weightDecay: 0.1 }),
  'adamw with its own betas': () => adamw({ learningRate: 0.01 }),
  'adamw with warm-up': () => adamw({ learningRate: 0.05, warmUp: 4 }),
  'adamw that soon settles': () => adamw({ learningRate: 0.05, beta1: 0, beta2: 0.01, warmUp: 2 }),
  'lion with warm-up': () => lion({ learningRate: 0.01, warmUp: 3 }),
  'momentum with warm-up': () => sgd(0.05, { momentum: 0.5, warmUp: 5 }),
  'plain descent with warm-up': () => sgd(0.05, { warmUp: 5 }),
}

const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({ kind: fc.constant('live' as const), steps: fc.integer({ min: 1, max: 4 }) }),
  fc.record({
    kind: fc.constant('grow' as const),
    axis: fc.constantFrom(0 as const, 1 as const),
    by: fc.integer({ min: 1, max: 2 }),
  }),
  fc.constant({ kind: 'undo' } as const),
)

/** The reference works in double precision, where what counts as settled still shows in the ninth digit. */
const devices: readonly (readonly [string, Device, number])[] = [
  ['the reference', openReference(), 1e-8],
  ['wasm', openWasm(), Number.MIN_VALUE],
]

describe.each(devices)('through any growth, on %s,', (_, device, tolerance) => {
  test.each(Object.entries(optimizers))('each part under %s lives as it would alone', (_, make) => {
    fc.assert(
      fc.property(fc.array(happening, { minLength: 3, maxLength: 9 }), (events) => {
        const matrix = new GrownParameter(device, make, [2, 3])
        for (const event of events) matrix.happen(event)
        matrix.happen({ kind: 'live', steps: 2 })
        expect(largestDifference(matrix.numbers(), matrix.numbersAlone())).toBeLessThan(tolerance)
        matrix.dispose()
      }),
      { numRuns: 25 },
    )
  })

  test.each(Object.entries(optimizers))(
    '%s is saved and restored with the age of each part',
    async (_, make) => {
      await fc.assert(
        fc.asyncProperty(fc.array(happening, { minLength: 2, maxLength: 6 }), async (events) => {
          const [matrix, resumed] = [0, 1].map(() => new GrownParameter(device, make, [2, 2]))
          for (const event of events) {
            matrix.happen(event)
            resumed.happen(event)
            await resumed.resume()
          }
          expect(resumed.numbers()).toEqual(matrix.numbers())
          matrix.dispose()
          resumed.dispose()
        }),
        { numRuns: 10 },
      )
    },
  )
})

describe('the ages of AdamW', () => {
  const device = openReference()
  const options = { learningRate: 0.1, beta2: 0.9 }
  const live = (matrix: GrownParameter, steps: number): void => matrix.happen({ kind: 'live', steps })
  const grow = (matrix: GrownParameter): void => matrix.happen({ kind: 'grow', axis: 1, by: 1 })

  test('are saved by axis while they differ, and as one number before and long after', async () => {
    const matrix = new GrownParameter(device, () => adamw(options), [1, 2])
    live(matrix, 3)
    expect(await matrix.state()).toMatchObject({ steps: { w: 3 }, births: {} })
    grow(matrix)
    live(matrix, 2)
    expect(await matrix.state()).toMatchObject({ steps: { w: 5 }, births: { w: [null, [0, 0, 3]] } })
    // 0.9^165 < 2⁻²⁵: corrections are 1 from there on.
    live(matrix, 165)
    expect(await matrix.state()).toMatchObject({ steps: { w: 170 }, births: {} })
    matrix.dispose()
  })

  test('a copy is as old as its original, a slice that replaces everything begins anew', async () => {
    const optimizer = adamw(options)
    const store = new ParameterStore()
    scope(() => store.add('w', ['embed'], device.tensor([1, 2], { shape: [2], dtype: 'f32' })))
    const step = (numbers: number): void =>
      scope(() => {
        const w = device.tensor(
          Array.from({ length: numbers }, () => 1),
          { shape: [numbers], dtype: 'f32' },
        )
        optimizer.transform({ w }, { parameters: store.tensors(), step: 0 })
      })
    const resize = (from: number, source: readonly number[]): void => {
      const change = {
        kind: 'resize',
        path: 'w',
        dimensions: [{ from, source }],
        fresh: { kind: 'one' },
      } as const
      applyPlan({ summary: '', key: [0, 0], changes: [change] }, store, optimizer.mirrors, device)
    }
    step(2)
    resize(2, [0, 1, -1])
    step(3)
    resize(3, [2, 0, -1, 2])
    step(4)
    expect(await optimizer.toState()).toMatchObject({ steps: { w: 3 }, births: { w: [[1, 0, 2, 1]] } })
    resize(4, [0, 2])
    expect(await optimizer.toState()).toMatchObject({ steps: { w: 2 }, births: { w: [[0, 1]] } })
    resize(2, [-1, -1])
    expect(await optimizer.toState()).toMatchObject({ steps: { w: 0 }, births: {} })
  })

  test('a state from before parts had ages is understood, one that is damaged is not', async () => {
    const [matrix, old] = [0, 1].map(() => new GrownParameter(device, () => adamw(options), [2, 2]))
    for (const each of [matrix, old]) live(each, 3)
    const { births, ...before } = (await matrix.state()) as { births: object; steps: object }
    expect(births).toEqual({})
    old.restore(before)
    for (const each of [matrix, old]) live(each, 2)
    expect(old.numbers()).toEqual(matrix.numbers())
    for (const [damage, error, says] of [
      [{ steps: undefined }, StateError, 'adamw ages: the saved state has no steps'],
      [{ steps: { w: -1 } }, StateError, 'no whole numbers of steps'],
      [{ births: { w: [null, [0, 1.5]] } }, StateError, 'no whole numbers of steps'],
      [{ births: { w: [null, [0, 1, 2]] } }, ParameterError, 'shape [any, 3]; expected [2, 2]'],
      [{ births: { w: [[0, 1]] } }, ParameterError, 'expected [2, 2] like the parameter'],
    ] as const) {
      expect(() => old.restore({ ...before, ...damage })).toThrow(error)
      expect(() => old.restore({ ...before, ...damage })).toThrow(says)
    }
  })
})

describe('a warm-up after birth', () => {
  const device = openReference()
  test('rises in equal steps', () => {
    const matrix = new GrownParameter(device, () => sgd(1, { warmUp: 4 }), [1, 1])
    const [slow, plain] = [matrix, new GrownParameter(device, () => sgd(1), [1, 1])]
    const [start] = plain.numbers()
    for (const each of [slow, plain]) each.happen({ kind: 'live', steps: 1 })
    expect(slow.numbers()[0] - start).toBeCloseTo((plain.numbers()[0] - start) / 4, 12)
  })
  test('is part of the name and of the state of what it slows', async () => {
    const matrix = new GrownParameter(device, () => sgd(1, { momentum: 0.5, warmUp: 4 }), [1, 1])
    const plain = new GrownParameter(device, () => sgd(1, { momentum: 0.5 }), [1, 1])
    expect(sgd(1, { warmUp: 4 }).name).toBe('sgd with warm-up')
    const state = await plain.state()
    expect(() => matrix.restore(state)).toThrow(StateError)
    expect(() => matrix.restore(null)).toThrow('was it saved without warmUp?')
  })
  test('is a whole number of steps', () => {
    for (const warmUp of [-1, 0.5, Number.NaN]) {
      for (const make of [adamw, lion]) expect(() => make({ learningRate: 1, warmUp })).toThrow(OptionError)
      expect(() => sgd(1, { warmUp })).toThrow('sgd: got warmUp')
    }
  })
})
