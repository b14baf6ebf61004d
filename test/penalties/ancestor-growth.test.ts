/** Learning without forgetting goes through growth of vocabulary and context: old predictions are held, new ones are free. */
import { learningWithoutForgetting, passOf, type Penalty, type TokenBatch } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { grow, type GrowthRequest, ungrowTo } from '@burgeon/gpt/growth'
import { add, assign, multiply, scope, type Tensor } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { expect, test } from 'vitest'
import { row, rowsOf } from '../continual/tiny-learner.ts'

const device = openReference()

const costOf = (penalty: Penalty, model: Gpt, batch: TokenBatch): number =>
  scope(() => penalty.loss(model.parameters.tensors(), passOf(model, batch))?.item() ?? Number.NaN)

/** A model that has moved since its ancestor was taken, or has not yet. */
function held(factor: number, positions: 'learned' | 'rotary' = 'learned'): { model: Gpt; penalty: Penalty } {
  const sizes = { vocabulary: 12, context: 4, embed: 8, heads: 2, layers: 2, mlpHidden: 8, positions }
  const model = Gpt.create(sizes, { device, seed: 5 })
  scope(() => {
    for (const { tensor } of model.parameters) assign(tensor, multiply(tensor, 4))
  })
  const penalty = learningWithoutForgetting({ strength: 2 })
  penalty.consolidate(model, rowsOf(row(1)))
  move(model, (x) => multiply(x, factor))
  return { model, penalty }
}

function move(model: Gpt, of: (tensor: Tensor) => Tensor, isIn = (_path: string): boolean => true): void {
  scope(() => {
    for (const { path, tensor } of model.parameters) if (isIn(path)) assign(tensor, of(tensor))
  })
}

const probe = { mirrors: [], key: [1, 2] } as const
const tokens = (share: number): GrowthRequest => ({
  ...{ kind: 'growVocabulary' },
  tokens: [
    { parts: [1, 2], share },
    { parts: [12, 3], share },
  ],
})
/** Rows of any length, padded at their ends. */
const padded = (length: number, ...rows: readonly (readonly number[])[]): TokenBatch => ({
  rows: rows.length,
  length,
  tokens: Int32Array.from(rows.flatMap((own) => Array.from({ length: length + 1 }, (_, i) => own[i] ?? -1))),
  domains: rows.map(() => 'text'),
})

test('new tokens count for those that they begin with: what is held costs what it cost', async () => {
  const { model, penalty } = held(1.2)
  const batch = rowsOf(row(1), row(2))
  const before = costOf(penalty, model, batch)
  expect(before).toBeGreaterThan(1e-3)
  await grow(model, tokens(1e-9), probe)
  expect(Math.abs(costOf(penalty, model, batch) / before - 1)).toBeLessThan(1e-6)
})

test('weights of new tokens are held at once, by what they take from earlier predictions', async () => {
  const { model, penalty } = held(1)
  const batch = rowsOf(row(1), row(2))
  await grow(model, tokens(1e-9), probe)
  const before = costOf(penalty, model, batch)
  expect(before).toBeLessThan(1e-9)
  const { tensor } = model.parameters.get('head.bias')
  scope(() => {
    const more = device.tensor(
      Array.from({ length: 14 }, (_, token) => (token === 12 ? 22 : 0)),
      { shape: [14], dtype: 'f32' },
    )
    assign(tensor, add(tensor, more))
  })
  expect(costOf(penalty, model, batch)).toBeGreaterThan(0.1)
})

test('what comes after a token that the ancestor does not know is left out', async () => {
  const { model, penalty } = held(1.2)
  await grow(model, tokens(0.1), probe)
  const [withNew, without] = [padded(4, [1, 2, 3, 12, 4]), padded(4, [1, 2, 3, 7])]
  expect(costOf(penalty, model, withNew)).toBeCloseTo(costOf(penalty, model, without), 12)
  expect(costOf(penalty, model, padded(4, [1, 2, 3, 4, 4]))).not.toBeCloseTo(
    costOf(penalty, model, without),
    6,
  )
  expect(costOf(penalty, model, padded(4, [13, 2, 3, 7, 4]))).toBeNaN()
})

test.each(['learned', 'rotary'] as const)(
  'predictions beyond its context are left out, with %s positions',
  async (positions) => {
    const { model, penalty } = held(1.2, positions)
    const short = padded(4, [1, 2, 3, 4, 5], [7, 3, 2, 6, 1])
    const before = costOf(penalty, model, short)
    await grow(model, { kind: 'growContext', to: 7 }, probe)
    expect(costOf(penalty, model, short)).toBeCloseTo(before, 12)
    const long = padded(7, [1, 2, 3, 4, 5, 6, 7, 8], [7, 3, 2, 6, 1, 0, 4, 9])
    expect(costOf(penalty, model, long)).toBeCloseTo(before, 12)
  },
)

test('both at once, and what was grown taken back again', async () => {
  const { model, penalty } = held(1.2)
  const batch = padded(4, [1, 2, 3, 4, 5])
  const before = costOf(penalty, model, batch)
  await grow(model, { kind: 'growContext', to: 6 }, probe)
  await grow(model, tokens(1e-9), probe)
  expect(costOf(penalty, model, padded(6, [1, 2, 3, 4, 5, 13, 2]))).toBeCloseTo(before, 6)
  ungrowTo(model, 0, [])
  expect(costOf(penalty, model, batch)).toBe(before)
})
