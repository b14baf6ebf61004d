/** Optimisers that keep one moving average of the gradient beside each parameter. */
import {
  assign,
  elementwise,
  type Expression,
  expression,
  scope,
  type PlainTensor,
  TensorMirror,
} from '@burgeon/tensor'
import type { GradientTransform } from './gradient-transform.ts'

const { abs, constant, input, less, select } = expression

/** The gradient. */
export const gradient: Expression = input(0)
/** The moment before the step. */
export const moment: Expression = input(1)
/** The parameter before the step. */
export const parameter: Expression = input(2)

/** `x` where the gradient is finite, else `otherwise`. */
const whereFinite = (x: Expression, otherwise: Expression): Expression =>
  select(less(abs(gradient), constant(Infinity)), x, otherwise)

/** One step as formulas over `gradient`, `moment`, `parameter` and the scalars. */
export interface OneMomentRule {
  readonly name: string
  /** The moment after the step. */
  readonly next: Expression
  /** The change of the parameter. */
  readonly change: Expression
  readonly rateAt: (step: number) => number
  readonly scalarsOf: (rate: number, path: string) => readonly number[]
}

/** Where a gradient is infinite or NaN nothing changes. */
export function oneMoment({ name, next, change, rateAt, scalarsOf }: OneMomentRule): GradientTransform {
  const moments = new TensorMirror(`${name} moment`, 'gradient')
  const [kept, moved] = [whereFinite(next, moment), whereFinite(change, constant(0))]
  return {
    name,
    mirrors: [moments],
    rateAt,
    transform(gradients, { parameters, step }) {
      const rate = rateAt(step)
      const updates = Object.entries(gradients).map(([path, slope]) => {
        const before = moments.getOrZero(path, slope)
        const inputs = [slope, before, parameters[path]]
        const scalars = scalarsOf(rate, path)
        const update = elementwise(moved, inputs, scalars)
        scope(() => assign(before, elementwise(kept, inputs, scalars)))
        return [path, update] as const
      })
      return Object.fromEntries(updates)
    },
    toState: () => moments.toState(),
    restore(state, parameters) {
      moments.restore(state as Readonly<Record<string, PlainTensor>>, parameters)
    },
  }
}
