/** `@burgeon/gpt/growth`: the mechanism of growth. When to grow is decided elsewhere. */
export { earlierTokens, logitsOfEarlier } from './plan/earlier-vocabulary.ts'
export { forAllBlocks } from './requests/for-all-blocks.ts'
export {
  type GrowOptions,
  GrowthRefusedError,
  type GrowthRecord,
  GrowthStandsError,
  grow,
  ungrow,
  ungrowTo,
} from './apply/grow.ts'
export {
  keptBytesOf,
  type GrowthEntry,
  type GrowthLog,
  type GrownEntry,
  type Replay,
  replay,
  type StandingGrowth,
} from './plan/growth-log.ts'
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
} from './requests/growth-request.ts'
export { mergeAdapter, type MergeRecord } from './apply/merge-adapter.ts'
export { planGrowth } from './plan/plan-growth.ts'
export type { PlannedGrowth } from './changes/planned-growth.ts'
export { type GrowthPrice, type ModelCost, priceOf, stateBytesOf } from './apply/price.ts'
