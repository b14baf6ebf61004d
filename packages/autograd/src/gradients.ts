/** Walks a tape backwards: from the slopes of a result to the slopes of what it was made from. */
import {
  add,
  adopt,
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
import { type GradientRule, rules } from './rules/rule-table.ts'
import { type RerunEntry, Tape, type TapeEntry } from './tape.ts'

/**
 * Pulls cotangents (the slopes of a scalar with respect to `outputs`) back through everything a tape recorded.
 *
 * The order of additions is fixed: entries from the last to the first, inputs from left to right. Same tape, same bits. A slope
 * is freed as soon as it has been passed on.
 *
 * @param outputs Tensors computed under the tape.
 * @param cotangents One per output, of its shape.
 * @param between Tensors on the way whose slopes are wanted, too.
 * @returns The slope of every watched tensor, and of those `between`, that had an influence, by tensor id.
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
  using slopes = new Slopes(new Set(between))
  outputs.forEach((output, i) => tape.isTracked(output) && slopes.add(output, cotangents[i]))
  passOn(tape, slopes)
  return slopes.handOver()
}

/** The slopes known so far. It shares in their ownership, so each can be let go when it is no longer needed. */
class Slopes {
  readonly #byId = new Map<number, Tensor>()
  readonly #kept: ReadonlySet<Tensor>

  /** @param kept Those whose slopes stay when they have been passed on. */
  constructor(kept: ReadonlySet<Tensor> = new Set()) {
    this.#kept = kept
  }

  of(tensor: Tensor): Tensor | undefined {
    return this.#byId.get(tensor.id)
  }

  set(tensor: Tensor, slope: Tensor): void {
    slope.retain()
    this.of(tensor)?.release()
    this.#byId.set(tensor.id, slope)
  }

  add(tensor: Tensor, slope: Tensor): void {
    const known = this.of(tensor)
    this.set(tensor, known === undefined ? slope : add(known, slope))
  }

  /** Lets go of a slope that has been passed on, unless it is wanted. */
  passed(tensor: Tensor): void {
    if (this.#kept.has(tensor)) return
    this.of(tensor)?.release()
    this.#byId.delete(tensor.id)
  }

  /** Everything that is left, given to the innermost open scope. */
  handOver(): ReadonlyMap<number, Tensor> {
    for (const slope of this.#byId.values()) adopt(slope)
    return new Map(this.#byId)
  }

  [Symbol.dispose](): void {
    for (const slope of this.#byId.values()) slope.release()
    this.#byId.clear()
  }
}

/** From the last entry to the first, hands the slopes of what it made to what it was made from. */
function passOn(tape: Tape, slopes: Slopes): void {
  for (const entry of tape.entries.toReversed()) {
    const incoming = entry.outputs.map((output) => slopes.of(output))
    if (incoming.every((slope) => slope === undefined)) continue
    using _ = openScope()
    if (entry.op === 'checkpoint') passThroughRerun(entry, incoming, slopes)
    else {
      const needed = entry.inputs.map((input) => tape.isTracked(input))
      inputSlopes(entry, incoming, needed).forEach((slope, k) => {
        if (slope !== undefined && needed[k]) slopes.add(entry.inputs[k], slope)
      })
    }
    for (const output of entry.outputs) slopes.passed(output)
  }
}

/** Runs a body again, recorded this time. Its inputs' slopes go on from where they are, so that additions keep their order. */
function passThroughRerun(
  { inputs, again, steps }: RerunEntry,
  incoming: readonly (Tensor | undefined)[],
  slopes: Slopes,
): void {
  using recorded = withEngine(
    (below) => new IdleStepsSkipped(below, idleSteps(steps)),
    () => record(inputs, again),
  )
  using inner = new Slopes()
  for (const input of inputs) {
    const known = slopes.of(input)
    if (known !== undefined) inner.set(input, known)
  }
  recorded.result.forEach((tensor, i) => {
    const slope = incoming[i]
    if (slope !== undefined) inner.add(tensor, slope)
  })
  passOn(recorded.tape, inner)
  for (const input of inputs) {
    const slope = inner.of(input)
    if (slope !== undefined) slopes.set(input, slope)
  }
}

function inputSlopes(
  entry: TapeEntry,
  incoming: readonly (Tensor | undefined)[],
  needed: readonly boolean[],
): readonly (Tensor | undefined)[] {
  // What is refused never came onto the tape.
  const rule = rules[entry.op] as GradientRule<typeof entry.op> | 'definition' | 'constant'
  if (rule === 'constant') return []
  const { definition } = opTable[entry.op] as OpDefinition<typeof entry.attrs>
  // A fused gradient is one opaque op; where the gradient itself is recorded, the definition's is used instead.
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
  using recorded = record(inputs, () => (definition as NonNullable<typeof definition>)(inputs, attrs))
  const { tape, result: outputs } = recorded
  const reached = outputs.filter((_, i) => incoming[i] !== undefined)
  const slopes = pullBack(
    tape,
    reached,
    incoming.filter((slope) => slope !== undefined),
  )
  // A tensor that is given twice has one slope, of both places together: it must count once.
  return inputs.map((input, i) => (inputs.indexOf(input) === i ? slopes.get(input.id) : undefined))
}

const anIterable = checks.role<Iterable<Tensor>>('several tensors', Symbol.iterator)

/** What a body computed, with the tape that watched it. */
export interface Recording<R> extends Disposable {
  readonly tape: Tape
  readonly result: R
}

/** Runs `body` under a fresh tape that watches `inputs`. Dispose the answer when the backward pass is done. */
export function record<R>(inputs: Iterable<Tensor>, body: () => R): Recording<R> {
  checkArgument('record', 'inputs', inputs, anIterable)
  const watched = [...inputs]
  checkArgument('record', 'inputs', watched, checks.tensors)
  checkArgument('record', 'body', body, checks.callback())
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
