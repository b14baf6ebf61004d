/** The profiler: an engine that times the ops that pass through it. */
import { checkArgument, checkOptions } from '../checks/check-options.ts'
import * as checks from '../checks/checks.ts'
import { type Engine, withEngine, withEngineAsync } from '../engine.ts'
import { AsyncCallbackError } from '../errors.ts'
import type { OpDefinition } from '../op.ts'
import { type Attrs, type OpName, opTable } from '../op-table.ts'
import { sizeOf } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { Profile, type ProfiledOp } from './profile.ts'

/** Options of `profile`. */
export interface ProfileOptions {
  /**
   * Maximum number of calls that are kept one by one, for the trace: a whole number from 0 on. Default
   * 100,000. Later calls only count in the sums, of which there is one for each op and shapes, so memory
   * stays bounded however long the body runs.
   */
  readonly events?: number
}

/** A result and what it cost. */
export interface Profiled<R> {
  readonly result: R
  readonly profile: Profile
}

/**
 * Runs `body` and measures every op of it: also those of gradients taken inside, which run through the same
 * engine. A fused op counts as one call wherever it runs as one.
 *
 * The time of a call is measured on the host. On a CPU device that is the time of the computation; a GPU
 * returns before the work is done, so there it is the time of submitting the work. No result changes by a
 * bit.
 *
 * @param body Must be synchronous; `profileAsync` takes an asynchronous one.
 * @throws OptionError if `events` is not a whole number from 0 on.
 * @throws AsyncCallbackError if `body` returns a promise.
 * @example
 * ```ts
 * const { result, profile: report } = profile(() => sum(multiply(ones([256, 256]), 2)))
 * console.log(report.table({ byShape: true, most: 10 }))
 * ```
 */
export function profile<R>(body: () => R, options: ProfileOptions = {}): Profiled<R> {
  checkArgument('profile', 'body', body, checks.callback())
  checkOptions('profile', options, { events: checks.integer({ from: 0 }) })
  const { events: limit = 100_000 } = options
  return withEngine(
    (below) => new Profiler(below, limit),
    (profiler) => {
      const result = body()
      if (result instanceof Promise) {
        throw new AsyncCallbackError(
          'profile: the body returned a promise; expected it to be synchronous. Use profileAsync.',
        )
      }
      return profiler.finish(result)
    },
  )
}

/**
 * Profiles an asynchronous body, such as a turn of the learner. Everything else that runs meanwhile is
 * measured too, and waiting counts as time between ops.
 *
 * @throws OptionError if `events` is not a whole number from 0 on, or if two such bodies overlap.
 * @example
 * ```ts
 * const learner = new Learner({ model, optimizer: adamw({ learningRate: 1e-3 }) })
 * const { profile: report } = await profileAsync(() => learner.observe('What does this cost?'))
 * console.log(`${report}`)
 * ```
 */
export async function profileAsync<R>(
  body: () => Promise<R>,
  options: ProfileOptions = {},
): Promise<Profiled<R>> {
  checkArgument('profileAsync', 'body', body, checks.callback())
  checkOptions('profileAsync', options, { events: checks.integer({ from: 0 }) })
  const { events: limit = 100_000 } = options
  return withEngineAsync(
    (below) => new Profiler(below, limit),
    async (profiler) => profiler.finish(await body()),
  )
}

class Profiler implements Engine {
  readonly #below: Engine
  readonly #profile: Profile
  readonly #start = performance.now()

  constructor(below: Engine, events: number) {
    this.#below = below
    this.#profile = new Profile(events)
  }

  run<K extends OpName>(op: K, inputs: readonly Tensor[], attrs: Attrs<K>): readonly Tensor[] {
    const before = performance.now()
    const outputs = this.#below.run(op, inputs, attrs)
    const milliseconds = performance.now() - before
    const { device } = outputs[0] ?? inputs[0]
    const shapes = inputs.map(({ shape }) => shape)
    const start = before - this.#start
    this.#profile.add({ op, device, shapes, start, milliseconds, ...costsOf(op, inputs, outputs, attrs) })
    return outputs
  }

  finish<R>(result: R): Profiled<R> {
    this.#profile.end(performance.now() - this.#start)
    return { result, profile: this.#profile }
  }
}

function costsOf<K extends OpName>(
  op: K,
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
  attrs: Attrs<K>,
): Pick<ProfiledOp, 'flops' | 'bytesRead' | 'bytesWritten'> {
  const definition = opTable[op] as unknown as OpDefinition<Attrs<K>>
  const flops = definition.flops(inputs, outputs, attrs)
  if (definition.alias) return { flops, bytesRead: 0, bytesWritten: 0 }
  const inPlace = (definition.mutates ?? []).map((i) => inputs[i])
  return { flops, bytesRead: bytesOf(inputs), bytesWritten: bytesOf([...outputs, ...inPlace]) }
}

/** Elements of `f32` and `i32` take four bytes. */
const bytesOf = (tensors: readonly Tensor[]): number =>
  tensors.reduce((total, { shape }) => total + 4 * sizeOf(shape), 0)
