/** Optimizers that keep one moving average of the gradient beside each parameter. */
import { assign, elementwise, type Expression, expression, scope, TensorMirror } from '@burgeon/tensor'
import { finiteOnly } from '../non-finite/finite-only.ts'
import type { GradientTransform } from '../transforms/gradient-transform.ts'

const { abs, constant, input, less, select } = expression

/** The gradient. */
export const gradient: Expression = input(0)
/** The moment before the step. */
export const moment: Expression = input(1)
/** The parameter before the step. */
export const parameter: Expression = input(2)

/** `x` where the gradient is below a limit, else `otherwise`. */
const below = (limit: number, x: Expression, otherwise: Expression): Expression =>
  select(less(abs(gradient), constant(limit)), x, otherwise)

/** `x`, or 0 where it is infinite or NaN. */
export const finite = (x: Expression): Expression => select(less(abs(x), constant(Infinity)), x, constant(0))

/** One step as formulas over `gradient`, `moment`, `parameter` and the scalars. */
export interface OneMomentRule {
  readonly name: string
  /** The moment after the step. */
  readonly next: Expression
  /** The change of the parameter. */
  readonly change: Expression
  readonly rateAt: (step: number) => number
  /** From what size on a gradient that lasts would make the moment infinite. */
  readonly largest: number
  /** The same, or less where the rate makes changes infinite before. */
  readonly largestAt: (rate: number) => number
  readonly scalarsOf: (rate: number, path: string) => readonly number[]
}

/** Refuses gradients above the limit; where it may skip them, it changes nothing there. */
export function oneMoment(rule: OneMomentRule): GradientTransform {
  const { name, next, change, rateAt, largest, largestAt, scalarsOf } = rule
  const moments = new TensorMirror(`${name} moment`, 'gradient')
  const kept = below(largest, next, moment)
  const moved = below(largest, finite(change), constant(0))
  return finiteOnly({
    name,
    mirrors: [moments],
    rateAt,
    largestAt,
    transform(gradients, { parameters, rate }) {
      const updates = Object.entries(gradients).map(([path, gradient]) => {
        const before = moments.getOrZero(path, gradient)
        const inputs = [gradient, before, parameters[path]]
        const scalars = scalarsOf(rate, path)
        const update = elementwise(moved, inputs, scalars)
        scope(() => assign(before, elementwise(kept, inputs, scalars)))
        return [path, update] as const
      })
      return Object.fromEntries(updates)
    },
    toState: () => moments.toState(),
    checkState: (state, parameters) => moments.checkState(state, parameters),
    restore: (state, parameters) => moments.restore(state, parameters),
  })
}
