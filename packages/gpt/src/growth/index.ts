/** `@burgeon/gpt/growth`: the mechanism of growth. When to grow is decided elsewhere. */
export { earlierTokens, logitsOfEarlier } from './plan/earlier-vocabulary.ts'
export { forAllBlocks } from './requests/for-all-blocks.ts'
export {
  type GrowOptions,
  type GrowPlannedOptions,
  GrowthRefusedError,
  type GrowthRecord,
  GrowthStandsError,
  grow,
} from './apply/grow.ts'
export { holdModel } from './apply/hold-model.ts'
export { markGrowth } from './apply/mark-growth.ts'
export { type Undoable, ungrow, ungrowTo } from './apply/ungrow.ts'
export {
  keptBytesOf,
  type GrowthEntry,
  type GrowthLog,
  type GrownEntry,
  growthConfigs,
  type Replay,
  replayGrowth,
  type StandingGrowth,
} from './plan/growth-log.ts'
export type {
  AddAdapter,
  GrowContext,
  WidenEmbed,
  AddExperts,
  AddHeads,
  WidenHeads,
  AddKvHeads,
  AddLayer,
  AddSense,
  WidenMlp,
  CopyLayers,
  GrowthKind,
  GrowthRequest,
  GrowVocabulary,
  NewToken,
  PruneHeads,
  PruneUnits,
  PruneLayer,
  RequestOfKind,
} from './requests/growth-request.ts'
export { growthKinds } from './requests/check-request.ts'
export { mergeAdapter, type MergeRecord } from './apply/merge-adapter.ts'
export { planGrowth } from './plan/plan-growth.ts'
export type { PlannedGrowth } from './changes/planned-growth.ts'
export { type GrowthPrice, type ModelCost, priceOf, priceOfPlanned, stateBytesOf } from './apply/price.ts'
export { type EarlierRequest, requestFromState } from './requests/request-from-state.ts'
