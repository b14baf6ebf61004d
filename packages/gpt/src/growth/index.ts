/** `@burgeon/gpt/growth`: the mechanism of growth. When to grow is decided elsewhere. */
export { type GrowOptions, GrowthRefusedError, type GrowthRecord, grow, ungrow } from './grow.ts'
export type {
  GrowContext,
  GrowEmbed,
  GrowLayer,
  GrowMlpHidden,
  GrowStack,
  GrowthRequest,
} from './growth-request.ts'
export { type PlannedGrowth, planGrowth } from './plan-growth.ts'
