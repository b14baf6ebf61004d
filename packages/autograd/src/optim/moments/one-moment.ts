/** Optimizers that keep one moving average of the gradient beside each parameter. */
import { assign, elementwise, type Expression, expression, scope, TensorMirror } from '@burgeon/tensor'
import { finiteOnly } from '../non-finite/finite-only.ts'
import type { GradientTransform } from '../transforms/gradient-transform.ts'
import { CopyPaces, paceFactor } from './copy-paces.ts'
import { withPaces } from './with-paces.ts'

const { abs, constant, input, less, select } = expression

/** The gradient. */
export const gradient: Expression = input(0)
/** The moment before the step. */
export const moment: Expression = input(1)
/** The parameter before the step. */
export const parameter: Expression = input(2)

/** The factor of a copy on the step; 1 for all else. */
export const pace: Expression = input(3)

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
  /** The change of a parameter with copies, over `pace` too. */
  readonly pacedChange: Expression
  /** Whether the size of a step goes with that of the gradient. */
  readonly steps: 'scaleFree' | 'proportional'
  /** Steps over which the pace of copies becomes that of all others. */
  readonly copyPacing: number
  readonly rateAt: (step: number) => number
  /** From what size on a gradient that lasts would make the moment infinite. */
  readonly largest: number
  /** The same, or less where the rate makes changes infinite before. */
  readonly largestAt: (rate: number) => number
  readonly scalarsOf: (rate: number, path: string) => readonly number[]
}

/** Refuses gradients above the limit; where it may skip them, it changes nothing there. */
export function oneMoment(rule: OneMomentRule): GradientTransform {
  const { name, next, change, pacedChange, rateAt, largest, largestAt, scalarsOf } = rule
  const moments = new TensorMirror(`${name} moment`, 'gradient')
  const kept = below(largest, next, moment)
  const paces = new CopyPaces(`${name} paces of copies`, rule.copyPacing)
  const [moved, movedByPace] = [change, pacedChange].map((own) => below(largest, finite(own), constant(0)))
  return finiteOnly({
    name,
    mirrors: [moments, paces],
    rateAt,
    largestAt,
    transform(gradients, { parameters, rate }) {
      const updates = Object.entries(gradients).map(([path, gradient]) => {
        const before = moments.getOrZero(path, gradient)
        const inputs = [gradient, before, parameters[path]]
        const scalars = scalarsOf(rate, path)
        const own = paces.tick(path)
        const update =
          own === null
            ? elementwise(moved, inputs, scalars)
            : elementwise(
                movedByPace,
                [...inputs, paceFactor(gradient.device, gradient.shape.length, own, rule.steps)],
                scalars,
              )
        scope(() => assign(before, elementwise(kept, inputs, scalars)))
        return [path, update] as const
      })
      return Object.fromEntries(updates)
    },
    ...withPaces(paces, {
      toState: () => moments.toState(),
      checkState: (state, parameters) => moments.checkState(state, parameters),
      restore: (state, parameters) => moments.restore(state, parameters),
    }),
  })
}
