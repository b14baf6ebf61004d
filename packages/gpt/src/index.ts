/** `@burgeon/gpt`: the model. The public list, nothing else. */
export { AdapterError } from './adapters/adapter-error.ts'
export { MergedLora, mergeLora } from './adapters/merge/merge-lora.ts'
export { readAdapter } from './adapters/peft/read-adapter.ts'
export { writeAdapter } from './adapters/peft/write-adapter.ts'
export type { AppliedAdapter, RowAdapters } from './adapters/applied-adapter.ts'
export { type AdaptableModel, LoraAdapter, type LoraState } from './adapters/lora-adapter.ts'
export type {
  AdapterTarget,
  LoraBlock,
  LoraConfig,
  LoraModule,
  LoraOptions,
} from './adapters/lora-config.ts'
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
export { type FlopsPerToken, flopsPerToken } from './config/flops-per-token.ts'
export { forward } from './forward/forward.ts'
export type { ForwardOptions, ObservedActivation } from './forward/forward-options.ts'
export { embedTokens, type SomeBlocksOptions, throughSomeBlocks } from './forward/parts.ts'
export { partialReadout, readout, readoutLosses } from './forward/readout.ts'
export { generate } from './generation/generate.ts'
export type {
  GenerateOptions,
  GenerativeModel,
  LogitsProcessor,
  Prompt,
  TextFilter,
} from './generation/generate-options.ts'
export type { RemoteModel, RemoteReading, RemoteStep } from './generation/remote/remote-model.ts'
export { Generation } from './generation/generation.ts'
export type {
  FinishReason,
  Generated,
  GeneratedToken,
  TokenLogProbability,
} from './generation/generation-row.ts'
export {
  GenerationPool,
  type PooledGeneration,
  type PooledOptions,
  type PooledStep,
} from './generation/pool/generation-pool.ts'
export { ContextFullError } from './generation/write-rows.ts'
export { Gpt, type GptState } from './gpt.ts'
export type {
  AdapterConfig,
  BlockConfig,
  GptConfig,
  LinearMapKind,
  PatchConfig,
  PretrainedSource,
  SenseConfig,
} from './config/gpt-config.ts'
export { parametersOf } from './config/block-size.ts'
export { configFromState } from './config/config-from-state.ts'
export { type GptSizes, gptConfig } from './config/gpt-sizes.ts'
export { type CacheFormat, KeyValueCache } from './forward/key-value-cache.ts'
export { isAdapter, isBelow, isDecayed, type ParameterSpec, parameterSpecs } from './config/parameters.ts'
export { tokensWithin } from './patches/units.ts'
export { piecesIn, type PlacedPiece } from './patches/pieces-in.ts'
export { endWithin } from './patches/window.ts'
export { PretrainedError } from './pretrained/config/pretrained-error.ts'
export type { GgufTensor } from './pretrained/gguf/format/gguf-header.ts'
export type { GgufList, GgufValue } from './pretrained/gguf/format/gguf-value.ts'
export { type GgufFile, openGguf, type OpenGgufOptions } from './pretrained/gguf/open-gguf.ts'
export type { ReadPretrainedOptions } from './pretrained/config/pretrained-options.ts'
export { readPretrained } from './pretrained/read-pretrained.ts'
export type { PretrainedFolder } from './pretrained/weight-files.ts'
export { ggufPieces, writeGguf, type WriteGgufOptions } from './pretrained/write-gguf.ts'
export { writePretrained, type WritePretrainedOptions } from './pretrained/write-pretrained.ts'
export { quantized } from './quantized/quantized.ts'
export { aGpt } from './growth/apply/growth-checks.ts'
export { QuantizedGpt } from './quantized/quantized-gpt.ts'
export type { QuantizedOptions, WeightFormat } from './quantized/quantized-options.ts'
export { type PenaltyOptions, penalize } from './generation/sampling/penalties.ts'
export { type SamplingOptions, sampleToken, tokenProbabilities } from './generation/sampling/sampling.ts'
export { type BytePairState, BytePairTokenizer } from './tokenizer/byte-pair-tokenizer.ts'
export { byteTokenizer, type Tokenizer } from './tokenizer/byte-tokenizer.ts'
export type { ChatMessage, ChatTemplateOptions } from './tokenizer/chat-template.ts'
export { DecodeStream } from './tokenizer/decode-stream.ts'
export {
  aGrowingTokenizer,
  type BytePairMerge,
  type GrowingTokenizer,
} from './tokenizer/growing-tokenizer.ts'
export { MergeLearner, type MergeLearnerOptions, type ProposedMerge } from './tokenizer/merge-learner.ts'
export type {
  DecodeOptions,
  EncodeOptions,
  PretrainedTokenizerOptions,
  PretrainedTokenizerState,
} from './tokenizer/pretrained-options.ts'
export { PretrainedTokenizer } from './tokenizer/pretrained-tokenizer.ts'
export { type TokenizerFiles, tokenizerFiles } from './tokenizer/tokenizer-files.ts'
export { TokenizerError } from './tokenizer/json/json-part.ts'
