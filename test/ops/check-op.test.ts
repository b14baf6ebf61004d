// Reaches inside: what is tested here is a part of its package, not an entry point.
import { Device, expression as e, type OpName } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { checkOp, OpMismatchError, type PlainInput, RoundingBounds } from '@burgeon/tensor/testing'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { referenceKernels } from '../../packages/tensor/src/backends/reference/kernels.ts'
import {
  ReferenceBackend,
  type ReferenceOperand,
} from '../../packages/tensor/src/backends/reference/reference-backend.ts'
import { runOp, scope, withEngine } from '../../packages/tensor/src/index.ts'

const reference = openReference()

/** A device that is right but for one op, whose buffers `spoil` may touch after the call. */
function wrongIn(
  op: OpName,
  spoil: (inputs: readonly ReferenceOperand[], outputs: readonly ReferenceOperand[]) => void,
): Device {
  type Any = (
    ...call: [ReferenceBackend, readonly ReferenceOperand[], readonly ReferenceOperand[], never]
  ) => void
  const right = (referenceKernels as unknown as Record<string, Any>)[op]
  const wrong: Any = (backend, inputs, outputs, attrs) => {
    right(backend, inputs, outputs, attrs)
    spoil(inputs, outputs)
  }
  return Device.of(new ReferenceBackend(), { ...referenceKernels, [op]: wrong })
}

const f32 = (shape: readonly number[], data: readonly number[]): PlainInput => ({ shape, dtype: 'f32', data })
const ones = (n: number): number[] => new Array<number>(n).fill(1)
/** The sum in f32, one after another. */
const sumInF32 = (numbers: readonly number[]): number => numbers.reduce((sum, x) => Math.fround(sum + x), 0)

describe('checkOp', () => {
  test('bounds the error of powers, at 0 and where they are too small for single precision', async () => {
    const { constant, input, scalar } = e
    const ofZero = e.sin(e.pow(e.sin(e.equal(input(0), scalar(0))), input(1)))
    const tiny = e.add(e.pow(input(0), e.subtract(constant(-1), input(0))), e.erf(input(1)))
    for (const [expression, a, b] of [
      [ofZero, 2, 0],
      [tiny, 2 ** 100, 0.7],
    ] as const) {
      const attrs = { expression, scalars: [1], dtype: 'f32' } as const
      const inputs = [f32([1], [a]), f32([1], [Math.fround(b)])]
      const { error } = await checkOp(openWasm(), reference, 'elementwise', inputs, attrs, 2)
      expect(error).toBeLessThan(2)
    }
  })
  test('finds no error in a right op', async () => {
    const product = { transposeA: false, transposeB: false }
    const check = checkOp(
      reference,
      reference,
      'matmul',
      [f32([2, 2], ones(4)), f32([2, 2], ones(4))],
      product,
      0,
    )
    expect(await check).toEqual({ error: 0, output: 'output 0' })
  })
  test('says which element of which call is wrong, by how much it may be off, and on which device', async () => {
    const device = wrongIn('matmul', (_, [c]) => {
      c.buffer[3] += 0.5
    })
    const product = { transposeA: false, transposeB: true }
    const check = checkOp(
      device,
      reference,
      'matmul',
      [f32([2, 3], ones(6)), f32([2, 3], ones(6))],
      product,
      1,
    )
    await expect(check).rejects.toThrow(OpMismatchError)
    await expect(check).rejects.toThrow(
      'matmul on reference: element 3 of output 0 f32[2, 2] is 3.5; expected 3, give or take 5.4e-7. ' +
        'Called matmul(f32[2, 3], f32[2, 3]) with {"transposeA":false,"transposeB":true}.',
    )
  })
  test('allows a long sum a larger error than a short one, and never a whole term', async () => {
    const sumOf = (n: number, off: number): Promise<unknown> => {
      const device = wrongIn('reduce', (_, [out]) => {
        out.buffer[0] += off
      })
      const attrs = { kind: 'sum', axes: [0], keepDims: false } as const
      return checkOp(device, reference, 'reduce', [f32([n], ones(n))], attrs, 1)
    }
    await expect(sumOf(2, 1e-5)).rejects.toThrow(OpMismatchError)
    await expect(sumOf(1000, 1e-5)).resolves.toMatchObject({ output: 'output 0' })
    await expect(sumOf(1000, 1)).rejects.toThrow(OpMismatchError)
  })
  test('does not allow a long sum the error of a running sum in single precision', async () => {
    const numbers = new Array<number>(1_000_000).fill(Math.fround(0.1))
    const naive = wrongIn('reduce', ([x], [out]) => {
      out.buffer[0] = sumInF32([...x.buffer])
    })
    const attrs = { kind: 'sum', axes: [0], keepDims: false } as const
    const check = checkOp(naive, reference, 'reduce', [f32([1_000_000], numbers)], attrs, 4)
    await expect(check).rejects.toThrow(/is 10095\d\.\d+; expected 100000\.00/)
    const scatter = wrongIn('scatterAdd', ([, values], [out]) => {
      out.buffer[0] = sumInF32([...values.buffer])
    })
    const hits = { shape: [1_000_000], dtype: 'i32', data: new Int32Array(1_000_000) } as const
    const inputs = [hits, f32([1_000_000], numbers)]
    await expect(checkOp(scatter, reference, 'scatterAdd', inputs, { rows: 1 }, 4)).rejects.toThrow(
      OpMismatchError,
    )
  })
  test('requires moved numbers, NaN and infinities to be exact, whatever the tolerance', async () => {
    const reverse = { order: [1, 0] }
    const moved = wrongIn('permute', (_, [out]) => {
      out.buffer[0] *= 1 + 2 ** -50
    })
    const input = f32([2, 1], [1, 2])
    await expect(checkOp(moved, reference, 'permute', [input], reverse, 1e9)).rejects.toThrow(
      'expected 1 exactly',
    )
    for (const special of [Number.NaN, Infinity]) {
      const lost = wrongIn('permute', (_, [out]) => {
        out.buffer[0] = 3e38
      })
      const check = checkOp(lost, reference, 'permute', [f32([2, 1], [special, 2])], reverse, 1e9)
      await expect(check).rejects.toThrow(`expected ${special} exactly`)
    }
  })
  test('notices an input that was overwritten', async () => {
    const device = wrongIn('permute', ([x]) => {
      x.buffer[1] = 7
    })
    const check = checkOp(device, reference, 'permute', [f32([2], [1, 2])], { order: [0] }, 1)
    await expect(check).rejects.toThrow('element 1 of input 0 f32[2] is 7; expected 2 exactly')
  })
  test('notices that an op did not write in place what it should have written', async () => {
    const device = wrongIn('assign', ([target]) => {
      target.buffer[2] = 1
    })
    const attrs = { start: [1], mode: 'add' } as const
    const check = checkOp(device, reference, 'assign', [f32([3], ones(3)), f32([2], [5, 5])], attrs, 1)
    await expect(check).rejects.toThrow('element 2 of input 0 f32[3] is 1; expected 6, give or take')
  })
  test('notices buffers that stay behind', async () => {
    const device = openReference()
    const leak = { run: device.run.bind(device) }
    device.run = (op, inputs, attrs) => {
      leak.run(op, inputs, attrs)[0].retain()
      return leak.run(op, inputs, attrs)
    }
    const check = checkOp(device, reference, 'permute', [f32([2], [1, 2])], { order: [0] }, 1)
    await expect(check).rejects.toThrow('1 buffers are still alive')
  })
  test('sends creating ops to the device under test', async () => {
    const device = wrongIn('iota', (_, [out]) => {
      out.buffer[1] = 5
    })
    await expect(checkOp(device, reference, 'iota', [], { size: 3, dtype: 'i32' }, 1)).rejects.toThrow('is 5')
  })
})

describe('rounding bounds', () => {
  /** What f32 may make of `op` on these numbers, with the true numbers. */
  function bounded(
    op: OpName,
    inputs: readonly PlainInput[],
    attrs: object,
  ): { value: readonly number[]; bound: readonly number[] } {
    return scope(() =>
      withEngine(
        (below) => new RoundingBounds(below),
        (bounds) => {
          const tensors = inputs.map(({ data, shape, dtype }) => reference.tensor(data, { shape, dtype }))
          const [out] = runOp(op, tensors, attrs as never)
          return { value: [...out.readSync()], bound: [...bounds.of(out).readSync()] }
        },
      ),
    )
  }
  /** The sum in f32 of sums in f32 of blocks of 64, and so on. */
  const blockedSumInF32 = (numbers: readonly number[]): number => {
    if (numbers.length <= 64) return sumInF32(numbers)
    const blocks = Array.from({ length: Math.ceil(numbers.length / 64) }, (_, i) =>
      numbers.slice(64 * i, 64 * i + 64),
    )
    return blockedSumInF32(blocks.map(sumInF32))
  }

  test('hold for sums in f32, long ones in blocks, and are within a factor of n of the real error', () => {
    for (let n = 2; n < 40_000; n = Math.ceil(n * 1.7)) {
      const numbers = Array.from({ length: n }, (_, i) => Math.fround(Math.sin(i * i) + 1.1))
      const { value, bound } = bounded('reduce', [f32([n], numbers)], {
        kind: 'sum',
        axes: [0],
        keepDims: false,
      })
      const error = Math.abs(blockedSumInF32(numbers) - value[0])
      expect(error).toBeLessThanOrEqual(bound[0])
      expect(bound[0]).toBeLessThan(Math.min(n, 216) * n * 2 * 2 ** -24)
    }
  })
  test('grow where a sum cancels, and do not where it does not', () => {
    const sum = (numbers: readonly number[]): number =>
      bounded('reduce', [f32([3], numbers)], { kind: 'sum', axes: [0], keepDims: false }).bound[0]
    expect(sum([1, 1e8, -1e8])).toBeGreaterThan(1)
    expect(sum([1, 1, 1])).toBeLessThan(1e-6)
  })
  test('follow errors through a fused op to its outputs', () => {
    const row = Array.from({ length: 64 }, (_, i) => 1e4 + (i % 2))
    const inputs = [f32([1, 64], row), f32([64], ones(64)), f32([64], ones(64).fill(0))]
    // The mean of numbers near 10⁴ is off by up to 64 · 10⁴ · 2⁻²⁴; their deviation is 1/2.
    const { value, bound } = bounded('layerNorm', inputs, { epsilon: 1e-5 })
    expect(Math.abs(value[0])).toBeCloseTo(1, 3)
    expect(bound[0]).toBeGreaterThan(0.01)
  })
})
