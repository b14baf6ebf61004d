/** The three kinds of Fisher information, each against loops that follow its definition. */
import { grad } from '@burgeon/autograd'
import {
  empiricalFisherInformation,
  exactFisherInformation,
  fisherInformation,
  padding,
  type TokenBatch,
} from '@burgeon/continual'
import type { Gpt } from '@burgeon/gpt'
import {
  add,
  crossEntropy,
  fill,
  logSoftmax,
  multiply,
  OptionError,
  scope,
  slice,
  square,
  sum,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, test } from 'vitest'
import { farthest, type Numbers, numbersOf, row, rowsOf, tinyModel } from '../continual/tiny-learner.ts'

const device = openReference()
const width = 5

/** Rows of which the second is shorter. */
function sampleOf(): TokenBatch {
  const sample = rowsOf(row(1), row(2), row(4))
  sample.tokens.fill(padding, width + 3, 2 * width)
  return sample
}

interface Sequence {
  readonly ids: Tensor
  readonly targets: readonly number[]
}

/** The rows without padding, each with the tokens to predict. */
const sequencesOf = ({ rows, tokens }: TokenBatch): Sequence[] =>
  Array.from({ length: rows }, (_, i) => {
    const own = [...tokens.slice(i * width, (i + 1) * width)].filter((token) => token >= 0)
    const ids = device.tensor(own.slice(0, -1), { shape: [1, own.length - 1], dtype: 'i32' })
    return { ids, targets: own.slice(1) }
  })

/** Σ factor · term² over terms, by path. */
function sumOfSquares(
  weights: TensorsByPath,
  terms: readonly (readonly [factor: number, gradient: TensorsByPath])[],
): Numbers {
  const total: Record<string, Tensor> = {}
  for (const [path, weight] of Object.entries(weights)) {
    total[path] = terms.reduce(
      (now, [factor, gradient]) => add(now, multiply(square(gradient[path]), factor)),
      fill(weight.device, weight.shape, 0),
    )
  }
  return numbersOf(total)
}

/** Every place and label of every row: its probability by row, and the gradient of its log. */
function byTheDefinition(model: Gpt, sample: TokenBatch): Numbers {
  const weights = model.parameters.tensors()
  const sequences = sequencesOf(sample)
  const terms = sequences.flatMap(({ ids, targets }) => {
    const logs = logSoftmax(model.forward(ids))
    return targets.flatMap((_, t) =>
      Array.from({ length: model.config.vocabulary }, (__, label) => {
        const logOf = (w: TensorsByPath): Tensor =>
          sum(slice(logSoftmax(model.forward(ids, w)), [t, label], [t + 1, label + 1]))
        const p = Math.exp(slice(logs, [t, label], [t + 1, label + 1]).item())
        return [p / targets.length / sequences.length, grad(logOf)(weights)] as const
      }),
    )
  })
  return sumOfSquares(weights, terms)
}

function ofTheLabels(model: Gpt, sample: TokenBatch): Numbers {
  const weights = model.parameters.tensors()
  const sequences = sequencesOf(sample)
  const terms = sequences.map(({ ids, targets }) => {
    const labels = device.tensor(Int32Array.from(targets), { shape: [targets.length], dtype: 'i32' })
    const loss = (w: TensorsByPath): Tensor => sum(crossEntropy(model.forward(ids, w), labels))
    return [1 / targets.length / sequences.length, grad(loss)(weights)] as const
  })
  return sumOfSquares(weights, terms)
}

const largest = (numbers: Numbers): number => Math.max(...Object.values(numbers).flat())

describe('the Fisher information', () => {
  const model = tinyModel(device)
  const sample = sampleOf()
  const exact = scope(() => numbersOf(exactFisherInformation(model, sample)))
  test('that is exact has every label at every place, weighted by the probability of the label', () => {
    const expected = scope(() => byTheDefinition(model, sample))
    expect(farthest(exact, expected)).toBeLessThan(1e-12 * largest(expected))
    expect(largest(expected)).toBeGreaterThan(1e-3)
  })
  test('that is empirical has the labels of the data, per row', () => {
    const expected = scope(() => ofTheLabels(model, sample))
    const found = scope(() => numbersOf(empiricalFisherInformation(model, sample)))
    expect(farthest(found, expected)).toBeLessThan(1e-12 * largest(expected))
    expect(farthest(found, exact)).toBeGreaterThan(0.1 * largest(exact))
  })
  test('is no square of the gradient of a batch mean, whatever kind it is', () => {
    const weights = model.parameters.tensors()
    const ofMean = scope(() => {
      const all = sequencesOf(sample)
      const count = all.reduce((total, { targets }) => total + targets.length, 0)
      const loss = (w: TensorsByPath): Tensor =>
        all
          .map(({ ids, targets }) => {
            const labels = device.tensor(Int32Array.from(targets), { shape: [targets.length], dtype: 'i32' })
            return multiply(sum(crossEntropy(model.forward(ids, w), labels)), 1 / count)
          })
          .reduce((a, b) => add(a, b))
      return sumOfSquares(weights, [[1, grad(loss)(weights)]])
    })
    const empirical = scope(() => numbersOf(empiricalFisherInformation(model, sample)))
    expect(largest(ofMean)).toBeLessThan(0.5 * largest(empirical))
    expect(farthest(ofMean, empirical)).toBeGreaterThan(0.3 * largest(empirical))
  })
  test('with drawn labels comes to the exact one as draws are added up', () => {
    const rows = sampleOf()
    const times = 500
    const many = {
      ...rows,
      rows: 3 * times,
      tokens: Int32Array.from(Array.from({ length: times }, () => [...rows.tokens]).flat()),
      domains: Array.from({ length: times }, () => rows.domains).flat(),
    }
    let drawn = 0
    const found = scope(() => numbersOf(fisherInformation(model, many, () => [11, drawn++])))
    expect(drawn).toBe(3 * times)
    const [sumFound, sumExact] = [found, exact].map((numbers) =>
      Object.values(numbers)
        .flat()
        .reduce((a, b) => a + b, 0),
    )
    expect(sumFound / sumExact).toBeCloseTo(1, 1)
    expect(farthest(found, exact)).toBeLessThan(0.15 * largest(exact))
  })
  test.each([
    ['exactFisherInformation', exactFisherInformation],
    ['empiricalFisherInformation', empiricalFisherInformation],
  ])('%s wants a model and a batch', (name, of) => {
    expect(() => of({} as never, sample)).toThrow(OptionError)
    expect(() => of({} as never, sample)).toThrow(`${name}: got model`)
    expect(() => of(model, {} as never)).toThrow(`${name}: got sample`)
  })
})
