import { grad, sumOfSquaredGradients } from '@burgeon/autograd'
import {
  attention,
  type AttentionOptions,
  type Device,
  keyFromSeed,
  multiply,
  RandomStream,
  scope,
  type Shape,
  sizeOf,
  sum,
  square,
  type Tensor,
  matmul,
  reshape,
  slice,
} from '@burgeon/tensor'
import fc from 'fast-check'
import { expect, test } from 'vitest'

/** A call of attention with a mask, as plain numbers. */
interface MaskedCall {
  readonly b: number
  readonly t: number
  readonly s: number
  readonly h: number
  readonly g: number
  readonly d: number
  readonly keys: number
  readonly causal: boolean
  readonly isAdded: boolean
  readonly mask: Shape
  readonly seed: number
}

const small = fc.integer({ min: 1, max: 4 })
const aCall: fc.Arbitrary<MaskedCall> = fc
  .record({
    ...{ b: fc.constantFrom(1, 2), t: small, more: fc.nat(2), room: fc.nat(2), g: fc.constantFrom(1, 2) },
    ...{
      perGroup: fc.constantFrom(1, 2),
      d: small,
      causal: fc.boolean(),
      isAdded: fc.boolean(),
      seed: fc.nat(),
    },
    ...{ stretched: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), missing: fc.nat(4) },
  })
  .map(({ more, room, perGroup, stretched, missing, ...call }) => {
    const { b, t, g } = call
    const keys = t + more
    const [s, h] = [keys + room, g * perGroup]
    const mask = [b, h, t, s].map((n, i) => (stretched[i] ? 1 : n)).slice(missing)
    return { ...call, keys, s, h, mask }
  })

interface Numbers {
  readonly q: Float64Array
  readonly k: Float64Array
  readonly v: Float64Array
  readonly mask: Float64Array
}

/** Exact in single precision. */
const coarse = (x: number): number => Math.round(x * 256) / 256

function numbersOf({ b, t, s, h, g, d, isAdded, mask, seed }: MaskedCall): Numbers {
  const random = new RandomStream(keyFromSeed(seed))
  const some = (...shape: number[]): Float64Array =>
    Float64Array.from({ length: sizeOf(shape) }, () => coarse(random.normal()))
  const hides = (): boolean => random.uniform() < 0.4
  return {
    q: some(b, t, h, d),
    k: some(b, s, g, d),
    v: some(b, s, g, d),
    mask: Float64Array.from({ length: sizeOf(mask) }, () =>
      isAdded ? (hides() ? -Infinity : coarse(random.normal())) : Number(!hides()) * (1 + random.below(3)),
    ),
  }
}

/** The formula, number by number. */
function expected(call: MaskedCall, { q, k, v, mask }: Numbers): Float64Array {
  const { b, t, s, h, g, d, keys, causal, isAdded } = call
  const full = [1, 1, 1, 1, ...call.mask].slice(-4)
  const out = new Float64Array(b * t * h * d)
  for (let i = 0; i < b * h * t; i++) {
    const [batch, head, query] = [Math.floor(i / (h * t)), Math.floor(i / t) % h, i % t]
    const group = Math.floor((head * g) / h)
    const at = [batch, head, query]
    const maskAt = (key: number): number =>
      mask[
        [...at, key].reduce((place, index, axis) => place * full[axis] + (full[axis] === 1 ? 0 : index), 0)
      ]
    const scores = Array.from({ length: keys }, (_, key) => {
      let score = 0
      for (let c = 0; c < d; c++)
        score += q[((batch * t + query) * h + head) * d + c] * k[((batch * s + key) * g + group) * d + c]
      const masked = isAdded ? score * 0.5 + maskAt(key) : maskAt(key) === 0 ? -Infinity : score * 0.5
      return causal && key > query + keys - t ? -Infinity : masked
    })
    const top = Math.max(...scores)
    const weights = scores.map((score) => (top === -Infinity ? 0 : Math.exp(score - top)))
    const total = weights.reduce((sum_, weight) => sum_ + weight, 0) || 1
    for (let c = 0; c < d; c++) {
      const value = (weight: number, key: number): number =>
        weight * v[((batch * s + key) * g + group) * d + c]
      out[((batch * t + query) * h + head) * d + c] =
        weights.map(value).reduce((sum_, x) => sum_ + x, 0) / total
    }
  }
  return out
}

function placed(device: Device, call: MaskedCall, numbers: Numbers): Readonly<Record<keyof Numbers, Tensor>> {
  const { b, t, s, h, g, d, isAdded, mask } = call
  const on = (data: Float64Array, shape: Shape, dtype: 'f32' | 'i32' = 'f32'): Tensor =>
    device.tensor(data, { shape, dtype })
  return {
    q: on(numbers.q, [b, t, h, d]),
    k: on(numbers.k, [b, s, g, d]),
    v: on(numbers.v, [b, s, g, d]),
    mask: on(numbers.mask, mask, isAdded ? 'f32' : 'i32'),
  }
}

const optionsOf = ({ keys, causal }: MaskedCall, mask: Tensor): AttentionOptions => ({
  scale: 0.5,
  keys,
  causal,
  mask,
})

/** Tests that attention with a mask is its formula on a device, with gradients that are finite. */
export function testMaskedAttention(
  device: Device,
  { runs, tolerance }: { runs: number; tolerance: number },
): void {
  test('a mask hides keys or is added to scores, however it stretches, beside the causal one', async () => {
    await fc.assert(
      fc.asyncProperty(aCall, async (call) => {
        const numbers = numbersOf(call)
        const out = scope(() => {
          const { q, k, v, mask } = placed(device, call, numbers)
          return attention(q, k, v, optionsOf(call, mask))
        })
        const got = await out.read()
        out.dispose()
        expected(call, numbers).forEach((x, i) => expect(Math.abs(got[i] - x)).toBeLessThan(tolerance))
      }),
      { numRuns: runs },
    )
  })

  test('a row that sees no key is 0, and so are its gradients; those of other rows are finite', async () => {
    for (const isAdded of [false, true]) {
      const results = scope(() => {
        const call: MaskedCall = {
          ...{ b: 1, t: 3, s: 3, h: 1, g: 1, d: 2, keys: 3, causal: false, isAdded, mask: [3, 3], seed: 1 },
        }
        const numbers = numbersOf(call)
        const hidden = isAdded ? -Infinity : 0
        const mask = Float64Array.from([hidden, hidden, hidden, 1, hidden, 1, 1, 1, 1])
        const x = placed(device, call, { ...numbers, mask })
        const inputs = isAdded ? x : { q: x.q, k: x.k, v: x.v }
        const f = (y: Readonly<Record<string, Tensor>>): Tensor =>
          sum(square(attention(y.q, y.k, y.v, optionsOf(call, y.mask ?? x.mask))))
        const second = grad((y: Readonly<Record<string, Tensor>>) => sum(square(grad(f)(y).q)))(inputs)
        return [
          attention(x.q, x.k, x.v, optionsOf(call, x.mask)),
          ...Object.values(grad(f)(inputs)),
          ...Object.values(second),
        ]
      })
      const numbers = await Promise.all(results.map((tensor) => tensor.read()))
      for (const tensor of results) tensor.dispose()
      expect([...numbers[0].slice(0, 2)]).toEqual([0, 0])
      expect([...numbers[1].slice(0, 2)].map(Math.abs)).toEqual([0, 0])
      expect(numbers.flatMap((list) => [...list]).every(Number.isFinite)).toBe(true)
    }
  })
}

/** Gradients of sequences that a mask keeps apart, one example at a time and together. */
export function testMaskedExamples(device: Device): void {
  test('gradients of examples are kept apart under a shared mask', () => {
    scope(() => {
      const random = new RandomStream(keyFromSeed(3))
      const some = (...shape: number[]): Tensor =>
        device.tensor(
          Float64Array.from({ length: sizeOf(shape) }, () => random.normal()),
          { shape, dtype: 'f32' },
        )
      const [x, w] = [some(3, 4, 2), some(2, 2)]
      const mask = device.tensor([1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 0, 1, 1, 1], {
        shape: [4, 4],
        dtype: 'i32',
      })
      const loss = (v: Tensor, rows: Tensor): Tensor => {
        const y = reshape(matmul(reshape(rows, [-1, 2]), v), [rows.shape[0], 4, 1, 2])
        return sum(square(attention(y, y, y, { mask })))
      }
      const { squares } = sumOfSquaredGradients((v: Tensor) => loss(v, x), { examples: 3 })(w)
      const apart = [0, 1, 2].map((n) => square(grad((v: Tensor) => loss(v, slice(x, [n], [n + 1])))(w)))
      const total = apart
        .map((one) => [...one.readSync()])
        .reduce((a, c) => a.map((value, i) => value + c[i]))
      squares.readSync().forEach((value, i) => expect(value).toBeCloseTo(total[i], 3))
      expect(multiply(squares, 0).size).toBe(4)
    })
  })
}
