/** Runs in the browser: what the tests in Node ask a page to do. Everything that goes in and out is JSON. */
import {
  growOnSchedule,
  Learner,
  type LearnerState,
  readCheckpoint,
  reservoirReplay,
  writeCheckpoint,
} from 'burgeon'
import type { LearnerOptions } from 'burgeon/continual'
import type { Disk } from 'burgeon/gpt'
import { valueAndGrad } from '@burgeon/autograd'
import { adamw, applyUpdates, chain, clipByGlobalNorm } from '@burgeon/autograd/optim'
import { Gpt } from '@burgeon/gpt'
import {
  crossEntropy,
  type Device,
  keyFromSeed,
  mean,
  type OpName,
  opTable,
  RandomStream,
  scope,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { checkOp, type OpCases, opCases } from '@burgeon/tensor/testing'
import { openWasm } from '@burgeon/tensor/wasm'
import { openWebGpu } from '@burgeon/tensor/webgpu'

/** A device by the name of its entry point. */
export type DeviceName = 'wasm' | 'webgpu'

const open = (name: DeviceName): Promise<Device> =>
  name === 'wasm' ? Promise.resolve(openWasm({ threads: 2 })) : openWebGpu()

/** Compares every op with the reference; returns how many comparisons there were and what was wrong. */
export async function sweep(
  name: DeviceName,
  { everyOp, everyEdge, draws }: Readonly<Record<'everyOp' | 'everyEdge' | 'draws', number>>,
): Promise<{ compared: number; mistakes: string[] }> {
  const [device, reference] = [await open(name), openReference()]
  const mistakes: string[] = []
  let compared = 0
  const ops = (Object.keys(opTable) as OpName[]).filter((_, i) => i % everyOp === 0)
  for (const op of ops) {
    const cases = opCases[op] as OpCases<OpName>
    const drawn = Array.from({ length: draws }, (_, seed) =>
      cases.draw(new RandomStream(keyFromSeed(seed + 1))),
    )
    const some = cases.edges(new RandomStream(keyFromSeed(0))).filter((_, i) => i % everyEdge === 0)
    for (const { inputs, attrs } of [...some, ...drawn]) {
      compared++
      await checkOp(device, reference, op, inputs, attrs, cases.tolerance).catch((error: unknown) => {
        mistakes.push(String(error))
      })
    }
  }
  return { compared, mistakes }
}

/** Threads that the page has started so far, and errors of theirs. */
export const threads = { started: 0, errors: 0 }

/** Counts threads from now on; a page calls it before it opens a device. */
export function watchThreads(): void {
  const { Worker } = globalThis as unknown as {
    Worker: typeof EventTarget & (new (url: string) => EventTarget)
  }
  class Watched extends Worker {
    constructor(url: string) {
      super(url)
      threads.started++
      for (const event of ['error', 'messageerror']) this.addEventListener(event, () => threads.errors++)
    }
  }
  Object.assign(globalThis, { Worker: Watched })
}

/** What a life in a page came to. */
export interface Lived {
  readonly losses: readonly number[]
  /** Of the same steps after the learner was saved, forgotten and loaded. */
  readonly again: readonly number[]
  readonly growths: readonly string[]
}

/** A learner that rehearses, grows and is saved half-way, all through the front door. */
export async function live(name: DeviceName): Promise<Lived> {
  const device = await open(name)
  const parts = (): Omit<LearnerOptions, 'model'> => ({
    optimizer: chain(clipByGlobalNorm(1), adamw({ learningRate: 1e-2 })),
    strategy: {
      rehearsal: reservoirReplay({ capacity: 20, seed: 1 }),
      growth: growOnSchedule([{ step: 4, request: { kind: 'widenMlp', block: 'b0', to: 96 } }]),
    },
  })
  const sizes = { context: 16, embed: 32, heads: 2, layers: 2, mlpHidden: 64 }
  const learner = new Learner({ model: Gpt.create(sizes, { device, seed: 5 }), ...parts() })
  const lossOf = async (one: Learner): Promise<number> =>
    (await one.observe(`Step ${one.step}: the quick brown fox jumps over the lazy dog.`)).loss
  const losses: number[] = []
  while (learner.step < 6) losses.push(await lossOf(learner))
  const files = new Map<string, Uint8Array>()
  await writeCheckpoint(diskIn(files), { learner: await learner.toState() })
  const { learner: saved } = await readCheckpoint(diskIn(files))
  const woken = Learner.fromState(saved as LearnerState, { ...parts(), device })
  const again: number[] = []
  while (learner.step < 9) {
    losses.push(await lossOf(learner))
    again.push(await lossOf(woken))
  }
  const growths = woken.journal.flatMap((event) =>
    event.kind === 'growth' ? [event.data.record.summary] : [],
  )
  return { losses, again, growths }
}

let locks = 0

/** A disk as a page has it: it could be IndexedDB, it is a map. */
function diskIn(files: Map<string, Uint8Array>): Disk {
  return {
    place: 'the page',
    read: (name) => Promise.resolve(files.get(name) ?? new Uint8Array()),
    write: (name, bytes) => Promise.resolve(void files.set(name, bytes.slice())),
    create(name, bytes) {
      if (files.has(name)) return Promise.reject(new Error(`there is a file ${name}`))
      return Promise.resolve(void files.set(name, bytes.slice()))
    },
    append(name, bytes) {
      const before = files.get(name) ?? new Uint8Array()
      return Promise.resolve(void files.set(name, Uint8Array.from([...before, ...bytes])))
    },
    rename(from, to) {
      files.set(to, files.get(from) ?? new Uint8Array())
      return Promise.resolve(void files.delete(from))
    },
    remove: (name) => Promise.resolve(void files.delete(name)),
    list: () => Promise.resolve([...files.keys()]),
    sync: () => Promise.resolve(),
    // Nobody else knows this map.
    lock: () =>
      Promise.resolve({
        token: `page-${locks++}`,
        isHeld: () => Promise.resolve(true),
        release: () => Promise.resolve(),
      }),
  }
}

/** Losses of a short training, the same in Node and in a page. */
export async function train(name: DeviceName, steps: number): Promise<number[]> {
  const device = await open(name)
  const sizes = { vocabulary: 31, context: 32, embed: 32, heads: 4, layers: 2, norm: 'layer' } as const
  const model = Gpt.create(sizes, { device, seed: 5 })
  const optimizer = chain(clipByGlobalNorm(1), adamw({ learningRate: 1e-3 }))
  const losses: number[] = []
  for (let step = 0; step < steps; step++) {
    const value = scope(() => {
      const ids = Int32Array.from({ length: 4 * 32 + 1 }, (_, i) => (i * i + step * 7) % 31)
      const tokens = device.tensor(ids.subarray(0, -1), { shape: [4, 32], dtype: 'i32' })
      const targets = device.tensor(ids.subarray(1), { shape: [4 * 32], dtype: 'i32' })
      const parameters = model.parameters.tensors()
      const { value: loss, gradient } = valueAndGrad((w: TensorsByPath) =>
        mean(crossEntropy(model.forward(tokens, w), targets)),
      )(parameters)
      applyUpdates(parameters, optimizer.transform(gradient, { parameters, step }))
      return loss
    })
    losses.push((await value.read())[0])
    value.dispose()
  }
  return losses
}
