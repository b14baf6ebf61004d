/** Reaches inside for the eigenvalues: what is measured of blocks is what it says, in known cases and in small models. */
import { pullBack, recordTape, valueAndGrad } from '@burgeon/autograd'
import { type TokenBatch, batchOfTokens, measureBlocks } from '@burgeon/continual'
import { Gpt, type GptConfig, type GptState, gptConfig, parameterSpecs } from '@burgeon/gpt'
import { fill, mean, multiply, scope, sizeOf, square, sum, type TensorsByPath } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { effectiveRank } from '../../packages/continual/src/growth/measure/effective-rank.ts'
import { symmetricEigenvalues } from '../../packages/continual/src/growth/measure/symmetric-eigenvalues.ts'
import { drawFrom, everyByte, modelOf, type Numbers, numbersOf } from './tiny-model.ts'

const device = openReference()

describe('eigenvalues', () => {
  test('of second differences are 2 − 2cos(kπ/(n + 1))', () => {
    const n = 12
    const matrix = Array.from({ length: n * n }, (_, at) => {
      const apart = Math.abs(Math.floor(at / n) - (at % n))
      return apart === 0 ? 2 : apart === 1 ? -1 : 0
    })
    symmetricEigenvalues(matrix, n).forEach((x, k) =>
      expect(x).toBeCloseTo(2 - 2 * Math.cos(((k + 1) * Math.PI) / (n + 1)), 13),
    )
  })
  test('survive any turn, also where they are equal, 0 or negative', () => {
    const random = drawFrom(4)
    for (const known of [[3], [1, 2], [5, 5, 5, 0], [-2, -2, 0, 1e-6, 1, 7], [0, 0, 0, 0, 0], [0, 0, 1]]) {
      const n = known.length
      let matrix = known.flatMap((x, i) => known.map((_, j) => (i === j ? x : 0)))
      for (let turn = 0; turn < 3; turn++)
        matrix = reflected(
          matrix,
          Array.from(known, () => random.normal()),
        )
      const sorted = known.toSorted((a, b) => a - b)
      symmetricEigenvalues(matrix, n).forEach((x, k) => expect(x).toBeCloseTo(sorted[k], 12))
    }
  })
})

/** H·A·H with H = I − 2·v·vᵀ/(v·v). */
function reflected(a: readonly number[], v: readonly number[]): number[] {
  const n = v.length
  const square = v.reduce((total, x) => total + x * x, 0)
  const turned = (b: readonly number[]): number[] => {
    const along = v.map((_, j) => v.reduce((total, x, i) => total + x * b[i * n + j], 0))
    return b.map((x, at) => x - (2 * v[Math.floor(at / n)] * along[at % n]) / square)
  }
  const transposed = (b: readonly number[]): number[] =>
    b.map((_, at) => b[(at % n) * n + Math.floor(at / n)])
  return transposed(turned(transposed(turned(a))))
}

test('the effective rank is exp of the entropy of the singular values', () => {
  const diagonal = (...x: number[]): number[] => x.flatMap((d, i) => x.map((_, j) => (i === j ? d : 0)))
  expect(effectiveRank(diagonal(4, 4, 4), 3)).toBeCloseTo(3, 12)
  expect(effectiveRank(diagonal(4, 0, 0), 3)).toBeCloseTo(1, 12)
  expect(effectiveRank(diagonal(0, 0, 0), 3)).toBe(0)
  expect(effectiveRank(diagonal(4, 1e-9, 0), 3)).toBeCloseTo(1, 12) // rounding of single precision
  const entropy = -0.75 * Math.log(0.75) - 0.25 * Math.log(0.25) // singular values 3 and 1
  expect(effectiveRank(diagonal(9, 1), 2)).toBeCloseTo(Math.exp(entropy), 12)
})

test('gradients of tensors between inputs and result are there if they are wanted, and not otherwise', () => {
  scope(() => {
    const x = device.tensor([1, 2], { shape: [2], dtype: 'f32' })
    using recorded = recordTape([x], () => {
      const between = multiply(x, 3)
      return { between, result: sum(square(between)) }
    })
    const { between, result } = recorded.result
    const one = fill(device, [], 1)
    const gradients = pullBack(recorded.tape, [result], [one], [between])
    expect([...(gradients.get(between.id)?.readSync() ?? [])]).toEqual([6, 12])
    expect([...(gradients.get(x.id)?.readSync() ?? [])]).toEqual([18, 36])
    expect(pullBack(recorded.tape, [result], [one]).has(between.id)).toBe(false)
  })
})

const configOf = (activation: 'gelu' | 'swiglu'): GptConfig =>
  gptConfig({ vocabulary: 9, context: 6, embed: 4, heads: 2, layers: 2, mlpHidden: 5, activation })

/** Three rows, the last of which has four predictions. */
function batchFor(seed: number): TokenBatch {
  const random = drawFrom(seed)
  return batchOfTokens(
    Int32Array.from({ length: 17 }, () => random.below(9)),
    6,
    'random',
  )
}

/** Of the mean loss of all predictions. */
function gradientsOf(model: Gpt, { rows, length, tokens }: TokenBatch): Numbers {
  const row = (start: number): number[] =>
    Array.from({ length: rows }, (_, r) => [
      ...tokens.slice(r * (length + 1) + start, (r + 1) * (length + 1) - 1 + start),
    ]).flat()
  const wanted = row(1)
  const count = wanted.filter((token) => token >= 0).length
  return scope(() => {
    const inputs = device.tensor(
      row(0).map((token) => Math.max(0, token)),
      { shape: [rows, length], dtype: 'i32' },
    )
    const targets = device.tensor(wanted, { shape: [wanted.length], dtype: 'i32' })
    const loss = (w: TensorsByPath) => multiply(mean(model.losses(inputs, targets, w)), wanted.length / count)
    return numbersOf(valueAndGrad(loss)(model.parameters.tensors()).gradient)
  })
}

const normOf = (lists: readonly (readonly number[])[]): number =>
  Math.sqrt(lists.flat().reduce((total, x) => total + x * x, 0))

/** What SwiGLU's gate must be fed to let half through: x·σ(x) = ½. */
function halfOpen(): number {
  let [low, high] = [0, 2]
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (middle / (1 + Math.exp(-middle)) > 0.5) high = middle
    else low = middle
  }
  return low
}

/** The model with one more unit in a block: incoming weights 0, these outgoing weights, and a gate that lets half through. */
async function withUnit(model: Gpt, block: string, outgoing: readonly number[]): Promise<Gpt> {
  const { config, weights } = await model.toState()
  const after = {
    ...config,
    blocks: config.blocks.map((own) => (own.id === block ? { ...own, mlpHidden: own.mlpHidden + 1 } : own)),
  }
  const specs = parameterSpecs(after).map(({ path, shape }): [string, GptState['weights'][string]] => {
    const old = [...weights[path].data]
    if (old.length === sizeOf(shape)) return [path, weights[path]]
    const units = shape.at(-1) as number
    const data = path.endsWith('down.weight')
      ? [...old, ...outgoing]
      : path.endsWith('gate.bias')
        ? [...old, halfOpen()]
        : path.endsWith('.bias')
          ? [...old, 0]
          : Array.from({ length: sizeOf(shape) }, (_, at) =>
              at % units === units - 1 ? 0 : old[Math.floor(at / units) * (units - 1) + (at % units)],
            )
    return [path, { shape, data: Float64Array.from(data) }]
  })
  return Gpt.fromState({ config: after, weights: Object.fromEntries(specs) }, device)
}

describe.each(['gelu', 'swiglu'] as const)('the gradient that one more %s unit could have', (activation) => {
  test('is that of a unit which is really there, at the best outgoing weights of the usual length', async () => {
    for (let seed = 1; seed <= 3; seed++) {
      const model = modelOf(configOf(activation), drawFrom(seed), device)
      const [batch, embed] = [batchFor(seed), 4]
      const { blocks } = await measureBlocks(model, batch)
      const outgoing = model.config.blocks.map(({ id }) => [
        ...model.parameters.get(`blocks.${id}.mlp.down.weight`).tensor.readSync(),
      ])
      const length = normOf(outgoing) / Math.sqrt(2 * 5)
      for (const { block, gradMax } of blocks) {
        // Columns of ½·Σ n·δᵀ, one unit vector of outgoing weights at a time.
        const columns: number[][] = []
        for (let c = 0; c < embed; c++) {
          using grown = disposable(
            await withUnit(
              model,
              block,
              [0, 1, 2, 3].map((i) => Number(i === c)),
            ),
          )
          const up = gradientsOf(grown.model, batch)[`blocks.${block}.mlp.up.weight`]
          columns.push(up.filter((_, at) => at % 6 === 5))
        }
        const gram = columns.flatMap((a) =>
          columns.map((b) => a.reduce((total, x, i) => total + x * b[i], 0)),
        )
        const largest = Math.sqrt(symmetricEigenvalues(gram, embed)[embed - 1])
        expect(gradMax / (length * largest)).toBeCloseTo(1, 4)
      }
      model.dispose()
    }
  })
})

const disposable = (model: Gpt): { model: Gpt } & Disposable => ({
  model,
  [Symbol.dispose]: () => model.dispose(),
})

describe('what is measured of blocks', () => {
  test('holds the norm of the gradient and the share of each block', async () => {
    const model = modelOf(configOf('gelu'), drawFrom(5), device)
    const batch = batchFor(5)
    const { tokens, gradientNorm, blocks } = await measureBlocks(model, batch)
    const gradients = Object.entries(gradientsOf(model, batch))
    expect(tokens).toBe(16)
    expect(gradientNorm).toBeCloseTo(normOf(gradients.map(([, numbers]) => numbers)), 10)
    for (const { block, gradientShare } of blocks) {
      const own = gradients
        .filter(([path]) => path.startsWith(`blocks.${block}.`))
        .map(([, numbers]) => numbers)
      expect(gradientShare).toBeCloseTo((normOf(own) / gradientNorm) ** 2, 10)
    }
    expect(blocks.reduce((total, { gradientShare }) => total + gradientShare, 0)).toBeLessThan(1)
  })
  test('tells dead units, and units that all say the same, from busy ones', async () => {
    const config = configOf('gelu')
    const { weights } = await modelOf(config, drawFrom(6), device).toState()
    const changed = (
      path: string,
      f: (x: number, unit: number) => number,
    ): [string, GptState['weights'][string]] => {
      const { shape, data } = weights[path]
      return [path, { shape, data: Float64Array.from(data, (x, at) => f(x, at % 5)) }]
    }
    const first = weights['blocks.b1.mlp.up.weight'].data
    const model = Gpt.fromState(
      {
        config,
        weights: {
          ...weights,
          ...Object.fromEntries([
            changed('blocks.b0.mlp.up.weight', (x, unit) => (unit < 2 ? 0 : x)),
            changed('blocks.b0.mlp.up.bias', (x, unit) => (unit < 2 ? 0 : x)),
            changed('blocks.b1.mlp.up.bias', () => 0.1),
            [
              'blocks.b1.mlp.up.weight',
              { shape: [4, 5], data: Float64Array.from(first, (_, at) => first[at - (at % 5)]) },
            ],
          ]),
        },
      },
      device,
    )
    const [dead, alike] = (await measureBlocks(model, batchFor(6))).blocks
    expect(dead.dormant).toBe(0.4)
    expect(dead.dormantUnits).toEqual([0, 1])
    expect(dead.maxRank).toBe(5)
    expect(dead.effectiveRank).toBeGreaterThan(1)
    expect(dead.effectiveRank).toBeLessThanOrEqual(3)
    expect(alike.dormant).toBe(0)
    expect(alike.dormantUnits).toEqual([])
    expect(alike.effectiveRank).toBeCloseTo(1, 6)
  })
  test('is nearly the same in single precision, and leaves neither a number changed nor a buffer behind', async () => {
    const single = openWasm()
    for (let seed = 1; seed <= 4; seed++) {
      const config = configOf(seed % 2 === 0 ? 'gelu' : 'swiglu')
      const [exact, model] = [device, single].map((own) => modelOf(config, drawFrom(seed), own))
      const [before, { buffers }] = [everyByte(model, []), single.memory]
      const { blocks } = await measureBlocks(model, batchFor(seed))
      expect(everyByte(model, [])).toEqual(before)
      expect(single.memory.buffers).toBe(buffers)
      expect(model.isHeld).toBe(false)
      const inDouble = await measureBlocks(exact, batchFor(seed))
      blocks.forEach((own, i) => {
        expect(own.gradMax / inDouble.blocks[i].gradMax).toBeCloseTo(1, 3)
        expect(own.effectiveRank / inDouble.blocks[i].effectiveRank).toBeCloseTo(1, 3)
        expect(own.dormant).toBe(inDouble.blocks[i].dormant)
      })
    }
  })
})
