/** Signs of lost plasticity, worked out beside the library. */
import { batchOfTokens, measurePlasticity } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { expect, test } from 'vitest'

const device = openReference()
const sizes = { vocabulary: 12, context: 4, embed: 4, heads: 1, layers: 2, mlpHidden: 6 } as const
const batch = batchOfTokens([1, 5, 3, 8, 2, 7, 0, 4, 9], 4, 'text')
const made = (): Gpt => Gpt.create(sizes, { device, seed: 4 })

function replaced(model: Gpt, path: string, change: (x: number, i: number) => number): void {
  const { tensor } = model.parameters.get(path)
  const numbers = Array.from(tensor.readSync(), change)
  model.parameters.replace(path, device.tensor(numbers, { shape: tensor.shape, dtype: 'f32' }))
}

/** Activations of a block on the batch, by token. */
function hidden(model: Gpt, block: string): number[][] {
  let rows: number[][] = []
  const tokens = Int32Array.of(1, 5, 3, 8, 2, 7, 0, 4)
  model.forward(device.tensor(tokens, { shape: [2, 4], dtype: 'i32' }), undefined, {
    observe: (id, what, x) => {
      if (id !== block || what !== 'mlpHidden') return
      const all = [...x.readSync()]
      rows = Array.from({ length: 8 }, (_, t) => all.slice(6 * t, 6 * t + 6))
    },
  })
  return rows
}

/** The largest singular value squared, by many steps of a power iteration in double precision. */
function largestSquared(rows: readonly (readonly number[])[]): number {
  let v = rows[0].map((_, i) => 1 + i / 7)
  let norm = 0
  for (let step = 0; step < 3000; step++) {
    const u = rows.map((row) => row.reduce((sum, x, i) => sum + x * v[i], 0))
    const w = v.map((_, i) => rows.reduce((sum, row, t) => sum + row[i] * u[t], 0))
    norm = Math.hypot(...w)
    v = w.map((x) => x / norm)
  }
  return norm
}

test('counts units that are dead and dormant, and measures how much of a matrix lies along one direction', async () => {
  const model = made()
  // Unit 2 hears nothing, unit 4 next to nothing.
  replaced(model, 'blocks.b1.mlp.up.weight', (x, i) => (i % 6 === 2 ? 0 : i % 6 === 4 ? 1e-5 * x : x))
  const [first, second] = await measurePlasticity(model, batch)
  expect([first.layer, first.units, first.dead, first.dormant]).toEqual(['blocks.b0.mlp', 6, 0, 0])
  expect([second.layer, second.dead, second.dormant]).toEqual(['blocks.b1.mlp', 1 / 6, 2 / 6])
  for (const signs of [first, second]) {
    const rows = hidden(model, signs.layer.split('.')[1])
    const squares = rows.flat().reduce((sum, x) => sum + x * x, 0)
    expect(signs.stableRank).toBeCloseTo(squares / largestSquared(rows), 4)
    expect(signs.stableRank).toBeGreaterThanOrEqual(1)
    expect(signs.effectiveRank).toBeGreaterThan(1)
  }
  expect(second.effectiveRank).toBeLessThanOrEqual(5)
})

test('measures the weights of the MLP alone', async () => {
  const model = made()
  const before = await measurePlasticity(model, batch)
  const weights = ['up', 'down'].flatMap((map) => [
    ...model.parameters.get(`blocks.b0.mlp.${map}.weight`).tensor.readSync(),
  ])
  expect(before[0].weightMagnitude).toBeCloseTo(weights.reduce((sum, w) => sum + Math.abs(w), 0) / 48, 9)
  expect(before[0].weightNorm).toBeCloseTo(Math.hypot(...weights), 9)
  replaced(model, 'blocks.b0.attention.query.weight', (x) => 100 * x)
  replaced(model, 'blocks.b0.mlp.up.bias', (x) => x + 1)
  expect((await measurePlasticity(model, batch))[0].weightNorm).toBe(before[0].weightNorm)
})

test('a layer in which nothing is active has no rank, and all its units are dead', async () => {
  const model = made()
  replaced(model, 'blocks.b0.mlp.up.weight', () => 0)
  const [first] = await measurePlasticity(model, batch)
  expect(first).toMatchObject({ dead: 1, dormant: 1, stableRank: 0, effectiveRank: 0 })
})

test('looks at the first rows of a long batch, and takes a Gpt and tokens', async () => {
  const model = made()
  const tokens = (rows: number) => Array.from({ length: 4 * rows + 1 }, (_, i) => (i * i) % 12)
  // 300 rows of four are more than 1,024 tokens: half of them are looked at.
  const long = await measurePlasticity(model, batchOfTokens(tokens(300), 4, 'text'))
  expect(long).toEqual(await measurePlasticity(model, batchOfTokens(tokens(150), 4, 'text')))
  expect(long).not.toEqual(await measurePlasticity(model, batchOfTokens(tokens(151), 4, 'text')))
  await expect(measurePlasticity({} as Gpt, batch)).rejects.toThrow(OptionError)
  await expect(measurePlasticity(model, {} as never)).rejects.toThrow(OptionError)
})
