// Reaches inside: that a thread ends in the middle of a call can be brought about in the pool only. The workers are real; the test
// keeps hold of them as they are started.
import { valueAndGrad } from '@burgeon/autograd'
import { adamw, applyUpdates, chain, clipByGlobalNorm } from '@burgeon/autograd/optim'
import { Gpt } from '@burgeon/gpt'
import {
  adamwUpdate,
  crossEntropy,
  type Device,
  linearCrossEntropy,
  mean,
  openScope,
  randomUniform,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import threads from 'node:worker_threads'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  type FunctionBuilder,
  i32,
  type Local,
  ModuleBuilder,
} from '../../packages/tensor/src/backends/wasm/assembler/index.ts'
import { requireFeatures } from '../../packages/tensor/src/backends/wasm/features.ts'
import { writeInPlace } from '../../packages/tensor/src/backends/wasm/loops/run-in-place.ts'
import type { WasmMemory } from '../../packages/tensor/src/backends/wasm/webassembly.ts'
import { board } from '../../packages/tensor/src/backends/wasm/threads/task-board.ts'
import { lostWorker } from '../../packages/tensor/src/backends/wasm/threads/lost-worker.ts'
import { poolBytes, ThreadPool } from '../../packages/tensor/src/backends/wasm/threads/thread-pool.ts'

const started: threads.Worker[] = []
const { Worker } = threads

beforeAll(() => {
  threads.Worker = class extends Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args)
      started.push(this)
    }
  }
})
afterEach(() => void started.splice(0))
afterAll(() => {
  threads.Worker = Worker
})

describe('a worker that ends in the middle of a call', () => {
  it('has its call made by the caller, and others go on', () => {
    const { pool, memory, shared, own } = poolWithATrap(mark, lastMarkAt)
    const { calls, marks } = marking(memory)
    pool.runAll(own, shared, calls, true)
    expect([...marks()]).toEqual(calls.map(() => 1))
    pool.runAll(own, shared, calls, true)
    expect([...marks()]).toEqual(calls.map(() => 2))
    expect(new Int32Array(memory.buffer, gateAt, 2)[1]).toBe(1)
  })

  it('is reported, after all other calls, where its call may not be made again', () => {
    const { pool, memory, shared, own } = poolWithATrap(mark, lastMarkAt)
    const { calls, marks } = marking(memory)
    expect(() => pool.runAll(own, shared, calls)).toThrow(lostWorker.message)
    expect(marks().filter((mark) => mark === 1).length).toBe(calls.length - 1)
    pool.runAll(own, shared, calls)
    expect(marks().filter((mark) => mark === 2).length).toBe(calls.length - 1)
  })
})

describe('a call that changes its inputs and is interrupted half-way', () => {
  const numbers = 64
  const pieces = 20
  const run = (hasRoom: boolean): Set<number> => {
    const { pool, memory, own, shared } = poolWithATrap(
      (b, { at, room }, trap) => {
        const bytes = i32.const(4 * numbers)
        writeInPlace(b, room, bytes, [at], ([to]) => {
          b.forRange(0, bytes, 4, (offset) => {
            b.if(i32.eq(offset, 2 * numbers), trap)
            b.store(i32.add(to, offset), i32.add(i32.load(i32.add(at, offset)), 1))
          })
        })
      },
      markAt + 4 * numbers * (pieces - 1),
    )
    const rooms = markAt + 4 * numbers * pieces
    const calls = Array.from({ length: pieces }, (_, i) => {
      return [markAt + 4 * numbers * i, hasRoom ? rooms + 8 * numbers * i : 0]
    })
    pool.runAll(own, shared, calls, true)
    return new Set(new Int32Array(memory.buffer, markAt, numbers * pieces))
  }

  it('has its effect once', () => {
    expect(run(true)).toEqual(new Set([1]))
  })

  it('has half of its effect twice without room for its results, so this test can fail', () => {
    expect(run(false)).toEqual(new Set([1, 2]))
  })
})

describe('a training whose workers are killed while they compute', () => {
  const rounds = 6

  it.each([2, 4])('comes to the same losses and weights, bit for bit, with %i threads', async (count) => {
    const expected = await trained(openWasm({ threads: 1 }), 0)
    for (let round = 0; round < rounds; round++) {
      started.splice(0)
      expect(await trained(openWasm({ threads: count }), round % 3)).toEqual(expected)
      expect(started.length).toBe(count - 1)
    }
  })

  it('takes a step of an optimizer once, however often it is interrupted', () => {
    const step = (device: Device, kill: (turn: number) => void): unknown => {
      using _ = openScope()
      const [w, g, m, v] = [1, 2, 3, 4].map((key) => randomUniform(device, [0, key], [400_000]))
      const attrs = { learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1 }
      const changes = Array.from({ length: 12 }, (_step, turn) => {
        kill(turn)
        return adamwUpdate(w, g, m, v, { ...attrs, step: turn + 1 })
          .readSync()
          .at(-1)
      })
      return [changes, m.readSync(), v.readSync()]
    }
    const expected = step(openWasm({ threads: 1 }), () => {})
    const killed = step(openWasm({ threads: 6 }), (turn) => {
      if (turn % 2 === 1) void started.pop()?.terminate()
    })
    expect(killed).toEqual(expected)
  })

  it('computes a loss that sums into its own results once', () => {
    const losses = (device: Device, kill: () => void): unknown => {
      using _ = openScope()
      const [x, w] = [randomUniform(device, [0, 1], [600, 64]), randomUniform(device, [0, 2], [500, 64])]
      const targets = device.tensor(
        [...Array(600).keys()].map((i) => i % 500),
        { shape: [600], dtype: 'i32' },
      )
      return Array.from({ length: 6 }, () => {
        kill()
        const { gradient } = valueAndGrad(([a, b]: (typeof x)[]) => mean(linearCrossEntropy(a, b, targets)))([
          x,
          w,
        ])
        return gradient.map((one) => one.readSync())
      })
    }
    const expected = losses(openWasm({ threads: 1 }), () => {})
    expect(losses(openWasm({ threads: 6 }), () => void started.pop()?.terminate())).toEqual(expected)
  })
})

const markAt = 65536 + poolBytes
const gateAt = markAt - 64
const lastMarkAt = markAt + 4 * 39

/** Calls that each add 1 to a word of their own, and the words. */
function marking(memory: WasmMemory) {
  const calls = Array.from({ length: 40 }, (_, i) => [markAt + 4 * i, 0])
  return { calls, marks: () => new Int32Array(memory.buffer, markAt, calls.length).slice() }
}

type Places = { readonly at: Local<'i32'>; readonly room: Local<'i32'> }
type Kernel = (b: FunctionBuilder, places: Places, trap: () => void) => void

const mark: Kernel = (b, { at }, trap) => {
  trap()
  b.store(at, i32.add(i32.load(at), 1))
}

/**
 * A pool of three threads over a kernel with a trap in it: who makes the last call, at `lastAt`, waits there for ever. It is a worker, for
 * the caller looks on until a worker is in the trap, ends it, and only then computes.
 */
function poolWithATrap(kernel: Kernel, lastAt: number) {
  const { webAssembly } = requireFeatures()
  const memory = new webAssembly.Memory({ initial: 64, maximum: 128, shared: true })
  const pool = new ThreadPool(memory, 65536, 3)
  const module = new ModuleBuilder({ sharedMemory: true })
  const trapAt = 64
  module.export('kernel', { at: 'i32', room: 'i32' }, (b, places) => {
    kernel(b, places, () => {
      b.if(i32.eq(places.at, lastAt), () => {
        b.if(i32.eqz(i32.load(i32.const(trapAt))), () => {
          b.store(i32.const(trapAt), i32.const(1))
          b.while(i32.load(i32.const(trapAt)), () => {})
        })
      })
    })
  })
  const compiled = module.instantiate(memory).kernel
  const code = pool.share(module.toBytes())
  if (code === undefined) throw new Error('no room for code')
  const trap = new Int32Array(memory.buffer, trapAt, 1)
  const gate = new Int32Array(memory.buffer, gateAt, 2)
  const claims = new Int32Array(memory.buffer, 65536 + board.statesAt, board.capacity)
  const workersAtWork = (): number[] => [...claims].filter((claim) => claim > 0)
  const own = (...args: number[]): undefined => {
    if (gate[1] === 0) {
      expect(args[0], 'the caller has no time to get to the last call').not.toBe(lastAt)
      while (Atomics.load(trap, 0) === 0 || workersAtWork().length !== 1) Atomics.wait(gate, 0, 0, 5)
      // The other worker has had time for all that is left by now: who still has a call is the one in the trap.
      Atomics.wait(gate, 0, 0, 20)
      void started[workersAtWork()[0] - 1].terminate()
      gate[1] = 1
    }
    compiled(...args)
    return undefined
  }
  return { pool, memory, shared: { ...code, index: 0 }, own }
}

/** Losses and weights of some steps; before each, `each` of the workers that are left are told to end, which takes them a moment. */
async function trained(device: Device, each: number): Promise<unknown> {
  const model = Gpt.create(
    { vocabulary: 65, context: 64, embed: 64, heads: 4, layers: 2, norm: 'layer' },
    { device, seed: 3 },
  )
  const optimizer = chain(clipByGlobalNorm(1), adamw({ learningRate: 1e-3 }))
  const losses: number[] = []
  for (let step = 0; step < 5; step++) {
    {
      using _ = openScope()
      if (step > 0) for (let i = 0; i < each; i++) void started[(step + i) % started.length]?.terminate()
      const ids = Int32Array.from({ length: 8 * 64 }, (_id, i) => (i * i + step * 31) % 65)
      const tokens = device.tensor(ids, { shape: [8, 64], dtype: 'i32' })
      const targets = device.tensor(ids.toReversed(), { shape: [8 * 64], dtype: 'i32' })
      const parameters = model.parameters.tensors()
      const { value, gradient } = valueAndGrad((w: TensorsByPath) =>
        mean(crossEntropy(model.forward(tokens, w), targets)),
      )(parameters)
      applyUpdates(parameters, optimizer.transform(gradient, { parameters, step }))
      losses.push(value.readSync()[0])
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  const weights = Object.values(model.parameters.tensors()).map((tensor) => tensor.readSync())
  model.dispose()
  return [losses, weights]
}
