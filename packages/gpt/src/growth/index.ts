/** `@burgeon/gpt/growth`: the mechanism of growth. When to grow is decided elsewhere. */
export { earlierTokens, logitsOfEarlier } from './earlier-vocabulary.ts'
export { forAllBlocks } from './for-all-blocks.ts'
export {
  type GrowOptions,
  GrowthRefusedError,
  type GrowthRecord,
  GrowthStandsError,
  grow,
  ungrow,
  ungrowTo,
} from './grow.ts'
export {
  keptBytesOf,
  type GrowthEntry,
  type GrowthLog,
  type GrownEntry,
  type Replay,
  replay,
  type StandingGrowth,
} from './growth-log.ts'
export type {
  GrowAdapter,
  GrowContext,
  GrowEmbed,
  GrowExperts,
  GrowHead,
  GrowHeadDim,
  GrowKvHead,
  GrowLayer,
  GrowMlpHidden,
  GrowStack,
  GrowthRequest,
  GrowVocabulary,
  NewToken,
  PruneHead,
  PruneHidden,
  PruneLayer,
} from './growth-request.ts'
export { mergeAdapter, type MergeRecord } from './merge-adapter.ts'
export { planGrowth } from './plan-growth.ts'
export type { PlannedGrowth } from './planned-growth.ts'
export { type GrowthPrice, type ModelCost, priceOf, stateBytesOf } from './price.ts'
