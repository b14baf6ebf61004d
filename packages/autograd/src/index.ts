/** `@burgeon/autograd`: gradients. The public list, nothing else. */
export { checkpoint } from '@burgeon/tensor'
export { NotDifferentiableError } from './errors.ts'
export { type GradientOf, grad, type TensorTree, type ValueAndGradient, valueAndGrad } from './grad.ts'
export { pullBack, type Recording, record } from './gradients.ts'
export { accumulate } from './optimizer/accumulate.ts'
export { type AdafactorOptions, adafactor } from './optimizer/adafactor.ts'
export { type AdamwOptions, adamw } from './optimizer/adamw.ts'
export type { RowAxes } from './optimizer/as-matrix.ts'
export { byPath } from './optimizer/by-path.ts'
export { clipByGlobalNorm } from './optimizer/clip-by-global-norm.ts'
export { clipByValue } from './optimizer/clip-by-value.ts'
export {
  type InfiniteOptions,
  infiniteSchedule,
  type ReWarmedOptions,
  reWarmedCosine,
} from './optimizer/continual-schedule.ts'
export { decayWeights } from './optimizer/decay-weights.ts'
export { dynamicLossScale, type LossScale, type LossScaleOptions } from './optimizer/dynamic-loss-scale.ts'
export {
  aGradientTransform,
  applyUpdates,
  chain,
  type GradientTransform,
  stateless,
  type UpdateContext,
} from './optimizer/gradient-transform.ts'
export { type LionOptions, lion } from './optimizer/lion.ts'
export { type MovingAverage, movingAverage } from './optimizer/moving-average.ts'
export { type MuonOptions, muon } from './optimizer/muon.ts'
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
export { type RerunEntry, Tape, type TapeEntry } from './tape.ts'
