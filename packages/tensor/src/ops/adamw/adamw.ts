/** One AdamW step for one tensor (Loshchilov & Hutter 2019, algorithm 2). */
import * as checks from '../../checks/checks.ts'
import { checkOptions, type ChecksOf } from '../../checks/check-options.ts'
import { checkTensor } from '../../checks/check-tensor.ts'
import { runOp } from '../../engine.ts'
import { ShapeError } from '../../errors.ts'
import * as e from '../../expression/expression.ts'
import type { Expression } from '../../expression/expression.ts'
import { defineOp, f32 } from '../../op.ts'
import { formatShape, sameShape, sizeOf } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { assign } from '../assign/assign.ts'
import { elementwise } from '../elementwise/elementwise.ts'

/** The hyperparameters of one AdamW step. */
export interface AdamwAttrs {
  /** Positive. */
  readonly learningRate: number
  /** Decay of the moments, in [0, 1). */
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  /** Decoupled decay, ≥ 0; multiplied by the learning rate. */
  readonly weightDecay: number
  /** Steps taken including this one, from 1; for the bias correction. */
  readonly step: number
}

const { add, constant, divide, input, multiply, scalar, sqrt } = e
const [w, g, m, v] = [input(0), input(1), input(2), input(3)]

/** WASM and WGSL have no flush-to-zero: tiny moments would become slow denormals, so they are cut to 0. */
const cutTiny = (x: Expression): Expression => e.select(e.less(e.abs(x), constant(1e-30)), constant(0), x)
/** The share 1 − β comes in double precision: in single, 1 − 0.999 would be off by a hundred-thousandth. */
const average = (old: Expression, fresh: Expression, beta: Expression, share: Expression): Expression =>
  cutTiny(add(multiply(beta, old), multiply(share, fresh)))

/** From 2⁶³ on a square may overflow single precision, and an infinite second moment would stay infinite. */
const largestGradient = 2 ** 63

/** Leaves numbers unchanged where the gradient is NaN, infinite or too large to be squared. */
const whereFinite = (x: Expression, otherwise: Expression): Expression =>
  e.select(e.less(e.abs(g), constant(largestGradient)), x, otherwise)

/** m ← β₁·m + (1 − β₁)·g, with inputs w, g, m, v and the scalars of `scalarsOf`. */
export const firstMoment: Expression = whereFinite(average(m, g, scalar(1), scalar(7)), m)
/** v ← β₂·v + (1 − β₂)·g². */
export const secondMoment: Expression = whereFinite(average(v, multiply(g, g), scalar(2), scalar(8)), v)
/** Δw = −rate·(m̂/(√v̂ + ε) + λ·w), from the new moments. */
export const update: Expression = whereFinite(
  e.negate(
    multiply(
      scalar(0),
      add(
        divide(multiply(m, scalar(5)), add(sqrt(multiply(v, scalar(6))), scalar(3))),
        multiply(scalar(4), w),
      ),
    ),
  ),
  constant(0),
)

/** [rate, β₁, β₂, ε, λ, 1/(1 − β₁ᵗ), 1/(1 − β₂ᵗ), 1 − β₁, 1 − β₂] */
export function scalarsOf(attrs: AdamwAttrs): number[] {
  const { learningRate, beta1, beta2, epsilon, weightDecay, step } = attrs
  const corrections = [1 / (1 - beta1 ** step), 1 / (1 - beta2 ** step)]
  return [learningRate, beta1, beta2, epsilon, weightDecay, ...corrections, 1 - beta1, 1 - beta2]
}

/** AdamW as formulas, for a step that `adamwUpdate` cannot take in one go. */
export interface AdamwFormulas {
  /**
   * m ← β₁·m + (1 − β₁)·g, from the inputs w, g, m, v and the scalars of `scalarsOf`; m where |g| is not
   * below `largestGradient`.
   */
  readonly firstMoment: Expression
  /** v ← β₂·v + (1 − β₂)·g², likewise. */
  readonly secondMoment: Expression
  /** Δw from the inputs w, g and the new m, v; 0 where |g| is not below `largestGradient`. */
  readonly update: Expression
  /** [rate, β₁, β₂, ε, λ, 1/(1 − β₁ᵗ), 1/(1 − β₂ᵗ), 1 − β₁, 1 − β₂] */
  readonly scalarsOf: (attrs: AdamwAttrs) => number[]
  /** 2⁶³. */
  readonly largestGradient: number
}

/** The formulas of `adamwUpdate`, the same on every device. */
export const adamwFormulas: AdamwFormulas = {
  firstMoment,
  secondMoment,
  update,
  scalarsOf,
  largestGradient,
}

export const adamwOp = defineOp<AdamwAttrs>()({
  name: 'adamw',
  takes: { parameter: 'f32', gradient: 'f32', first: 'f32', second: 'f32' },
  // w, g, m, v of one shape → Δw; m and v are written in place
  mutates: [2, 3],
  infer(inputs) {
    if (!inputs.every((x) => sameShape(x.shape, inputs[0].shape))) {
      throw new ShapeError(
        `adamw: got ${inputs.map((x) => formatShape(x.shape)).join(', ')}; ` +
          'expected parameter, gradient and both moments to have one shape. Was the optimizer left out of a growth plan?',
      )
    }
    return [f32(inputs[0].shape)]
  },
  flops: ([x]) => 12 * sizeOf(x.shape),
  definition([parameter, gradient, first, second], attrs) {
    const scalars = scalarsOf(attrs)
    const all = [parameter, gradient, first, second]
    assign(first, elementwise(firstMoment, all, scalars))
    assign(second, elementwise(secondMoment, all, scalars))
    return [elementwise(update, all, scalars)]
  },
})

const decay = checks.required(checks.number({ from: 0, below: 1 }))
const atLeast0 = checks.required(checks.number({ from: 0 }))
const attrChecks: ChecksOf<AdamwAttrs> = {
  learningRate: atLeast0,
  beta1: decay,
  beta2: decay,
  epsilon: atLeast0,
  weightDecay: atLeast0,
  step: checks.required(checks.integer({ from: 1 })),
}

/**
 * Updates the moments in place and returns the change Δw to be added to the parameter. All tensors have one
 * shape. Where the gradient is NaN, infinite or at least 2⁶³ (its square might overflow single precision)
 * nothing changes: so a loss scale can skip a step on the device.
 */
export function adamwUpdate(
  parameter: Tensor,
  gradient: Tensor,
  firstMoment: Tensor,
  secondMoment: Tensor,
  attrs: AdamwAttrs,
): Tensor {
  checkTensor('adamwUpdate', 'parameter', parameter)
  checkTensor('adamwUpdate', 'gradient', gradient)
  checkTensor('adamwUpdate', 'firstMoment', firstMoment)
  checkTensor('adamwUpdate', 'secondMoment', secondMoment)
  checkOptions('adamwUpdate', attrs, attrChecks)
  return runOp('adamw', [parameter, gradient, firstMoment, secondMoment], attrs)[0]
}
