/** What need not be computed when a body is run again for its gradients: steps whose numbers nobody will look at. */
import {
  type Attrs,
  type Engine,
  type OpDefinition,
  type OpName,
  opTable,
  type RerunStep,
  type Tensor,
} from '@burgeon/tensor'
import { type GradientRule, nothing, type Reads } from './rules/gradient-rule.ts'
import { rules } from './rules/rule-table.ts'

/** What is not known to be left alone counts as looked at. */
function readsOf({ op, attrs, inputs }: RerunStep): Reads {
  const { movement } = opTable[op] as OpDefinition<never>
  if (movement) return nothing(attrs, inputs.length)
  const rule = rules[op] as GradientRule<OpName> | string
  const reads = typeof rule === 'function' ? rule.reads : undefined
  return reads?.(attrs as never, inputs.length) ?? { inputs: inputs.map(() => true), outputs: true }
}

/**
 * The places of steps whose outputs no other step computes with and no rule looks at: the last product of a block and the sum behind it,
 * for example.
 */
export function idleSteps(steps: readonly RerunStep[]): ReadonlySet<number> {
  const lookedAt = new Set<number>()
  const idle = new Set<number>()
  for (const [place, step] of [...steps.entries()].toReversed()) {
    const reads = readsOf(step)
    const isIdle = !reads.outputs && !step.outputs.some((id) => lookedAt.has(id))
    if (isIdle) idle.add(place)
    step.inputs.forEach((id, i) => {
      if (!isIdle || reads.inputs[i]) lookedAt.add(id)
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
