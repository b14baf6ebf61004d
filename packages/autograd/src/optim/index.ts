/**
 * `@burgeon/autograd/optim`: optimizers, schedules and other transforms of gradients. The public list,
 * nothing else.
 */
export { accumulate } from './transforms/accumulate.ts'
export { type AdafactorOptions, adafactor } from './optimizers/adafactor.ts'
export { type AdamwOptions, adamw } from './optimizers/adamw.ts'
export type { RowAxes } from './moments/as-matrix.ts'
export { byPath } from './transforms/by-path.ts'
export { clipByGlobalNorm } from './transforms/clip-by-global-norm.ts'
export { clipByValue } from './transforms/clip-by-value.ts'
export {
  type InfiniteOptions,
  infiniteSchedule,
  type ReWarmedOptions,
  reWarmedCosine,
} from './schedules/continual-schedule.ts'
export { decayWeights } from './transforms/decay-weights.ts'
export { dynamicLossScale, type LossScale, type LossScaleOptions } from './transforms/dynamic-loss-scale.ts'
export {
  aGradientTransform,
  applyUpdates,
  chain,
  type GradientTransform,
  stateless,
  type UpdateContext,
} from './transforms/gradient-transform.ts'
export { type LionOptions, lion } from './optimizers/lion.ts'
export { type MovingAverage, movingAverage } from './transforms/moving-average.ts'
export { type MuonOptions, muon } from './optimizers/muon.ts'
export {
  type CosineOptions,
  type Schedule,
  type StableOptions,
  scheduleOf,
  warmUp,
  warmUpCosine,
  warmUpStableDecay,
} from './schedules/schedule.ts'
export { type Privacy, privacyOf, type PrivacyOptions } from './privacy/privacy-of.ts'
export { privately, type PrivatelyOptions } from './privacy/privately.ts'
export { type SgdOptions, sgd } from './optimizers/sgd.ts'
