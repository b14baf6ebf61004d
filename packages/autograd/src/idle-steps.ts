/** Skips the steps of a rerun body whose numbers no gradient reads. */
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

/** The numbers that the gradient rule of a step reads; all of them where the rule does not say. */
function readsOf({ op, attrs, inputs }: RerunStep): Reads {
  const { movement } = opTable[op] as OpDefinition<never>
  if (movement) return nothing(attrs, inputs.length)
  const rule = rules[op] as GradientRule<OpName> | string
  const reads = typeof rule === 'function' ? rule.reads : undefined
  return reads?.(attrs as never, inputs.length) ?? { inputs: inputs.map(() => true), outputs: true }
}

/**
 * Finds the steps whose outputs no other step computes with and no rule reads: the last product of a block
 * and the sum behind it, for example.
 *
 * @returns Their places in `steps`.
 */
export function idleSteps(steps: readonly RerunStep[]): ReadonlySet<number> {
  const used = new Set<number>()
  const idle = new Set<number>()
  for (const [place, step] of [...steps.entries()].toReversed()) {
    const reads = readsOf(step)
    const isIdle = !reads.outputs && !step.outputs.some((id) => used.has(id))
    if (isIdle) idle.add(place)
    step.inputs.forEach((id, i) => {
      if (!isIdle || reads.inputs[i]) used.add(id)
    })
  }
  return idle
}

/**
 * An engine that replaces idle steps by zeros and passes the others on. It belongs below the tape that
 * records the body.
 */
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
