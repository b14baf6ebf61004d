/**
 * The one choke point: every op of every program goes through `runOp`.
 *
 * An engine is anything that can run an op. A device runs kernels. A tape, a profiler or a NaN finder calls
 * the engine below and records what happened. Engines stack; `runOp` hands a call to the highest.
 */
import { checkTensor } from './checks/check-tensor.ts'
import { checkArgument } from './checks/check-options.ts'
import * as checks from './checks/checks.ts'
import type { Device } from './device.ts'
import { AsyncCallbackError, DeviceMismatchError, OptionError } from './errors.ts'
import type { Attrs, OpName } from './op-table.ts'
import { scope, tensorsIn } from './scope.ts'
import { sameShape } from './shape.ts'
import type { Tensor } from './tensor.ts'

/** Anything that can run an op. */
export interface Engine {
  /** Set by engines that record what they see in order to differentiate it. */
  readonly records?: boolean
  /**
   * Pauses an engine that records: it hears nothing until the pause is disposed, and then of the whole body
   * as one step.
   */
  pause?(): RecordingPause | null
  run<K extends OpName>(op: K, inputs: readonly Tensor[], attrs: Attrs<K>): readonly Tensor[]
}

/**
 * A part of a program that has run: the tensors it read from outside, its results, and a function that runs
 * it again.
 */
export interface Rerun {
  readonly reads: readonly Tensor[]
  readonly outputs: readonly Tensor[]
  readonly again: () => readonly Tensor[]
  /** The ops it called, in order. */
  readonly steps: readonly RerunStep[]
}

/** One op of a body that has run, with the ids of its tensors. */
export interface RerunStep {
  readonly op: OpName
  readonly attrs: unknown
  readonly inputs: readonly number[]
  readonly outputs: readonly number[]
}

/** A pause, during which an engine records nothing. */
export interface RecordingPause extends Disposable {
  /** Records everything that happened during the pause as one step. */
  note(rerun: Rerun): void
}

let engines: readonly Engine[] = []

/**
 * The engine below every stack: the device on which the inputs are, or that the attributes of a creating op
 * name.
 */
const devices: Engine = {
  run(op, inputs, attrs) {
    return deviceOf(op, inputs, attrs).run(op, inputs, attrs)
  },
}

/** Calls an op: the only way to compute anything. */
export function runOp<K extends OpName>(
  op: K,
  inputs: readonly Tensor[],
  attrs: Attrs<K>,
): readonly Tensor[] {
  if (typeof op !== 'string') checkArgument('runOp', 'op', op, checks.text)
  if (!Array.isArray(inputs)) checkArgument('runOp', 'inputs', inputs, checks.tensors)
  for (const input of inputs) checkTensor(op, 'an input', input)
  if (typeof attrs !== 'object' || attrs === null)
    checkArgument(op, 'attrs', attrs, checks.object('an object'))
  return (engines.at(-1) ?? devices).run(op, inputs, attrs)
}

/**
 * Puts an engine on top of the stack while `body` runs.
 *
 * @param make Takes the engine below and returns the new one.
 */
export function withEngine<E extends Engine, R>(make: (below: Engine) => E, body: (engine: E) => R): R {
  checkArgument('withEngine', 'make', make, checks.callback())
  checkArgument('withEngine', 'body', body, checks.callback())
  const before = engines
  const engine = make(before.at(-1) ?? devices)
  engines = [...before, engine]
  try {
    return body(engine)
  } finally {
    engines = before
  }
}

/**
 * Puts an engine on top of the stack while an asynchronous body runs. It stays there until the promise is
 * settled, so everything that runs meanwhile passes through it.
 *
 * @throws OptionError if another engine that was put on top meanwhile is still there at the end, or if the
 *   stack on which it was put has been taken down before; an error that `body` threw is then its cause.
 * @example
 * ```ts
 * const heard: string[] = []
 * const listen = (below: Engine): Engine => ({
 *   run: (op, inputs, attrs) => (heard.push(op), below.run(op, inputs, attrs)),
 * })
 * const numbers = await withEngineAsync(listen, async () => {
 *   const [first] = await x.read()
 *   return multiply(x, first).read()
 * })
 * ```
 */
export async function withEngineAsync<E extends Engine, R>(
  make: (below: Engine) => E,
  body: (engine: E) => Promise<R>,
): Promise<R> {
  checkArgument('withEngineAsync', 'make', make, checks.callback())
  checkArgument('withEngineAsync', 'body', body, checks.callback())
  const before = engines
  const engine = make(before.at(-1) ?? devices)
  const during = [...before, engine]
  engines = during
  let failure: unknown
  try {
    return await body(engine)
  } catch (error) {
    failure = error
    throw error
  } finally {
    if (engines !== during) {
      engines = engines.filter((other) => other !== engine)
      // oxlint-disable-next-line no-unsafe-finally -- an overlap is always a mistake in the program
      throw new OptionError(
        'withEngineAsync: got engines that overlap; expected the one put on top last to end first. Await one body before ' +
          'the next begins.',
        { cause: failure },
      )
    }
    engines = before
  }
}

/**
 * Runs `body` straight on the devices: the tape above a device must not record how the device computes a
 * definition.
 */
export function withoutEngines<R>(body: () => R): R {
  checkArgument('withoutEngines', 'body', body, checks.callback())
  const before = engines
  engines = []
  try {
    return body()
  } finally {
    engines = before
  }
}

/**
 * Whether what is computed now is being recorded: a gradient taken under a tape must itself be
 * differentiable.
 */
export function isRecorded(): boolean {
  return engines.some((engine) => engine.records === true)
}

/**
 * Runs `body` with gradient checkpointing (Chen et al. 2016): tapes keep only the tensors it reads and
 * returns, and run it once more when gradients are pulled back through it. The memory for its intermediate
 * results is thus needed for one body at a time, and gradients are the same to the bit. Where nothing is
 * recorded, `body` just runs. Bodies may nest.
 *
 * @param body Synchronous, and the same whenever it runs: it may read any tensors from outside, but must not
 *   draw random keys, which belong outside, nor write to anything.
 * @throws AsyncCallbackError if `body` returns a promise; while gradients are pulled back, OptionError if it
 *   returns other tensors the second time.
 * @example
 * ```ts
 * const gradient = grad((w: Tensor) => sum(checkpoint(() => tanh(multiply(w, w)))))
 * ```
 */
export function checkpoint<R>(body: () => R): R {
  checkArgument('checkpoint', 'body', body, checks.callback())
  const pauses = engines.map((engine) => engine.pause?.() ?? null).filter((pause) => pause !== null)
  if (pauses.length === 0) return body()
  try {
    const first = scope(() => overhear(body))
    for (const pause of pauses) {
      pause.note({ ...first, again: () => sameAgain(body, first) })
    }
    return first.result
  } finally {
    for (const pause of pauses) pause[Symbol.dispose]()
  }
}

/**
 * The result of a body, with the tensors of it that the body made itself and those that it read from outside.
 */
interface Overheard<R> {
  readonly result: R
  readonly reads: readonly Tensor[]
  readonly outputs: readonly Tensor[]
  readonly steps: readonly RerunStep[]
}

function overhear<R>(body: () => R): Overheard<R> {
  const reads = new Set<Tensor>()
  const made = new Set<Tensor>()
  const steps: RerunStep[] = []
  const idsOf = (tensors: readonly Tensor[]): number[] => tensors.map(({ id }) => id)
  const listen = (below: Engine): Engine => ({
    run(op, inputs, attrs) {
      for (const input of inputs) if (!made.has(input)) reads.add(input)
      const outputs = below.run(op, inputs, attrs)
      for (const output of outputs) made.add(output)
      steps.push({ op, attrs, inputs: idsOf(inputs), outputs: idsOf(outputs) })
      return outputs
    },
  })
  const result = withEngine(listen, body)
  if (result instanceof Promise) {
    throw new AsyncCallbackError('checkpoint: the body returned a promise; expected it to be synchronous.')
  }
  const outputs = [...new Set(tensorsIn(result))].filter((tensor) => made.has(tensor))
  return { result, reads: [...reads], outputs, steps }
}

function sameAgain(body: () => unknown, first: Overheard<unknown>): readonly Tensor[] {
  const { reads, outputs } = overhear(body)
  const isSame =
    outputs.length === first.outputs.length &&
    outputs.every(({ shape }, i) => sameShape(shape, first.outputs[i].shape)) &&
    reads.every((tensor) => first.reads.includes(tensor))
  if (isSame) return outputs
  throw new OptionError(
    'checkpoint: the body read other tensors, or returned other shapes, when it ran again. ' +
      'Let it depend on nothing that changes, such as a variable that is assigned anew in a loop.',
  )
}

function deviceOf(op: OpName, inputs: readonly Tensor[], attrs: unknown): Device {
  const device = inputs[0]?.device ?? (attrs as { device?: Device }).device
  if (device === undefined) {
    throw new OptionError(`${op}: got neither an input nor a device; expected one of them.`)
  }
  for (const input of inputs) {
    if (input.device !== device) {
      throw new DeviceMismatchError(
        `${op}: inputs live on different devices. Got ${device.name} and ${input.device.name}; ` +
          'expected one device. Copy the numbers over with tensor(await x.read(), {shape, device}).',
      )
    }
  }
  return device
}
