/** What protects knowledge protects what growth adds, on every axis: where it measures, no new weight that matters is free. */
import { sgd } from '@burgeon/autograd/optim'
import {
  everySteps,
  ewc,
  growOnSchedule,
  Learner,
  memoryAwareSynapses,
  onlineEwc,
  type Penalty,
  reservoirReplay,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import { assign, multiply, scope, type TensorMirror } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { costOf } from '../continual/cost-of.ts'
import { row, rowsOf, tinyModel } from '../continual/tiny-learner.ts'
import { addingRequests, drawn, numbersIn } from '../growth/adding-requests.ts'
import { drawFrom, tokensFor } from '../growth/tiny-model.ts'
import { times } from '../how-long.ts'

const device = openReference()

const measuring: Readonly<Record<string, () => Penalty>> = {
  ewc: () => ewc({ strength: 3, fisher: 'empirical', fresh: 'measured' }),
  onlineEwc: () => onlineEwc({ strength: 3, decay: 0.8, fisher: 'empirical', fresh: 'measured' }),
  memoryAwareSynapses: () => memoryAwareSynapses({ strength: 0.01, fresh: 'measured' }),
}

const aSeed = fc.integer({ min: 1, max: 2 ** 31 })

describe.each(Object.entries(measuring))('%s, measured after growth,', (_, make) => {
  test.each(Object.entries(addingRequests))(
    'holds new weights as if it had known them: %s',
    async (__, requestFor) => {
      await fc.assert(
        fc.asyncProperty(aSeed, async (seed) => {
          const { model, old, sample } = drawn(seed)
          const request = requestFor(model.config)
          fc.pre(request !== null)
          const penalty = make()
          penalty.consolidate(model, sample)
          scope(() => {
            for (const { tensor } of model.parameters) assign(tensor, multiply(tensor, 1.1))
          })
          const before = costOf(penalty, model)?.item() ?? Number.NaN
          expect(before).toBeGreaterThan(0)
          using probe = tokensFor(model, drawFrom(seed))
          await grow(model, request, { mirrors: [...penalty.mirrors, old], probe, key: [1, 2] })
          const [importance, anchor] = penalty.mirrors as readonly TensorMirror[]
          const carried = new Map(
            [...model.parameters].map(({ path, tensor }) => [path, numbersIn(importance, path, tensor.size)]),
          )
          penalty.afterGrowth?.(model, sample)
          expect(Math.abs((costOf(penalty, model)?.item() ?? Number.NaN) / before - 1)).toBeLessThan(1e-9)
          // What it would measure of the whole model.
          const anew = make()
          anew.consolidate(model, sample)
          const [measured] = anew.mirrors as readonly TensorMirror[]
          let mattering = 0
          for (const { path, tensor } of model.parameters) {
            const [wasThere, own, star] = [old, importance, anchor].map((m) =>
              numbersIn(m, path, tensor.size),
            )
            const [now, wanted] = [tensor.readSync(), numbersIn(measured, path, tensor.size)]
            for (let i = 0; i < tensor.size; i++) {
              const isNew = wasThere[i] === 0
              const expected = isNew ? wanted[i] : (carried.get(path)?.[i] ?? Number.NaN)
              expect(own[i], `${path}[${i}]`).toBe(expected)
              if (isNew) expect(star[i], `${path}[${i}]`).toBe(now[i])
              if (isNew && wanted[i] > 1e-12) mattering++
            }
          }
          expect(mattering).toBeGreaterThan(0)
          // And they are not free to move.
          scope(() => {
            for (const { path, tensor } of model.parameters) {
              const isNew = numbersIn(old, path, tensor.size)
              const moved = [...tensor.readSync()].map((x, i) => (isNew[i] === 0 ? x + 1 : x))
              assign(tensor, tensor.device.tensor(moved, { shape: tensor.shape, dtype: 'f32' }))
            }
          })
          expect((costOf(penalty, model)?.item() ?? Number.NaN) / before).toBeGreaterThan(1 + 1e-12)
        }),
        { numRuns: times(2, 20) },
      )
    },
  )
  test('leaves what was known of no importance as it is', async () => {
    const sizes = { vocabulary: 12, context: 4, embed: 8, heads: 2, layers: 1, mlpHidden: 8 }
    const model = Gpt.create({ ...sizes, untiedHead: true }, { device, seed: 3 })
    const [seen, unseen] = [rowsOf([1, 2, 3, 1, 2]), rowsOf([5, 6, 7, 5, 6])]
    const penalty = make()
    penalty.consolidate(model, seen)
    await grow(model, { kind: 'addLayer', at: 1 }, { mirrors: penalty.mirrors, key: [1, 2] })
    penalty.afterGrowth?.(model, unseen)
    const [importance] = penalty.mirrors as readonly TensorMirror[]
    const rows = importance.get('embed.token.weight')?.readSync() ?? []
    const ofToken = (token: number): number => Math.max(...[...rows].slice(8 * token, 8 * token + 8))
    expect(ofToken(1)).toBeGreaterThan(1e-9)
    expect(ofToken(5)).toBeLessThan(1e-15)
  })
  test('measures nothing before it has anything to protect', () => {
    const { model, sample } = drawn(3)
    const penalty = make()
    penalty.afterGrowth?.(model, sample)
    expect(penalty.mirrors.every(({ bytes }) => bytes === 0)).toBe(true)
    expect(costOf(penalty, model)).toBeNull()
  })
})

test.each(['borrowed', 'plastic', undefined] as const)(
  'with %s importance there is nothing to measure',
  (fresh) => {
    const choice = fresh === undefined ? {} : { fresh }
    for (const penalty of [
      onlineEwc({ strength: 1, ...choice }),
      memoryAwareSynapses({ strength: 1, ...choice }),
    ])
      expect(penalty.afterGrowth).toBeUndefined()
  },
)

test.each([
  ['units', /\.down\.weight$/],
  ['heads', /\.attention\.output\.weight$/],
  ['wider heads', /\.attention\.(output|key)\.weight$/],
  ['channels', /^embed\.token\.weight$|\.(output|down)\.weight$/],
])('new weights that begin at 0 borrow importance from those beside them: %s', async (axis, isZero) => {
  await fc.assert(
    fc.asyncProperty(aSeed, async (seed) => {
      const { model, old, sample } = drawn(seed)
      const request = addingRequests[axis](model.config)
      fc.pre(request !== null && !(axis === 'channels' && model.config.norm === 'layer'))
      const penalty = memoryAwareSynapses({ strength: 1 })
      penalty.consolidate(model, sample)
      using probe = tokensFor(model, drawFrom(seed))
      await grow(model, request, { mirrors: [...penalty.mirrors, old], probe, key: [1, 2] })
      const anew = memoryAwareSynapses({ strength: 1 })
      anew.consolidate(model, sample)
      const [[importance], [measured]] = [penalty, anew].map(
        ({ mirrors }) => mirrors as readonly TensorMirror[],
      )
      let borrowed = 0
      for (const { path, tensor } of model.parameters) {
        if (!isZero.test(path)) continue
        const [wasThere, own, wanted] = [old, importance, measured].map((m) =>
          numbersIn(m, path, tensor.size),
        )
        for (let i = 0; i < tensor.size; i++) {
          if (wasThere[i] !== 0 || tensor.readSync()[i] !== 0 || !(wanted[i] > 1e-9)) continue
          borrowed++
          expect(own[i], `${path}[${i}]`).toBeGreaterThan(0)
        }
      }
      expect(borrowed).toBeGreaterThan(0)
    }),
    { numRuns: times(2, 20) },
  )
})

test('a learner has them judged in the step of a growth, by rows of memory, and not where nothing is new', async () => {
  const calls: [step: number, rows: number, units: number][] = []
  const own = onlineEwc({ strength: 1 })
  let step = 0
  const penalty: Penalty = {
    ...own,
    sampleRows: 3,
    afterGrowth: (model, sample) => {
      const units = (model as Gpt).config.blocks[0].mlpHidden
      calls.push([step, sample.rows, units])
    },
  }
  const learner = new Learner({
    model: tinyModel(device),
    optimizer: sgd(0.1),
    strategy: {
      consolidateWhen: everySteps(100),
      penalties: [penalty, onlineEwc({ strength: 2 })],
      rehearsal: reservoirReplay({ capacity: 8 }),
      growth: growOnSchedule([
        { step: 3, request: { kind: 'pruneUnits', block: 'b0', drop: [1] } },
        { step: 5, request: { kind: 'widenMlp', block: 'b0', to: 10 } },
        { step: 6, request: { kind: 'widenMlp', block: 'b0', to: 4 } },
      ]),
    },
  })
  for (step = 1; step < 8; step++) await learner.observe(rowsOf(row(step), row(step + 1)))
  expect(calls).toEqual([[5, 3, 10]])
})
