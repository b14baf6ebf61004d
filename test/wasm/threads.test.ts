// Threads of the WASM backend. This test reaches inside: which thread ran a task shows only in the pool itself.
import { valueAndGrad } from '@burgeon/autograd'
import { adamw, applyUpdates, chain, clipByGlobalNorm } from '@burgeon/autograd/optim'
import { Gpt } from '@burgeon/gpt'
import {
  add,
  concatenate,
  crossEntropy,
  cumsum,
  type Device,
  exp,
  gather,
  matmul,
  max,
  mean,
  multiply,
  openScope,
  permute,
  randomUniform,
  reorder,
  reshape,
  scatterAdd,
  slice,
  sort,
  sum,
  type TensorsByPath,
  tensorFrom,
} from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, it } from 'vitest'
import { i32, ModuleBuilder } from '../../packages/tensor/src/backends/wasm/assembler/index.ts'
import { requireFeatures } from '../../packages/tensor/src/backends/wasm/features.ts'
import { selfTest } from '../../packages/tensor/src/testing/self-test.ts'
import { poolBytes, ThreadPool } from '../../packages/tensor/src/backends/wasm/threads/thread-pool.ts'

describe('a WASM device with several threads', () => {
  it.each([2, 3, 4, 8])('gives the same bits with %i threads as with one', (threads) => {
    expect(selfTest(openWasm({ threads }))).toEqual(selfTest(openWasm({ threads: 1 })))
  })

  it.each([2, 3])(
    'moves, sums and maps large tensors to the same bits with %i threads as with one',
    (threads) => {
      expect(largeResults(openWasm({ threads }))).toEqual(largeResults(openWasm({ threads: 1 })))
    },
  )

  it.each([2, 4])('trains to the same losses, bit for bit, with %i threads as with one', (threads) => {
    expect(lossesOf(threads)).toEqual(lossesOf(1))
  })

  it('goes on when the memory grows under the threads', () => {
    const device = openWasm({ threads: 2 })
    const product = (): number => {
      using _ = openScope()
      const x = tensorFrom([256, 256], (i) => (i % 7) - 3, device)
      return Float64Array.from(matmul(x, x).readSync()).reduce((total, value) => total + value, 0)
    }
    const before = product()
    using _ = openScope()
    // More than the 16 MiB that the memory starts with, and kept, so that the next products lie beyond.
    const kept = tensorFrom([6_000_000], () => 1, device)
    expect(product()).toBe(before)
    expect(kept.readSync().at(-1)).toBe(1)
  })

  it('is refused for a number of threads outside its range', () => {
    for (const threads of [0, -1, 1.5, Number.NaN, 65]) {
      expect(() => openWasm({ threads })).toThrow(`openWasm: got ${threads} threads`)
    }
  })
})

describe('the thread pool', () => {
  it('has tasks done by another thread while the caller is busy', () => {
    const { pool, memory, shared } = poolOfTwo()
    const calls = Array.from({ length: 40 }, (_, i) => [markAt + 4 * i])
    const marks = new Int32Array(memory.buffer, markAt, calls.length)
    let own = 0
    const slow = (): undefined => {
      own++
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
      return undefined
    }
    pool.runAll(slow, shared, calls)
    const others = marks.reduce((sum, mark) => sum + mark, 0)
    expect(others).toBeGreaterThan(0)
    expect(own + others).toBe(calls.length)
  })

  it('does every task once, however many there are', () => {
    const { pool, memory, shared, own } = poolOfTwo()
    const calls = Array.from({ length: 1000 }, (_, i) => [markAt + 4 * i])
    for (let round = 1; round <= 20; round++) {
      pool.runAll(own, shared, calls)
      expect(new Set(new Int32Array(memory.buffer, markAt, calls.length))).toEqual(new Set([round]))
    }
  })

  it('waits for the others before it passes on an error of the caller, and works on after it', () => {
    const { pool, memory, shared, own } = poolOfTwo()
    const calls = Array.from({ length: 8 }, (_, i) => [markAt + 4 * i])
    const broken = (): undefined => {
      throw new RangeError('no')
    }
    expect(() => pool.runAll(broken, shared, calls)).toThrow('no')
    const marks = new Int32Array(memory.buffer, markAt, calls.length).fill(0)
    pool.runAll(own, shared, calls)
    expect([...marks]).toEqual(calls.map(() => 1))
  })
})

const markAt = 65536 + poolBytes

/** A pool of two threads over a kernel that adds 1 to the word it is told. */
function poolOfTwo() {
  const { webAssembly } = requireFeatures()
  const memory = new webAssembly.Memory({ initial: 64, maximum: 128, shared: true })
  const pool = new ThreadPool(memory, 65536, 2)
  const module = new ModuleBuilder({ sharedMemory: true })
  module.export('mark', { at: 'i32' }, (b, { at }) => b.store(at, i32.add(i32.load(at), 1)))
  const { mark } = module.instantiate(memory)
  const code = pool.share(module.toBytes())
  if (code === undefined) throw new Error('no room for code')
  return { pool, memory, own: mark, shared: { ...code, index: 0 } }
}

/** Ops on tensors large enough to be shared out, along every axis that a kernel may be cut. */
function largeResults(device: Device): unknown[] {
  using _ = openScope()
  const x = randomUniform(device, [1, 2], [40, 50, 60])
  const flat = reshape(x, [40, 3000])
  const ids = device.tensor(
    [...Array(500).keys()].map((i) => (i * 7) % 40),
    { shape: [500], dtype: 'i32' },
  )
  const sums = [[0], [1], [2], [0, 1], [1, 2], [0, 2], [0, 1, 2]].map((axes) => sum(x, { axes }))
  const results = [
    ...sums,
    max(x, { axes: [1] }),
    exp(x),
    add(x, slice(x, [0, 0, 0], [40, 50, 1])),
    multiply(x, slice(x, [0, 0, 0], [1, 50, 60])),
    add(flat, slice(flat, [0, 0], [1, 3000])),
    permute(x, [2, 0, 1]),
    concatenate([x, x], 1),
    gather(flat, ids),
    scatterAdd(ids, gather(flat, ids), 40),
    ...[0, 1, 2].map((axis) => cumsum(x, axis)),
    cumsum(flat, 1, { reverse: true }),
    cumsum(reshape(x, [2, 60_000]), 0),
    ...[0, 1].flatMap((axis) => Object.values(sort(flat, axis, { descending: true }))),
    ...Object.values(sort(reshape(x, [6000, 20]))),
    reorder(flat, sort(flat).indices),
    reorder(flat, sort(flat).indices, { inverse: true }),
    matmul(flat, flat, { transposeB: true }),
    matmul(slice(flat, [0, 0], [1, 3000]), flat, { transposeB: true }),
    matmul(slice(flat, [0, 0], [1, 40]), flat),
    matmul(x, permute(x, [0, 2, 1])),
  ]
  return results.map((result) => result.readSync())
}

function lossesOf(threads: number): number[] {
  const device = openWasm({ threads })
  const model = Gpt.create(
    { vocabulary: 65, context: 64, embed: 64, heads: 4, layers: 2, norm: 'layer' },
    { device, seed: 3 },
  )
  const optimizer = chain(clipByGlobalNorm(1), adamw({ learningRate: 1e-3 }))
  return Array.from({ length: 6 }, (_, step) => {
    using _scope = openScope()
    const ids = Int32Array.from({ length: 8 * 64 }, (_id, i) => (i * i + step * 31) % 65)
    const tokens = device.tensor(ids, { shape: [8, 64], dtype: 'i32' })
    const targets = device.tensor(ids.toReversed(), { shape: [8 * 64], dtype: 'i32' })
    const parameters = model.parameters.tensors()
    const { value, gradient } = valueAndGrad((w: TensorsByPath) =>
      mean(crossEntropy(model.forward(tokens, w), targets)),
    )(parameters)
    applyUpdates(parameters, optimizer.transform(gradient, { parameters, step }))
    return value.readSync()[0]
  })
}
