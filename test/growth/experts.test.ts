/** Several experts in the place of one MLP: the same at first, and then each its own way. */
import { valueAndGrad } from '@burgeon/autograd'
import { adamw, type GradientTransform, sgd } from '@burgeon/autograd/optim'
import { type Gpt, type GptConfig, gptConfig, KeyValueCache } from '@burgeon/gpt'
import { grow, type GrowthRecord, type GrowthRequest, planGrowth } from '@burgeon/gpt/growth'
import { type Device, mean, type Mirror, OptionError, scope, type TensorsByPath } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { times } from '../how-long.ts'
import { centralDifferences, furthest } from '../meta/central-differences.ts'
import {
  drawConfig,
  drawFrom,
  isTensorMirror,
  learn,
  logitsOf,
  lossAndGradients,
  modelOf,
  type Numbers,
  numbersOf,
  relativeDifference,
  tokensFor,
} from './tiny-model.ts'

const seeds = Array.from({ length: 8 }, (_, i) => i + 1)

/** A drawn configuration whose first block has these experts, or a plain MLP. */
function drawnConfig(seed: number, shares?: readonly number[]): GptConfig {
  const config = drawConfig(drawFrom(seed))
  const blocks = config.blocks.map(({ expertShares: _, ...block }, i) => ({
    ...block,
    ...(i === 0 && shares && { expertShares: shares }),
  }))
  return { ...config, blocks }
}

const drawn = (seed: number, device: Device, shares?: readonly number[]): Gpt =>
  modelOf(drawnConfig(seed, shares), drawFrom(seed + 100), device)

async function grown(model: Gpt, to: number, mirrors: readonly Mirror[] = []): Promise<GrowthRecord> {
  using probe = tokensFor(model, drawFrom(1))
  return await grow(model, { kind: 'addExperts', block: 'b0', to }, { mirrors, probe, key: [1, 2] })
}

/** The map `up` and the column of the router of each expert. */
function expertsOf(model: Gpt): { up: number[]; column: number[] }[] {
  const { embed, blocks } = model.config
  const { length } = blocks[0].expertShares ?? [1]
  const numbers = (path: string): number[] => [
    ...model.parameters.get(`blocks.b0.mlp.${path}`).tensor.readSync(),
  ]
  const router = numbers('router.weight')
  return Array.from({ length }, (_, i) => ({
    up: numbers(i === 0 ? 'up.weight' : `experts.${i}.up.weight`),
    column: Array.from({ length: embed }, (_, row) => router[row * length + i]),
  }))
}

/** 1 minus the cosine of the angle: 0 where one list is a multiple of the other. */
function angle(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]): number =>
    x.reduce((total, n, i) => total + n * y[i], 0)
  return 1 - dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}

describe.each([
  ['the reference', openReference(), 1e-12],
  ['wasm', openWasm(), 1e-5],
] as const)('experts on %s', (_, device, tolerance) => {
  test.each<[number, readonly number[] | undefined, number]>([
    [1, undefined, 2],
    [1, undefined, 5],
    [2, [1, 1], 3],
    [2, [1, 1], 4],
    [3, [1, 0.5, 0.5], 7],
  ])('say together what %d said, by shares %j, when they are %d', async (from, shares, to) => {
    for (const seed of seeds) {
      const model = drawn(seed, device, shares)
      const tokens = tokensFor(model, drawFrom(seed))
      const before = logitsOf(model, tokens)
      const record = await grown(model, to)
      expect(record.summary).toBe(`block b0: experts ${from} → ${to}`)
      expect(relativeDifference(before, logitsOf(model, tokens))).toBeLessThanOrEqual(tolerance)
      expect(model.config.blocks[0].expertShares).toHaveLength(to)
    }
  })
  test('answer the same with a cache', async () => {
    for (const seed of seeds) {
      const model = drawn(seed, device)
      await grown(model, 3)
      const tokens = tokensFor(model, drawFrom(seed), 1)
      const [whole, ids] = [logitsOf(model, tokens), [...tokens.readSync()]]
      using cache = new KeyValueCache(model.config, device)
      const pieces = ids.flatMap((id) =>
        scope(() => {
          const one = device.tensor([id], { shape: [1, 1], dtype: 'i32' })
          return [...model.forward(one, undefined, { cache }).readSync()]
        }),
      )
      expect(relativeDifference(whole, pieces)).toBeLessThan(10 * tolerance)
    }
  })
})

describe('copies of experts', () => {
  const device = openReference()
  const optimizers: readonly (readonly [string, () => GradientTransform])[] = [
    ['plain descent', () => sgd(0.1)],
    ['AdamW without a past', () => adamw({ learningRate: 0.02 })],
  ]
  // Wide enough that there are many directions to go.
  const config = gptConfig({ vocabulary: 9, context: 6, embed: 8, heads: 2, layers: 1, mlpHidden: 6 })
  const growths = [
    ['of one MLP', undefined, 3],
    ['of two experts', [1, 1], 6],
  ] as const
  const cases = growths.flatMap((growth) => optimizers.map((own) => [...growth, ...own] as const))
  test.each(cases)('%s part, to %j and %d of them, under %s', async (_, shares, to, _name, make) => {
    for (const seed of seeds) {
      const [plain] = config.blocks
      const blocks = [{ ...plain, ...(shares && { expertShares: shares }) }]
      const model = modelOf({ ...config, blocks }, drawFrom(seed), device)
      const tokens = tokensFor(model, drawFrom(seed))
      await grown(model, to)
      const [optimizer, born] = [make(), expertsOf(model)]
      for (let step = 0; step < 4; step++) learn(model, optimizer, tokens, step)
      const changes = expertsOf(model).map(({ up, column }, i) => ({
        up: up.map((x, at) => x - born[i].up[at]),
        column: column.map((x, at) => x - born[i].column[at]),
      }))
      changes.forEach((one, i) => {
        for (const other of changes.slice(0, i)) {
          // Rounding alone makes 1e-16 of it.
          expect(angle(one.up, other.up), `seed ${seed}`).toBeGreaterThan(1e-6)
          expect(angle(one.column, other.column), `seed ${seed}`).toBeGreaterThan(1e-6)
        }
      })
    }
  })
})

describe('what is shaped like experts', () => {
  const device = openReference()
  test('follows the gradients: of two that share a gate each has half of them, and a quarter behind a halved writer', async () => {
    for (const seed of seeds) {
      const model = drawn(seed, device, [1, 0.5])
      const tokens = tokensFor(model, drawFrom(seed))
      const optimizer = adamw({ learningRate: 0.01 })
      for (let step = 0; step < 2; step++) learn(model, optimizer, tokens, step)
      const gradients = (): Numbers => scope(() => numbersOf(lossAndGradients(model, tokens).gradient))
      const moments = (): Numbers[] =>
        optimizer.mirrors
          .filter(isTensorMirror)
          .map((mirror) =>
            numbersOf(Object.fromEntries(mirror.paths.map((path) => [path, mirror.get(path)])) as never),
          )
      const [before, [first, second]] = [gradients(), moments()]
      await grown(model, 3, optimizer.mirrors)
      const [after, [newFirst, newSecond]] = [gradients(), moments()]
      const largest = Math.max(...Object.values(before).flat().map(Math.abs))
      for (const [path, old] of Object.entries(before)) {
        if (/mlp\.router/.test(path)) continue
        const isFirst = /blocks\.b0\.mlp\.(gate|up|down)/.test(path)
        const factor = isFirst ? (/down\.(weight|bias|adapter\.b)/.test(path) ? 0.5 : 0.25) : 1
        old.forEach((gradient, i) => {
          expect(Math.abs(after[path][i] - factor * gradient), path).toBeLessThan(1e-10 * largest)
          expect(newFirst[path][i]).toBe(factor * first[path][i])
          expect(newSecond[path][i]).toBe(factor ** 2 * second[path][i])
        })
        const copy = path.replace('b0.mlp.', 'b0.mlp.experts.2.')
        if (!isFirst) continue
        // The copy writes 3/2 of what its original wrote, this one 1/2: what is behind the writers has three times the gradient.
        const ratio = factor === 0.5 ? 1 : 3
        old.forEach((_, i) =>
          expect(Math.abs(after[copy][i] - ratio * after[path][i])).toBeLessThan(1e-10 * largest),
        )
        old.forEach((_, i) => {
          expect(newFirst[copy][i]).toBeCloseTo(ratio * factor * first[path][i], 12)
          expect(newSecond[copy][i]).toBeCloseTo((ratio * factor) ** 2 * second[path][i], 12)
        })
      }
      // What is at the router: of both columns together it is what it was.
      const [old, now] = [before, after].map((own) => own['blocks.b0.mlp.router.bias'])
      expect(now[0] + now[2]).toBeCloseTo(old[0], 12)
      expect(now[1]).toBeCloseTo(old[1], 12)
      expect(Math.abs(now[0] - now[2])).toBeGreaterThan(0)
    }
  })
  test('the copied share is the largest, and shares are shared out', () => {
    const sharesAt = (shares: readonly number[] | undefined, to: number): unknown =>
      planGrowth(drawnConfig(1, shares), { kind: 'addExperts', block: 'b0', to }, [1, 2]).config.blocks[0]
        .expertShares
    expect(sharesAt(undefined, 3)).toEqual([1, 1, 1])
    expect(sharesAt([1, 1], 3)).toEqual([0.5, 1, 0.5])
    expect(sharesAt([0.5, 1, 0.5], 4)).toEqual([0.5, 0.5, 0.5, 0.5])
    expect(sharesAt([1, 1], 5)).toEqual([1 / 3, 0.5, 1 / 3, 0.5, 1 / 3])
  })
  test('gradients of models with adapters and experts are central differences', () => {
    for (const seed of seeds.slice(0, times(1, 4))) {
      const config = drawConfig(drawFrom(seed))
      const parts = { adapter: { rank: 2, scale: 0.5 }, expertShares: [0.5, 1, 1] }
      const model = modelOf(
        { ...config, blocks: [{ ...config.blocks[0], ...parts }] },
        drawFrom(seed),
        device,
      )
      scope(() => {
        const tokens = tokensFor(model, drawFrom(seed))
        const all = model.parameters.tensors()
        const inner = Object.fromEntries(
          Object.entries(all).filter(([path]) =>
            /adapter\.|router\.|experts\.2\.down|mlp\.down\.bias/.test(path),
          ),
        )
        expect(Object.keys(inner).length).toBeGreaterThan(12)
        const targets = device.tensor(tokens.readSync().toReversed(), { shape: [tokens.size], dtype: 'i32' })
        const lossOf = (w: TensorsByPath): ReturnType<typeof mean> =>
          mean(model.losses(tokens, targets, { ...all, ...w }))
        const { gradient } = valueAndGrad(lossOf)(inner)
        expect(furthest(gradient, centralDifferences(lossOf, inner))).toBeLessThan(1e-7)
      })
    }
  })
})

describe('experts that cannot be', () => {
  const impossible: readonly [GrowthRequest, string][] = [
    [{ kind: 'addExperts', block: 'b0', to: 2 }, 'grow addExperts: got to = 2; expected an integer above 2.'],
    [{ kind: 'addExperts', block: 'b0', to: 2.5 }, 'got to = 2.5'],
    [{ kind: 'addExperts', block: 'b9', to: 3 }, 'grow addExperts: no block b9; this model has b0'],
  ]
  test.each(impossible)('%# are an error', (request, message) => {
    const plan = (): unknown => planGrowth(drawnConfig(1, [1, 1]), request, [1, 2])
    expect(plan).toThrow(OptionError)
    expect(plan).toThrow(message)
  })
})
