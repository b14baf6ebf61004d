/**
 * Walks a tape backwards once for all examples and keeps each example's gradients of shared tensors apart.
 */
import {
  add,
  expression,
  type OpDefinition,
  type OpName,
  opTable,
  reshape,
  slice,
  type Tensor,
} from '@burgeon/tensor'
import { NotDifferentiableError } from '../errors.ts'
import { type Recording, recordTape } from '../gradients.ts'
import { gradientOf } from '../rules/elementwise.ts'
import type { GradientRule } from '../rules/gradient-rule.ts'
import { rules, type RuledOpName } from '../rules/rule-table.ts'
import type { RerunEntry, Tape, TapeEntry } from '../tape.ts'
import { type ExampleGradients, exampleRules, type Holds } from './example-rules.ts'

/** Examples `from` to `to − 1`, and their gradients of shared tensors as far as they are known. */
export interface Chunk {
  readonly from: number
  readonly to: number
  readonly known: Map<number, Tensor>
}

/** The gradient of a shared tensor through one of its uses, `[N, shape…]`; computed when it is asked for. */
type Contribution = (chunk: Chunk) => Tensor

/**
 * Gradients by tensor. A tensor that holds the examples along its first axis has gradients of its own shape,
 * because the rows of different examples do not depend on each other; a shared tensor has contributions.
 *
 * B examples, N of them at a time. Dispose it when all gradients have been read.
 */
export class ExampleWalk implements Disposable {
  readonly #who: string
  readonly #examples: number
  /** Cotangents between the result and the sum over examples. */
  readonly #totals = new Map<number, Tensor>()
  readonly #held = new Map<number, Tensor>()
  readonly #shared = new Map<number, Contribution[]>()
  readonly #recordings: Disposable[] = []

  /** @param who Whose errors it throws. */
  constructor(who: string, examples: number) {
    this.#who = who
    this.#examples = examples
  }

  /** Pulls the cotangent of the tape's scalar result back to everything on the tape. */
  pullBack(tape: Tape, result: Tensor, gradient: Tensor): void {
    if (tape.isTracked(result)) this.#totals.set(result.id, gradient)
    this.#walk(tape)
  }

  /** Whether a tensor that all examples should share has gradients that belong to no single example. */
  isTornApart(tensor: Tensor): boolean {
    return this.#totals.has(tensor.id) || this.#held.has(tensor.id)
  }

  hasGradients(tensor: Tensor): boolean {
    return this.#shared.has(tensor.id)
  }

  /** Returns the gradients of a shared tensor, example by example: `[N, shape…]`. */
  gradientsOf({ id }: Tensor, chunk: Chunk): Tensor {
    const known = chunk.known.get(id)
    if (known !== undefined) return known
    const parts = (this.#shared.get(id) ?? []).map((part) => part(chunk))
    const gradients = parts.reduce((a, b) => add(a, b))
    chunk.known.set(id, gradients)
    return gradients
  }

  #walk(tape: Tape): void {
    for (let i = tape.entries.length - 1; i >= 0; i--) {
      const entry = tape.entries[i]
      if (entry.op === 'checkpoint') {
        this.#throughRerun(entry)
        continue
      }
      // An op that tapes refuse never came onto the tape.
      if (rules[entry.op] === 'constant') continue
      const needed = entry.inputs.map((input) => tape.isTracked(input))
      if (this.#reaches(this.#totals, entry)) this.#pullTotal(entry, needed)
      if (this.#reaches(this.#held, entry)) this.#pullHeld(entry, needed)
      if (this.#reaches(this.#shared, entry)) this.#pullShared(entry, needed)
    }
  }

  #reaches(gradients: ReadonlyMap<number, unknown>, { outputs }: TapeEntry | RerunEntry): boolean {
    return outputs.some(({ id }) => gradients.has(id))
  }

  /** Pulls cotangents from the result back to the sum over examples, through ops that are linear. */
  #pullTotal(entry: TapeEntry, needed: readonly boolean[]): void {
    const { op, inputs, outputs, attrs } = entry
    const isSum = op === 'reduce' && (attrs as { kind: string }).kind === 'sum'
    const isLinear = op === 'elementwise' && isLinearIn(entry as TapeEntry<'elementwise'>, needed)
    if (!isSum && !isLinear && op !== 'reshape') {
      this.#refuse(op, 'The function does more with the sum over examples than scale it.')
    }
    const rule = rules[op] as GradientRule<OpName>
    const gradients = rule({ ...entry, cotangents: outputs.map(({ id }) => this.#totals.get(id)), needed })
    const [rows] = inputs[0].shape
    const isOverExamples = isSum && (attrs as { axes: readonly number[] }).axes.includes(0)
    const target = isOverExamples && rows % this.#examples === 0 ? this.#held : this.#totals
    gradients?.forEach((gradient, i) => needed[i] && addTo(target, inputs[i], gradient))
  }

  /** Pulls cotangents through an op whose output holds the examples. */
  #pullHeld(entry: TapeEntry, needed: readonly boolean[]): void {
    const { op, inputs, outputs, attrs } = entry
    // An op without a rule goes by its definition.
    const row = exampleRules[op as RuledOpName] as
      | { holds: Holds<OpName>; gradients?: ExampleGradients<OpName> }
      | 'definition'
      | undefined
    const cotangents = outputs.map(({ id }) => this.#held.get(id))
    const [dy, ...others] = cotangents
    const isFirst = dy !== undefined && others.every((gradient) => gradient === undefined)
    if (row === undefined || row === 'definition' || !isFirst) {
      this.#throughDefinition(entry, needed, this.#held)
      return
    }
    const holds = row.holds({ inputs, output: outputs[0], attrs })
    if (typeof holds === 'string') this.#refuse(op, holds)
    const wanted = needed.map((is, i) => is && holds[i])
    if (wanted.includes(true)) {
      inputs.forEach((x, i) => wanted[i] && this.#checkRows(op, x))
      const gradients = (rules[op] as GradientRule<OpName>)({ ...entry, cotangents, needed: wanted })
      gradients?.forEach((gradient, i) => wanted[i] && addTo(this.#held, inputs[i], gradient))
    }
    const { gradients } = row
    inputs.forEach((x, i) => {
      if (!needed[i] || holds[i] || gradients === undefined) return
      this.#contribute(x, (chunk) => {
        const views = inputs.map((input, j) => (holds[j] ? this.#view(input, chunk) : input))
        const results = outputs.map((output) => this.#view(output, chunk))
        const count = chunk.to - chunk.from
        return gradients({ inputs: views, outputs: results, attrs, count, dy: this.#view(dy, chunk) }, i)
      })
    })
  }

  /** Pulls cotangents through an op whose output all examples share, and with it every input. */
  #pullShared(entry: TapeEntry, needed: readonly boolean[]): void {
    const { op, inputs, outputs, attrs } = entry
    if (hasDefinition(op)) {
      this.#throughDefinition(entry, needed, this.#shared)
      return
    }
    const { gradients } = exampleRules[op as RuledOpName] as unknown as {
      gradients: ExampleGradients<OpName>
    }
    inputs.forEach((x, i) => {
      if (!needed[i]) return
      this.#contribute(x, (chunk) => {
        const dy = this.gradientsOf(outputs[0], chunk)
        return gradients({ inputs, outputs, attrs, count: chunk.to - chunk.from, dy }, i)
      })
    })
  }

  /** Runs a fused op's definition under a tape of its own and walks back through that. */
  #throughDefinition<S>(
    { op, inputs, outputs, attrs }: TapeEntry,
    needed: readonly boolean[],
    gradients: Map<number, S>,
  ): void {
    const { definition } = opTable[op] as OpDefinition<typeof attrs>
    if (definition === undefined) this.#refuse(op, 'It has no rule for examples.')
    const watched = inputs.filter((_, i) => needed[i])
    const { tape, result } = this.#keep(recordTape(watched, () => definition(inputs, attrs)))
    rename(gradients, outputs, result)
    this.#walk(tape)
  }

  /** Runs a body again, recorded this time. */
  #throughRerun(entry: RerunEntry): void {
    const all = [this.#totals, this.#held, this.#shared]
    if (!all.some((gradients) => this.#reaches(gradients, entry))) return
    const { tape, result } = this.#keep(recordTape(entry.inputs, entry.again))
    for (const gradients of all) rename<unknown>(gradients, entry.outputs, result)
    this.#walk(tape)
  }

  /** Keeps a recording open: contributions are computed later, and need it. */
  #keep<R>(recorded: Recording<R>): Recording<R> {
    this.#recordings.push(recorded)
    return recorded
  }

  [Symbol.dispose](): void {
    for (const recorded of this.#recordings.splice(0)) recorded[Symbol.dispose]()
  }

  /** Returns the rows of a chunk's examples, `[N, k, …]`. */
  #view(tensor: Tensor, { from, to }: Chunk): Tensor {
    const [rows, ...rest] = tensor.shape
    const k = rows / this.#examples
    return reshape(slice(tensor, [from * k], [to * k]), [to - from, k, ...rest])
  }

  #contribute(tensor: Tensor, part: Contribution): void {
    const parts = this.#shared.get(tensor.id)
    if (parts === undefined) this.#shared.set(tensor.id, [part])
    else parts.push(part)
  }

  #checkRows(op: OpName, { shape: [rows] }: Tensor): void {
    if (rows === undefined || rows % this.#examples !== 0) {
      this.#refuse(op, `It makes ${rows ?? 1} rows into a multiple of ${this.#examples}.`)
    }
  }

  #refuse(op: OpName, why: string): never {
    throw new NotDifferentiableError(
      `${this.#who}: ${op} does not keep ${this.#examples} examples apart. ${why} ` +
        'Keep them in order along the first axis up to one last sum, or take the gradient of each example by itself.',
    )
  }
}

function addTo(gradients: Map<number, Tensor>, tensor: Tensor, gradient: Tensor | undefined): void {
  if (gradient === undefined) return
  const known = gradients.get(tensor.id)
  gradients.set(tensor.id, known === undefined ? gradient : add(known, gradient))
}

/** Moves the gradients of some tensors to others that hold the same numbers. */
function rename<S>(gradients: Map<number, S>, from: readonly Tensor[], to: readonly Tensor[]): void {
  from.forEach(({ id }, i) => {
    const gradient = gradients.get(id)
    if (gradient !== undefined) gradients.set(to[i].id, gradient)
  })
}

const hasDefinition = (op: OpName): boolean => (opTable[op] as OpDefinition<unknown>).definition !== undefined

/** Whether a formula is linear in every input that is needed: no gradient depends on that input. */
function isLinearIn({ inputs, attrs }: TapeEntry<'elementwise'>, needed: readonly boolean[]): boolean {
  return inputs.every((_, i) => {
    if (!needed[i]) return true
    const nodes = expression.topologicalOrder(gradientOf(attrs.expression, i, inputs.length))
    return nodes.every((node) => node.kind !== 'input' || node.index === inputs.length || !needed[node.index])
  })
}
