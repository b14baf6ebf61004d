/** `@burgeon/gpt`: the model. The public list, nothing else. */
export {
  describeCheckpoint,
  hasCheckpoint,
  readCheckpoint,
  type WriteCheckpointOptions,
  writeCheckpoint,
} from './checkpoint/checkpoint.ts'
export { type Disk, type DiskLock, LockedError, type LockPurpose } from './checkpoint/disk.ts'
export {
  forgetCheckpoint,
  keepCheckpoint,
  keptCheckpoints,
  restoreCheckpoint,
} from './checkpoint/kept-checkpoints.ts'
export { CheckpointError, type WhichCheckpoint } from './checkpoint/manifest.ts'
export { type FlopsPerToken, flopsPerToken } from './flops-per-token.ts'
export { type ForwardOptions, forward, type Observed } from './forward.ts'
export { type GenerateOptions, generate } from './generate.ts'
export { Gpt, type GptState } from './gpt.ts'
export {
  type AdapterConfig,
  type BlockConfig,
  configFromState,
  type GptConfig,
  type GptSizes,
  gptConfig,
} from './gpt-config.ts'
export { KeyValueCache } from './key-value-cache.ts'
export { isAdapter, isBelow, isDecayed, type ParameterSpec, parameterSpecs } from './parameters.ts'
export { type SamplingOptions, sampleToken } from './sampling.ts'
export { type BytePairState, BytePairTokenizer, type Merge } from './tokenizer/byte-pair-tokenizer.ts'
export { byteTokenizer, type Tokenizer } from './tokenizer/byte-tokenizer.ts'
export { MergeLearner, type MergeLearnerOptions, type ProposedMerge } from './tokenizer/merge-learner.ts'
