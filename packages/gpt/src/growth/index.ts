/** `@burgeon/gpt/growth`: the mechanism of growth. When to grow is decided elsewhere. */
export { type GrowOptions, GrowthRefusedError, type GrowthRecord, grow, ungrow } from './grow.ts'
export type {
  GrowContext,
  GrowEmbed,
  GrowHead,
  GrowHeadDim,
  GrowKvHead,
  GrowLayer,
  GrowMlpHidden,
  GrowStack,
  GrowthRequest,
  GrowVocabulary,
  NewToken,
} from './growth-request.ts'
export { planGrowth } from './plan-growth.ts'
export type { PlannedGrowth } from './planned-growth.ts'
export { type GrowthPrice, type ModelCost, priceOf, stateBytesOf } from './price.ts'
