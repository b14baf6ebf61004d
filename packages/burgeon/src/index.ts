/**
 * `burgeon`: a language model that never stops learning and never stops growing. What a first program needs;
 * everything else has a path of its own: `burgeon/tensor`, `/autograd`, `/optim`, `/gpt`, `/growth`,
 * `/continual`, `/testing`, `/session`, `/demo`.
 */
export { type BurgeonConfig, defineConfig } from './config/define-config.ts'
export { valueAndGrad } from '@burgeon/autograd'
export { adamw, sgd } from '@burgeon/autograd/optim'
export {
  type Batch,
  bitsPerByteOf,
  budgeted,
  compose,
  freezeConverged,
  growByCompute,
  growingVocabulary,
  growOnPlateau,
  growOnSchedule,
  type GrowthPolicy,
  Learner,
  type LearnerState,
  onlineEwc,
  pageHinkley,
  type Penalty,
  type Rehearsal,
  reservoirReplay,
  standardized,
  type StepReport,
  type Strategy,
} from '@burgeon/continual'
export {
  byteTokenizer,
  CheckpointError,
  generate,
  Gpt,
  type GptConfig,
  LockedError,
  readCheckpoint,
  writeCheckpoint,
} from '@burgeon/gpt'
export {
  add,
  BurgeonError,
  matmul,
  mean,
  multiply,
  NonFiniteError,
  OptionError,
  OutOfMemoryError,
  scope,
  ShapeError,
  StateError,
  sum,
  Tensor,
  tensor,
} from '@burgeon/tensor'
