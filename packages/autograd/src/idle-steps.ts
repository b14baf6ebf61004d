/** What need not be computed when a body is run again for its gradients: steps whose numbers nobody will look at. */
import {
  type Attrs,
  derivative,
  type Engine,
  expression,
  type OpDefinition,
  type OpName,
  opTable,
  type RerunStep,
  type Tensor,
} from '@burgeon/tensor'

/** Which numbers an op's gradient rule looks at, besides gradients; shapes are always there. */
interface Looks {
  readonly inputs: readonly boolean[]
  readonly outputs: boolean
}

const moves: ReadonlySet<OpName> = new Set(['reshape', 'permute', 'broadcast', 'slice', 'pad', 'concatenate'])
const multiplies: ReadonlySet<OpName> = new Set(['matmul', 'linear'])

/** What is not known to be left alone counts as looked at. */
function looksOf({ op, attrs, inputs }: RerunStep): Looks {
  const all = (look: boolean): boolean[] => inputs.map(() => look)
  if (moves.has(op)) return { inputs: all(false), outputs: false }
  if (multiplies.has(op)) return { inputs: all(true), outputs: false }
  if (op !== 'elementwise') return { inputs: all(true), outputs: true }
  const formula = (attrs as Attrs<'elementwise'>).expression
  const seen = new Set(
    inputs
      .flatMap((_, i) => [...expression.topologicalOrder(derivative(formula, i))])
      .flatMap((node) => (node.kind === 'input' ? [node.index] : [])),
  )
  return { inputs: inputs.map((_, i) => seen.has(i)), outputs: false }
}

/**
 * The places of steps whose outputs no other step computes with and no rule looks at: the last product of a block and the sum behind it,
 * for example.
 */
export function idleSteps(steps: readonly RerunStep[]): ReadonlySet<number> {
  const lookedAt = new Set<number>()
  const idle = new Set<number>()
  for (const [place, step] of [...steps.entries()].toReversed()) {
    const looks = looksOf(step)
    const isIdle = !looks.outputs && !step.outputs.some((id) => lookedAt.has(id))
    if (isIdle) idle.add(place)
    step.inputs.forEach((id, i) => {
      if (!isIdle || looks.inputs[i]) lookedAt.add(id)
    })
  }
  return idle
}

/** Replaces idle steps by zeros, and hands the others on. Belongs below the tape that records the body. */
export class IdleStepsSkipped implements Engine {
  readonly #below: Engine
  readonly #idle: ReadonlySet<number>
  #place = 0

  constructor(below: Engine, idle: ReadonlySet<number>) {
    this.#below = below
    this.#idle = idle
  }

  run<K extends OpName>(op: K, inputs: readonly Tensor[], attrs: Attrs<K>): readonly Tensor[] {
    const isIdle = this.#idle.has(this.#place++)
    const { infer } = opTable[op] as unknown as OpDefinition<Attrs<K>>
    const specs = isIdle ? infer(inputs, attrs) : []
    if (!isIdle || specs.some(({ dtype }) => dtype !== 'f32')) return this.#below.run(op, inputs, attrs)
    const [{ device }] = inputs
    return specs.flatMap(({ shape, dtype }) =>
      this.#below.run('fill', [], { device, shape, dtype, value: 0 }),
    )
  }
}
