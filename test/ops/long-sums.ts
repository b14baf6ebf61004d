import {
  broadcastTo,
  crossEntropy,
  cumsum,
  type Device,
  fill,
  globalNorm,
  iota,
  layerNorm,
  linearCrossEntropy,
  matmul,
  maximum,
  mean,
  multiply,
  reshape,
  rmsNorm,
  runOp,
  scatterAdd,
  scope,
  slice,
  sum,
  sumTo,
  type Tensor,
} from '@burgeon/tensor'
import { valueAndGrad } from '@burgeon/autograd'
import { describe, expect, test } from 'vitest'

/** What a long sum may be off, relative to the sum of magnitudes: 72 roundings for each factor of 64 in its length. */
const bound = (terms: number): number => 72 * Math.ceil(Math.log2(terms) / 6) * 2 ** -24

/** 0.1 in single precision: a million of them added one after another give 100,958. */
const tenth = Math.fround(0.1)

/** The largest relative error of what `body` returns on `device`. */
async function errorOf(expected: number, body: () => Tensor): Promise<number> {
  const result = scope(body)
  const numbers = await result.read()
  result.dispose()
  return Array.from(numbers).reduce(
    (worst, x) => Math.max(worst, Math.abs(x - expected) / Math.abs(expected)),
    0,
  )
}

/**
 * Sums of `n` and more terms along every axis, in every op that adds up numbers.
 *
 * @param roundingsOfProduct How many a matrix product of `n` terms may be off.
 */
export function testLongSums(device: Device, n: number, roundingsOfProduct: number): void {
  const tenths = (...shape: number[]): Tensor => fill(device, shape, tenth)

  describe.each<[string, number[], number[]]>([
    ['all of a vector', [n], [0]],
    ['the last axis', [3, n], [1]],
    ['the first axis', [n, 3], [0]],
    ['the first axis of many columns', [n / 8, 70], [0]],
    ['a middle axis', [2, n, 5], [1]],
    ['both outer axes', [n / 1000, 3, 1000], [0, 2]],
    ['all axes', [n / 100, 10, 10], [0, 1, 2]],
  ])('over %s', (_, shape, axes) => {
    const terms = axes.reduce((product, axis) => product * shape[axis], 1)
    test(`a sum of ${terms} equal numbers is right to ${bound(terms).toExponential(0)}`, async () => {
      expect(await errorOf(terms * tenth, () => sum(tenths(...shape), { axes }))).toBeLessThan(bound(terms))
    })
    test(`a mean of ${terms} equal numbers is right to ${bound(terms).toExponential(0)}`, async () => {
      expect(await errorOf(tenth, () => mean(tenths(...shape), { axes }))).toBeLessThan(bound(terms))
    })
  })

  test.each([
    ['the last axis', [2, n], 1],
    ['the first axis of several columns', [n, 3], 0],
  ] as const)('a running sum along %s is as good at its end as a sum', async (_, shape, axis) => {
    const ends = (reverse: boolean): Tensor => {
      const sums = cumsum(tenths(...shape), axis, { reverse })
      const from = shape.map((_n, i) => (i === axis && !reverse ? n - 1 : 0))
      return slice(
        sums,
        from,
        shape.map((size, i) => (i === axis ? from[i] + 1 : size)),
      )
    }
    for (const reverse of [false, true]) {
      expect(await errorOf(n * tenth, () => ends(reverse))).toBeLessThan(bound(n))
    }
  })
  test('ones are counted without rounding', async () => {
    expect(await errorOf(n, () => sum(fill(device, [n], 1)))).toBe(0)
  })
  test('sumTo sums over a broadcast of any length', async () => {
    expect(await errorOf(n * tenth, () => sumTo(tenths(n, 3), [3]))).toBeLessThan(bound(n))
  })
  test('the gradient of a broadcast input is a good sum, too', async () => {
    const gradient = (): Tensor =>
      valueAndGrad((bias: Tensor) => sum(broadcastTo(bias, [n, 3])))(tenths(3)).gradient
    expect(await errorOf(n, gradient)).toBeLessThan(bound(n))
  })
  test('a row that scatter-add hits again and again does not drift', async () => {
    const ids = fill(device, [n], 0, 'i32')
    expect(await errorOf(n * tenth, () => scatterAdd(ids, tenths(n, 3), 1))).toBeLessThan(bound(n))
    ids.dispose()
  })
  test('the global norm of many numbers is right', async () => {
    const norm = (): Tensor => globalNorm([tenths(n), tenths(3), tenths(n / 2)])
    expect(await errorOf(tenth * Math.sqrt(1.5 * n + 3), norm)).toBeLessThan(bound(n))
  })
  test('the softmax of a long row has the right denominator', async () => {
    const loss = (): Tensor => crossEntropy(fill(device, [2, n], 0), fill(device, [2], 1, 'i32'))
    expect(await errorOf(Math.log(n), loss)).toBeLessThan(bound(n))
  })
  test('attention to many keys has the right denominator', async () => {
    const keys = n / 10
    const logSumExp = (): Tensor => {
      // One key scores 0, all others −ln 10.
      const scores = multiply(reshape(iota(device, keys, 'f32'), [1, keys, 1, 1]), -1)
      const [q, v] = [fill(device, [1, 1, 1, 1], 1), tenths(1, keys, 1, 1)]
      return runOp('attention', [q, maximum(scores, -Math.LN10), v], { scale: 1, causal: false, keys })[1]
    }
    let total = 1
    for (let i = 1; i < keys; i++) total += Math.exp(-Math.min(i, Math.LN10))
    // Of the sum, not of its logarithm.
    expect(Math.log(total) * (await errorOf(Math.log(total), logSumExp))).toBeLessThan(2 * bound(keys) + 1e-6)
  })
  test('norms of a long row have the right statistics', async () => {
    const ones = (): Tensor => fill(device, [n], 1)
    expect(await errorOf(1, () => rmsNorm(tenths(2, n), ones(), 1e-12))).toBeLessThan(2 * bound(n))
    const statistics = (): Tensor => runOp('layerNorm', [tenths(2, n), ones(), ones()], { epsilon: 1e-5 })[1]
    expect(await errorOf(tenth, statistics)).toBeLessThan(bound(n))
  })
  test('gradients of gain and bias are good sums over rows', async () => {
    const count = n / 10
    const ones = fill(device, [2], 1)
    const ofBias = (): Tensor =>
      valueAndGrad((bias: Tensor) => sum(multiply(layerNorm(rows(device, count), ones, bias), tenth)))(
        tenths(2),
      ).gradient
    expect(await errorOf(count * tenth, ofBias)).toBeLessThan(2 * bound(count))
    const ofGain = (): Tensor =>
      valueAndGrad((gain: Tensor) => sum(rmsNorm(tenths(count, 2), gain, 1e-12)))(ones).gradient
    expect(await errorOf(count, ofGain)).toBeLessThan(2 * bound(count))
    ones.dispose()
  })
  test('a matrix product with many terms does not drift, whichever operand is transposed', async () => {
    for (const [m, width] of [
      [1, 1],
      [1, 9],
      [9, 1],
      [7, 9],
    ]) {
      for (const transposeA of [false, true]) {
        for (const transposeB of [false, true]) {
          const product = (): Tensor => {
            const a = tenths(...(transposeA ? [n, m] : [m, n]))
            return matmul(a, fill(device, transposeB ? [width, n] : [n, width], 1), {
              transposeA,
              transposeB,
            })
          }
          expect(await errorOf(n * tenth, product)).toBeLessThan(roundingsOfProduct * 2 ** -24)
        }
      }
    }
  })
  test('the weight gradient of a linear loss is a good sum over rows', async () => {
    const count = Math.min(n, 200_000)
    const gradient = (): Tensor => {
      const x = fill(device, [count, 1], 1)
      const targets = fill(device, [count], 0, 'i32')
      const ofWeights = valueAndGrad((w: Tensor) => sum(linearCrossEntropy(x, w, targets)))(
        fill(device, [5, 1], 0),
      )
      return reshape(runOp('slice', [ofWeights.gradient], { start: [1, 0], stop: [5, 1] })[0], [4])
    }
    expect(await errorOf(count / 5, gradient)).toBeLessThan((1024 + count / 256) * 2 ** -24)
  })
}

/** Rows whose normalized form is not constant. */
const rows = (device: Device, n: number): Tensor =>
  broadcastTo(device.tensor([1, 2], { shape: [2], dtype: 'f32' }), [n, 2])
