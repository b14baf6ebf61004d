/** Walks a tape backwards: from the slopes of a result to the slopes of what it was made from. */
import { add, isRecorded, type OpDefinition, opTable, type Tensor, withEngine } from '@burgeon/tensor'
import { type GradientRule, rules } from './rules/rule-table.ts'
import { Tape, type TapeEntry } from './tape.ts'

/**
 * Pulls cotangents (the slopes of a scalar with respect to `outputs`) back through everything a tape recorded.
 *
 * The order of additions is fixed: entries from the last to the first, inputs from left to right. Same tape, same bits.
 *
 * @param outputs Tensors computed under the tape.
 * @param cotangents One per output, of its shape.
 * @returns The slope of every tracked tensor that had an influence, by tensor id.
 */
export function pullBack(
  tape: Tape,
  outputs: readonly Tensor[],
  cotangents: readonly Tensor[],
): ReadonlyMap<number, Tensor> {
  const slopes = new Map<number, Tensor>()
  const accumulate = (tensor: Tensor, slope: Tensor): void => {
    const known = slopes.get(tensor.id)
    slopes.set(tensor.id, known === undefined ? slope : add(known, slope))
  }
  outputs.forEach((output, i) => tape.isTracked(output) && accumulate(output, cotangents[i]))
  for (let i = tape.entries.length - 1; i >= 0; i--) {
    const entry = tape.entries[i]
    const incoming = entry.outputs.map((output) => slopes.get(output.id))
    if (incoming.every((slope) => slope === undefined)) continue
    const needed = entry.inputs.map((input) => tape.isTracked(input))
    inputSlopes(entry, incoming, needed).forEach((slope, k) => {
      if (slope !== undefined && needed[k]) accumulate(entry.inputs[k], slope)
    })
  }
  return slopes
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

/** What a body computed, with the tape that watched it. */
export interface Recording<R> extends Disposable {
  readonly tape: Tape
  readonly result: R
}

/** Runs `body` under a fresh tape that watches `inputs`. Dispose the answer when the backward pass is done. */
export function record<R>(inputs: Iterable<Tensor>, body: () => R): Recording<R> {
  return withEngine(
    (below) => new Tape(below),
    (tape) => {
      for (const input of inputs) tape.watch(input)
      try {
        return { tape, result: body(), [Symbol.dispose]: () => tape[Symbol.dispose]() }
      } catch (error) {
        tape[Symbol.dispose]()
        throw error
      }
    },
  )
}
