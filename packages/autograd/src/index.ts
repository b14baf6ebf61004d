/** `@burgeon/autograd`: slopes. The public list, nothing else. */
export { NotDifferentiableError } from './errors.ts'
export { type GradientOf, grad, type TensorTree, type ValueAndGradient, valueAndGrad } from './grad.ts'
export { pullBack, type Recording, record } from './gradients.ts'
export { type AdamwOptions, adamw } from './optimizer/adamw.ts'
export { clipByGlobalNorm } from './optimizer/clip-by-global-norm.ts'
export { clipByValue } from './optimizer/clip-by-value.ts'
export { dynamicLossScale, type LossScale, type LossScaleOptions } from './optimizer/dynamic-loss-scale.ts'
export {
  applyUpdates,
  chain,
  type GradientTransform,
  stateless,
  type UpdateContext,
} from './optimizer/gradient-transform.ts'
export { type LionOptions, lion } from './optimizer/lion.ts'
export {
  type CosineOptions,
  type Schedule,
  type StableOptions,
  scheduleOf,
  warmUp,
  warmUpCosine,
  warmUpStableDecay,
} from './optimizer/schedule.ts'
export { type SgdOptions, sgd } from './optimizer/sgd.ts'
export {
  type ExampleOptions,
  sumOfSquaredGradients,
  type ValueAndSquares,
} from './per-example/sum-of-squared-gradients.ts'
export { hvp, jacobian, jvp, type ValueAndProduct, vjp } from './products.ts'
export { stopGradient } from './stop-gradient.ts'
export { Tape, type TapeEntry } from './tape.ts'
