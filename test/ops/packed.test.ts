/** Reaches inside for how rows are refined. Packed weights: what they are read as, what they multiply to, and what is refused. */
import { NotDifferentiableError, grad } from '@burgeon/autograd'
import {
  type Device,
  matmul,
  NonFiniteError,
  packedMatmul,
  type PackedMatmulOptions,
  packedWords,
  type PackedForm,
  type PackWeightsOptions,
  keyFromSeed,
  RandomStream,
  packRows,
  packWeights,
  scope,
  sum,
  type Tensor,
  tensor,
  unpackRows,
  unpackWeights,
} from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { brainBits, brainFloat } from '../../packages/tensor/src/packed/half-floats.ts'
import { refineRow } from '../../packages/tensor/src/packed/refine-row.ts'
import { times } from '../how-long.ts'

const device = openWasm()
/** Of as many numbers as the second has. */
const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let total = 0
  for (let i = 0; i < b.length; i++) total += a[i] * b[i]
  return total
}

const runs = { numRuns: times(40, 300) }

/** Numbers of ordinary sizes, many of them equal, 0 or far from the others. */
const aNumber = fc.oneof(
  fc.double({ min: -2, max: 2, noNaN: true }).map((x) => (Math.abs(x) < 1e-20 ? 0 : x)),
  fc.constantFrom(0, -0, 0.25, -1, 40, 1e-4),
)
const aForm: fc.Arbitrary<PackedForm> = fc.constantFrom(
  { format: 'f16' },
  { format: 'bf16' },
  { format: 'int8' },
  { format: 'int7' },
  { format: 'int4' },
  { format: 'int4', group: 64 },
  { format: 'int4', group: 128 },
)
const aRounding = fc.constantFrom('plain' as const, 'clipped' as const)
const numbersOf = (n: number): fc.Arbitrary<Float32Array> =>
  fc.array(aNumber, { minLength: n, maxLength: n }).map((list) => Float32Array.from(list))

const aMatrix = fc
  .record({ rows: fc.integer({ min: 1, max: 6 }), width: fc.integer({ min: 1, max: 150 }) })
  .chain(({ rows, width }) => numbersOf(rows * width).map((numbers) => ({ rows, width, numbers })))

/** How far plain rounding may be from a number of a row or group. */
function roundingBound(x: number, group: Float32Array, { format }: PackedForm): number {
  const [low, high] = [Math.min(...group), Math.max(...group)]
  const largest = Math.max(-low, high)
  if (format === 'f16') return Math.abs(x) * 2 ** -11 + 2 ** -25
  if (format === 'bf16') return Math.abs(x) * 2 ** -8
  const tiny = 2 ** -22 * largest
  if (format !== 'int4') return largest / (format === 'int8' ? 127 : 63) / 2 + tiny
  // The minimum is up to a unit of a brain float lower, and the scale as much larger.
  const step = ((high - low + Math.abs(low) * 2 ** -7) / 15) * (1 + 2 ** -7)
  return step / 2 + tiny
}

describe('packed weights', () => {
  test('are no further from the numbers than half a step of their format, for any width', () => {
    fc.assert(
      fc.property(aMatrix, aForm, ({ rows, width, numbers }, form) => {
        const packed = packWeights(numbers, { ...form, rows, width })
        expect(packed.length).toBe(rows * packedWords(form, width))
        const again = unpackWeights(packed, { ...form, rows, width })
        const size = form.format === 'int4' ? (form.group ?? 32) : width
        numbers.forEach((x, i) => {
          const row = Math.floor(i / width)
          const first = row * width + size * Math.floor((i % width) / size)
          const group = numbers.subarray(first, Math.min(first + size, (row + 1) * width))
          expect(Math.abs(again[i] - x)).toBeLessThanOrEqual(roundingBound(x, group, form))
        })
      }),
      runs,
    )
  })

  test('clipped have no larger squared error than plain ones', () => {
    fc.assert(
      fc.property(aMatrix, aForm, ({ rows, width, numbers }, form) => {
        const errorOf = (rounding: 'plain' | 'clipped'): number => {
          const size = { ...form, rows, width }
          const again = unpackWeights(packWeights(numbers, { ...size, rounding }), size)
          return again.reduce((total, x, i) => total + (x - numbers[i]) ** 2, 0)
        }
        const plain = errorOf('plain')
        expect(errorOf('clipped')).toBeLessThanOrEqual(plain * (1 + 1e-5) + 1e-12)
      }),
      runs,
    )
  })

  test('of zeros are zeros, and a row of one number keeps it', () => {
    fc.assert(
      fc.property(aForm, aRounding, fc.constantFrom(0, 1, -0.3, 1e-3), (form, rounding, x) => {
        const size = { ...form, rows: 2, width: 70 }
        const numbers = new Float32Array(140).fill(x)
        const again = unpackWeights(packWeights(numbers, { ...size, rounding }), size)
        for (const y of again) expect(Math.abs(y - numbers[0])).toBeLessThanOrEqual(Math.abs(x) * 2 ** -8)
        if (x === 0) expect(again.every((y) => y === 0)).toBe(true)
      }),
    )
  })

  test.each([Number.NaN, Infinity, -Infinity])('with %s are refused by row and column', (bad) => {
    fc.assert(
      fc.property(aForm, (form) => {
        const numbers = new Float32Array(80)
        numbers[43] = bad
        const pack = (): Int32Array => packWeights(numbers, { ...form, rows: 2, width: 40 })
        expect(pack).toThrow(NonFiniteError)
        expect(pack).toThrow(/packWeights: got (NaN|-?Infinity) at row 1, column 3; expected/)
      }),
    )
  })

  test('rounded with error feedback have nearer products with the inputs that they were rounded for', () => {
    const [rows, width, samples] = [8, 64, 200]
    for (const seed of [1, 2, 3, 4, 5]) {
      const random = new RandomStream(keyFromSeed(seed))
      const numbers = Float32Array.from({ length: rows * width }, () => random.normal())
      // Inputs that hang together, as those of a network do.
      const causes = Array.from({ length: width * 8 }, () => random.normal())
      const inputs = new Float64Array(width * width)
      for (let s = 0; s < samples; s++) {
        const cause = Array.from({ length: 8 }, () => random.normal())
        const x = Array.from({ length: width }, (_, i) =>
          cause.reduce((sum, c, k) => sum + c * causes[8 * i + k], 0.3 * random.normal()),
        )
        for (let i = 0; i < width; i++) for (let j = 0; j < width; j++) inputs[i * width + j] += x[i] * x[j]
      }
      const errorOf = (size: PackWeightsOptions): number => {
        const { format } = size
        const again = unpackWeights(packWeights(numbers, size), { format, rows, width })
        let total = 0
        for (let row = 0; row < rows; row++) {
          const difference = again
            .subarray(row * width, (row + 1) * width)
            .map((y, i) => y - numbers[row * width + i])
          for (let i = 0; i < width; i++) {
            for (let j = 0; j < width; j++) total += difference[i] * inputs[i * width + j] * difference[j]
          }
        }
        return total
      }
      for (const format of ['int4', 'int8'] as const) {
        const size = { format, rows, width }
        expect(errorOf({ ...size, inputs })).toBeLessThan(0.6 * errorOf(size))
      }
    }
  })

  test('make up for inputs that are rounded already, if they are told what the products shall be', () => {
    const [rows, width, samples] = [6, 40, 300]
    for (const format of ['int4', 'int8'] as const) {
      for (const seed of [1, 2, 3]) {
        const random = new RandomStream(keyFromSeed(seed))
        const draw = (count: number): Float64Array =>
          Float64Array.from({ length: count }, () => random.normal())
        const numbers = draw(rows * width)
        const [inputs, products] = [new Float64Array(width * width), new Float64Array(rows * width)]
        const seen = Array.from({ length: samples }, () => {
          const x = draw(width)
          const wanted = Array.from({ length: rows }, (_, row) => dot(numbers.subarray(row * width), x))
          // Every input is too large, and the first two are mixed.
          const found = x.map((value, i) => 1.2 * value + (i < 2 ? 0.4 * x[1 - i] : 0))
          for (let i = 0; i < width; i++) {
            for (let j = 0; j < width; j++) inputs[i * width + j] += found[i] * found[j]
            for (let row = 0; row < rows; row++) products[row * width + i] += wanted[row] * found[i]
          }
          return { wanted, found }
        })
        const errorOf = (more: Pick<PackWeightsOptions, 'products'>): number => {
          const size = { format, rows, width }
          const again = unpackWeights(packWeights(numbers, { ...size, inputs, ...more }), size)
          return seen.reduce(
            (sum, { wanted, found }) =>
              sum +
              wanted.reduce((own, y, row) => own + (dot(again.subarray(row * width), found) - y) ** 2, 0),
            0,
          )
        }
        expect(errorOf({ products })).toBeLessThan(0.3 * errorOf({}))
      }
    }
  })

  test('of int4 are no worse for having been refined, and only what is better changes', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const random = new RandomStream(keyFromSeed(seed))
      const [width, size] = [45, 32]
      const target = Float64Array.from({ length: width }, () => random.normal())
      const H = new Float64Array(width * width)
      for (let s = 0; s < 60; s++) {
        const x = Array.from({ length: width }, () => random.normal() + 1)
        for (let i = 0; i < width; i++) for (let j = 0; j < width; j++) H[i * width + j] += x[i] * x[j]
      }
      const row = {
        target,
        codes: Int8Array.from({ length: width }, () => random.below(16)),
        scales: Float32Array.of(0.25, 0.25),
        minima: Float32Array.of(-2, -2),
      }
      const error = (): number => {
        const d = target.map(
          (x, i) => row.minima[i < size ? 0 : 1] + row.scales[i < size ? 0 : 1] * row.codes[i] - x,
        )
        return d.reduce((sum, a, i) => sum + a * dot(H.subarray(i * width), d), 0)
      }
      const before = error()
      refineRow(row, size, H)
      const after = error()
      expect(after).toBeLessThan(0.1 * before)
      expect(row.codes.every((code) => code >= 0 && code <= 15)).toBe(true)
      expect([...row.scales, ...row.minima].every((x) => brainFloat(brainBits(x)) === x)).toBe(true)
      for (let again = 0; again < 20; again++) refineRow(row, size, H)
      const settled = error()
      expect(settled).toBeLessThanOrEqual(after)
      // At rest no code is better for being one higher or lower.
      for (let i = 0; i < width; i++) {
        for (const step of [-1, 1]) {
          if (row.codes[i] + step < 0 || row.codes[i] + step > 15) continue
          row.codes[i] += step
          expect(error()).toBeGreaterThanOrEqual(settled * (1 - 1e-9))
          row.codes[i] -= step
        }
      }
    }
  })

  test('are refused with inputs that say nothing about them', () => {
    const size = { rows: 1, width: 2 }
    const pack = (options: Omit<PackWeightsOptions, 'rows' | 'width'>) => (): Int32Array =>
      packWeights([1, 2], { ...size, ...options })
    expect(pack({ format: 'bf16', inputs: [1, 0, 0, 1] })).toThrow(/got inputs for bf16; expected none/)
    expect(pack({ format: 'int8', inputs: [1, 0] })).toThrow(/got 2 numbers as inputs; expected 4/)
    expect(pack({ format: 'int8', inputs: [1, 0, 0, Number.NaN] })).toThrow(
      /got NaN in inputs; expected finite/,
    )
    const inputs = [1, 0, 0, 1]
    expect(pack({ format: 'int8', products: [1, 2] })).toThrow(/got products without inputs; expected both/)
    expect(pack({ format: 'int8', inputs, products: [1] })).toThrow(/got 1 numbers as products; expected 2/)
    expect(pack({ format: 'int8', inputs, products: [1, Infinity] })).toThrow(
      /got Infinity in products; expected finite/,
    )
    expect(
      unpackWeights(pack({ format: 'int8', inputs: [0, 0, 0, 0] })(), { ...size, format: 'int8' })[1],
    ).toBe(2)
  })

  test('beyond the range of half floats are refused with the format that has room', () => {
    const pack = (): Int32Array => packWeights([1, 70000], { format: 'f16', rows: 1, width: 2 })
    expect(pack).toThrow(/got 70000 at row 0, column 1; expected numbers that f16 can hold. Use bf16./)
  })
})

const aProduct = fc
  .record({
    M: fc.integer({ min: 1, max: 20 }),
    N: fc.integer({ min: 1, max: 9 }),
    K: fc.integer({ min: 1, max: 150 }),
    form: aForm,
  })
  .chain(({ M, N, K, form }) =>
    fc.record({
      M: fc.constant(M),
      N: fc.constant(N),
      K: fc.constant(K),
      form: fc.constant(form),
      x: numbersOf(M * K),
      weights: numbersOf(N * K),
      rounding: aRounding,
    }),
  )

const activationsOf = ({ format }: PackedForm): readonly NonNullable<PackedMatmulOptions['activations']>[] =>
  format === 'f16' || format === 'bf16' ? ['f32'] : ['f32', 'int8', 'int7']

/** The product on a device, and the weights that it multiplied by. */
function product(
  on: Device,
  {
    M,
    N,
    K,
    form,
    x,
    weights,
    rounding,
  }: {
    M: number
    N: number
    K: number
    form: PackedForm
    x: Float32Array
    weights: Float32Array
    rounding: 'plain' | 'clipped'
  },
  activations: NonNullable<PackedMatmulOptions['activations']>,
): Float32Array {
  const words = packWeights(weights, { ...form, rows: N, width: K, rounding })
  return scope(() => {
    const packed = on.tensor(words, { shape: [N, packedWords(form, K)], dtype: 'i32' })
    const rows = on.tensor(x, { shape: [M, K], dtype: 'f32' })
    return packedMatmul(rows, packed, { ...form, activations }).readSync() as Float32Array
  })
}

describe('products with packed weights', () => {
  test('are those of the unpacked weights, up to the roundings of a sum', () => {
    fc.assert(
      fc.property(aProduct, (given) => {
        const { M, N, K, form, x, weights, rounding } = given
        const size = { ...form, rows: N, width: K }
        const unpacked = unpackWeights(packWeights(weights, { ...size, rounding }), size)
        const found = product(device, given, 'f32')
        for (let i = 0; i < M * N; i++) {
          const [row, column] = [Math.floor(i / N), i % N]
          let [exact, magnitude] = [0, 0]
          for (let k = 0; k < K; k++) {
            const term = x[row * K + k] * unpacked[column * K + k]
            exact += term
            magnitude += Math.abs(term)
          }
          expect(Math.abs(found[i] - exact)).toBeLessThanOrEqual((K + 2) * 2 ** -24 * magnitude)
        }
      }),
      runs,
    )
  })

  test('of rounded activations are off by no more than half a step of each block of 32', () => {
    fc.assert(
      fc.property(aProduct, (given) => {
        const { M, N, K, form, x, weights, rounding } = given
        const size = { ...form, rows: N, width: K }
        const unpacked = unpackWeights(packWeights(weights, { ...size, rounding }), size)
        for (const activations of activationsOf(form).slice(1)) {
          const found = product(device, given, activations)
          for (let i = 0; i < M * N; i++) {
            const [row, column] = [Math.floor(i / N), i % N]
            let [exact, bound] = [0, 0]
            for (let k = 0; k < K; k++) {
              const first = row * K + 32 * Math.floor(k / 32)
              const block = x.subarray(first, Math.min(first + 32, (row + 1) * K))
              const largest = block.reduce((most, y) => Math.max(most, Math.abs(y)), 0)
              const step = (largest / (activations === 'int8' ? 127 : 63)) * (1 + 2 ** -13)
              const w = unpacked[column * K + k]
              exact += x[row * K + k] * w
              const rounding32 = (K + 8) * 2 ** -24 * (Math.abs(w) + 120) * largest
              bound += (step / 2) * Math.abs(w) + rounding32
            }
            expect(Math.abs(found[i] - exact)).toBeLessThanOrEqual(bound)
          }
        }
      }),
      runs,
    )
  })

  test('of integers have the same bits with the relaxed dot product and without', () => {
    // Without relaxed instructions, as on Node 20 and in older browsers.
    const exact = openWasm({ strictMath: true })
    fc.assert(
      fc.property(aProduct, (given) => {
        for (const activations of activationsOf(given.form).slice(1)) {
          expect(product(device, given, activations)).toEqual(product(exact, given, activations))
        }
      }),
      runs,
    )
  })

  test('have the same bits on any number of threads, and row by row', () => {
    const threads = [1, 3].map((count) => openWasm({ threads: count }))
    const [M, N, K] = [6, 3001, 130]
    const x = Float32Array.from({ length: M * K }, (_, i) => Math.sin(i))
    const weights = Float32Array.from({ length: N * K }, (_, i) => Math.cos(i * i))
    const forms: PackedForm[] = ['f16', 'bf16', 'int8', 'int4'].map((format) => ({
      format: format as PackedForm['format'],
    }))
    for (const form of forms) {
      for (const activations of activationsOf(form)) {
        const given = { M, N, K, form, x, weights, rounding: 'plain' as const }
        const [one, three] = threads.map((each) => product(each, given, activations))
        expect(three).toEqual(one)
        const alone = product(threads[0], { ...given, M: 1, x: x.subarray(4 * K, 5 * K) }, activations)
        expect(alone).toEqual(one.subarray(4 * N, 5 * N))
      }
    }
  })

  test('are refused to a tape, with what to do', () => {
    const packed = tensor(packWeights([1, 2, 3, 4], { format: 'int8', rows: 2, width: 2 }), {
      shape: [2, packedWords({ format: 'int8' }, 2)],
      dtype: 'i32',
    })
    const loss = (x: Tensor): Tensor => sum(packedMatmul(x, packed, { format: 'int8' }))
    const gradient = (): Tensor => grad(loss)(tensor([1, 2], { shape: [1, 2] }))
    expect(gradient).toThrow(NotDifferentiableError)
    expect(gradient).toThrow(/packedMatmul: has no gradient. .*Train the model/)
  })
})

test('packed rows can be gathered, sliced and read back, and are the product of a unit matrix', () => {
  scope(() => {
    const x = device.tensor(
      Float32Array.from({ length: 5 * 40 }, (_, i) => Math.sin(i)),
      { shape: [5, 40], dtype: 'f32' },
    )
    for (const format of ['f16', 'bf16', 'int8', 'int7'] as const) {
      const packed = packRows(x, format)
      const numbers = unpackRows(packed, { format, width: 40 })
      const unit = Float32Array.from({ length: 1600 }, (_, i) => (i % 41 === 0 ? 1 : 0))
      const columns = device.tensor(unit, { shape: [40, 40], dtype: 'f32' })
      const product = packedMatmul(columns, packed, { format })
      expect(product.readSync()).toEqual(matmul(columns, numbers, { transposeB: true }).readSync())
    }
  })
})
