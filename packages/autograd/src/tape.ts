/** The tape: an engine that calls the engine below and records the calls. */
import {
  checkArgument,
  checks,
  type Attrs,
  type Engine,
  type OpDefinition,
  type OpName,
  opTable,
  type RecordingPause,
  type Rerun,
  type RerunStep,
  type Tensor,
} from '@burgeon/tensor'
import { NotDifferentiableError } from './errors.ts'
import { rules } from './rules/rule-table.ts'

/** One recorded call of an op with a tracked input. */
export interface TapeEntry<K extends OpName = OpName> {
  readonly op: K
  readonly inputs: readonly Tensor[]
  readonly attrs: Attrs<K>
  readonly outputs: readonly Tensor[]
}

/** A body that ran without being recorded, and will run again when cotangents come through it. */
export interface RerunEntry {
  readonly op: 'checkpoint'
  /** The tracked tensors that the body reads from outside. */
  readonly inputs: readonly Tensor[]
  /** All tensors that the body reads from outside. */
  readonly reads: readonly Tensor[]
  readonly outputs: readonly Tensor[]
  readonly again: () => readonly Tensor[]
  readonly steps: readonly RerunStep[]
}

/**
 * Records the ops that depend on watched tensors. A tape over a tape records what the lower one computes,
 * which gives second derivatives.
 *
 * It shares in the ownership of everything it recorded, so tensors of a scope that has ended are still there
 * for the backward pass. Dispose the tape to free them.
 */
export class Tape implements Engine {
  readonly records = true
  readonly entries: (TapeEntry | RerunEntry)[] = []
  readonly #below: Engine
  readonly #tracked = new Set<number>()
  #paused = false

  constructor(below: Engine) {
    this.#below = below
  }

  /**
   * Records everything that is computed from `tensor` from here on. Integers have no gradient and are
   * ignored.
   */
  watch(tensor: Tensor): void {
    checkArgument('Tape: watch', 'tensor', tensor, checks.tensor)
    if (tensor.dtype === 'f32') this.#tracked.add(tensor.id)
  }

  isTracked(tensor: Tensor): boolean {
    return this.#tracked.has(tensor.id)
  }

  /**
   * Throws NotDifferentiableError, before anything has changed, if `op` has no gradient and meets a tracked
   * tensor, or would write over what is on the tape.
   */
  run<K extends OpName>(op: K, inputs: readonly Tensor[], attrs: Attrs<K>): readonly Tensor[] {
    const isTracked = !this.#paused && inputs.some((input) => this.isTracked(input))
    const rule = rules[op]
    if (isTracked && typeof rule === 'object') {
      throw new NotDifferentiableError(`${op}: has no gradient. ${rule.refused}`)
    }
    const { mutates } = opTable[op] as OpDefinition<unknown>
    const written = mutates?.map((i) => inputs[i])
    if (written !== undefined) this.#protect(op, written)
    const outputs = this.#below.run(op, inputs, attrs)
    const isStopped = op === 'reshape' && (attrs as Attrs<'reshape'>).stopsGradient === true
    if (isTracked && !isStopped) this.#write({ op, inputs, attrs, outputs } as TapeEntry)
    return outputs
  }

  /** Refuses to write over a tensor that an op on the tape has read: the backward pass needs it. */
  #protect(op: OpName, written: readonly Tensor[]): void {
    const storages = new Set(written.map((tensor) => tensor.storage))
    const isWritten = (tensor: Tensor): boolean => !tensor.isDisposed && storages.has(tensor.storage)
    if (this.entries.some((entry) => neededBy(entry).some(isWritten))) {
      throw new NotDifferentiableError(
        `${op}: this call would write over numbers that a gradient still needs. Write to a copy, or after the gradient has been taken.`,
      )
    }
  }

  /**
   * Stops recording, for `checkpoint`. Returns null within a pause: then it is the outer body that will run
   * again.
   */
  pause(): RecordingPause | null {
    if (this.#paused) return null
    this.#paused = true
    return {
      note: (rerun: Rerun) => {
        const inputs = rerun.reads.filter((tensor) => this.isTracked(tensor))
        const { reads, outputs, again, steps } = rerun
        if (inputs.length > 0) this.#write({ op: 'checkpoint', inputs, reads, outputs, again, steps })
      },
      [Symbol.dispose]: () => {
        this.#paused = false
      },
    }
  }

  #write(entry: TapeEntry | RerunEntry): void {
    for (const tensor of neededBy(entry)) tensor.retain()
    this.entries.push(entry)
    for (const output of entry.outputs) this.watch(output)
  }

  [Symbol.dispose](): void {
    for (const entry of this.entries.splice(0)) {
      for (const tensor of neededBy(entry)) tensor.release()
    }
  }
}

/** The tensors that must be there when cotangents come through an entry. */
function neededBy(entry: TapeEntry | RerunEntry): readonly Tensor[] {
  return [...(entry.op === 'checkpoint' ? entry.reads : entry.inputs), ...entry.outputs]
}
