/** Walks a tape backwards: from the cotangents of a result to the gradients of what it was made from. */
import {
  add,
  adoptTensor,
  checkArgument,
  checks,
  isRecorded,
  openScope,
  type OpDefinition,
  opTable,
  ShapeError,
  type Tensor,
  withEngine,
} from '@burgeon/tensor'
import { IdleStepsSkipped, idleSteps } from './idle-steps.ts'
import type { GradientRule } from './rules/gradient-rule.ts'
import { rules } from './rules/rule-table.ts'
import { type RerunEntry, Tape, type TapeEntry } from './tape.ts'

/**
 * Pulls cotangents (the gradients of a scalar with respect to `outputs`) back through everything a tape
 * recorded.
 *
 * The order of additions is fixed: entries from the last to the first, inputs from left to right. The same
 * tape gives the same bits. A cotangent is freed as soon as it has been passed on.
 *
 * @param outputs Tensors computed under the tape.
 * @param cotangents One per output, of its shape.
 * @param between Intermediate tensors whose gradients are wanted too.
 * @returns The gradient of every watched tensor, and of those `between`, that had an influence, by tensor id.
 */
export function pullBack(
  tape: Tape,
  outputs: readonly Tensor[],
  cotangents: readonly Tensor[],
  between: readonly Tensor[] = [],
): ReadonlyMap<number, Tensor> {
  checkArgument('pullBack', 'tape', tape, checks.instance('a Tape', Tape))
  checkArgument('pullBack', 'outputs', outputs, checks.tensors)
  checkArgument('pullBack', 'cotangents', cotangents, checks.tensors)
  checkArgument('pullBack', 'between', between, checks.tensors)
  if (cotangents.length !== outputs.length) {
    throw new ShapeError(
      `pullBack: got ${cotangents.length} cotangents for ${outputs.length} outputs; expected one for each.`,
    )
  }
  using gradients = new Gradients(new Set(between))
  outputs.forEach((output, i) => tape.isTracked(output) && gradients.add(output, cotangents[i]))
  passOn(tape, gradients)
  return gradients.handOver()
}

/**
 * The cotangents known so far. This class shares in their ownership, so each can be freed when it is no
 * longer needed.
 */
class Gradients {
  readonly #byId = new Map<number, Tensor>()
  readonly #kept: ReadonlySet<Tensor>

  /** @param kept Tensors whose cotangents stay after they have been passed on. */
  constructor(kept: ReadonlySet<Tensor> = new Set()) {
    this.#kept = kept
  }

  of(tensor: Tensor): Tensor | undefined {
    return this.#byId.get(tensor.id)
  }

  set(tensor: Tensor, gradient: Tensor): void {
    gradient.retain()
    this.of(tensor)?.release()
    this.#byId.set(tensor.id, gradient)
  }

  add(tensor: Tensor, gradient: Tensor): void {
    const known = this.of(tensor)
    this.set(tensor, known === undefined ? gradient : add(known, gradient))
  }

  /** Frees a cotangent that has been passed on, unless it is wanted. */
  release(tensor: Tensor): void {
    if (this.#kept.has(tensor)) return
    this.of(tensor)?.release()
    this.#byId.delete(tensor.id)
  }

  /** Gives every cotangent that is left to the innermost open scope. */
  handOver(): ReadonlyMap<number, Tensor> {
    for (const gradient of this.#byId.values()) adoptTensor(gradient)
    return new Map(this.#byId)
  }

  [Symbol.dispose](): void {
    for (const gradient of this.#byId.values()) gradient.release()
    this.#byId.clear()
  }
}

/** Passes cotangents from outputs to inputs, from the last entry to the first. */
function passOn(tape: Tape, gradients: Gradients): void {
  for (const entry of tape.entries.toReversed()) {
    const incoming = entry.outputs.map((output) => gradients.of(output))
    if (incoming.every((gradient) => gradient === undefined)) continue
    using _ = openScope()
    if (entry.op === 'checkpoint') passThroughRerun(entry, incoming, gradients)
    else {
      const needed = entry.inputs.map((input) => tape.isTracked(input))
      inputGradients(entry, incoming, needed).forEach((gradient, k) => {
        if (gradient !== undefined && needed[k]) gradients.add(entry.inputs[k], gradient)
      })
    }
    for (const output of entry.outputs) gradients.release(output)
  }
}

/**
 * Runs a body again, recorded this time. The sums of its inputs' cotangents continue where they are, so that
 * additions keep their order.
 */
function passThroughRerun(
  { inputs, again, steps }: RerunEntry,
  incoming: readonly (Tensor | undefined)[],
  gradients: Gradients,
): void {
  using recorded = withEngine(
    (below) => new IdleStepsSkipped(below, idleSteps(steps)),
    () => recordTape(inputs, again),
  )
  using inner = new Gradients()
  for (const input of inputs) {
    const known = gradients.of(input)
    if (known !== undefined) inner.set(input, known)
  }
  recorded.result.forEach((tensor, i) => {
    const gradient = incoming[i]
    if (gradient !== undefined) inner.add(tensor, gradient)
  })
  passOn(recorded.tape, inner)
  for (const input of inputs) {
    const gradient = inner.of(input)
    if (gradient !== undefined) gradients.set(input, gradient)
  }
}

function inputGradients(
  entry: TapeEntry,
  incoming: readonly (Tensor | undefined)[],
  needed: readonly boolean[],
): readonly (Tensor | undefined)[] {
  // An op that tapes refuse never came onto the tape.
  const rule = rules[entry.op] as GradientRule<typeof entry.op> | 'definition' | 'constant'
  if (rule === 'constant') return []
  const { definition } = opTable[entry.op] as OpDefinition<typeof entry.attrs>
  // A fused gradient is one opaque op; where the gradient itself is recorded, the definition is used instead.
  if (rule === 'definition' || (definition !== undefined && isRecorded())) {
    return throughDefinition(entry, incoming)
  }
  return rule({ ...entry, cotangents: incoming, needed }) ?? throughDefinition(entry, incoming)
}

/** Runs a fused op's definition under a tape of its own and pulls back through that. */
function throughDefinition(
  { op, inputs, attrs }: TapeEntry,
  incoming: readonly (Tensor | undefined)[],
): readonly (Tensor | undefined)[] {
  const { definition } = opTable[op] as OpDefinition<typeof attrs>
  using recorded = recordTape(inputs, () => (definition as NonNullable<typeof definition>)(inputs, attrs))
  const { tape, result: outputs } = recorded
  const reached = outputs.filter((_, i) => incoming[i] !== undefined)
  const gradients = pullBack(
    tape,
    reached,
    incoming.filter((gradient) => gradient !== undefined),
  )
  // A tensor that is given twice has one gradient, the sum over both places: it must count once.
  return inputs.map((input, i) => (inputs.indexOf(input) === i ? gradients.get(input.id) : undefined))
}

const anIterable = checks.role<Iterable<Tensor>>('several tensors', Symbol.iterator)

/** The result of a body, with the tape that watched it. */
export interface Recording<R> extends Disposable {
  readonly tape: Tape
  readonly result: R
}

/**
 * Runs `body` under a fresh tape that watches `inputs`. Dispose the recording when the backward pass is done.
 */
export function recordTape<R>(inputs: Iterable<Tensor>, body: () => R): Recording<R> {
  checkArgument('recordTape', 'inputs', inputs, anIterable)
  const watched = [...inputs]
  checkArgument('recordTape', 'inputs', watched, checks.tensors)
  checkArgument('recordTape', 'body', body, checks.callback())
  return withEngine(
    (below) => new Tape(below),
    (tape) => {
      for (const input of watched) tape.watch(input)
      try {
        return { tape, result: body(), [Symbol.dispose]: () => tape[Symbol.dispose]() }
      } catch (error) {
        tape[Symbol.dispose]()
        throw error
      }
    },
  )
}
