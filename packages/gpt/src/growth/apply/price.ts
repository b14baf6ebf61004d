/** The price of a growth, before it is paid. */
import { type Check, checkArgument, checks, type Mirror } from '@burgeon/tensor'
import { parametersOf } from '../../config/block-size.ts'
import { type FlopsPerToken, flopsPerToken } from '../../config/flops-per-token.ts'
import { aConfig, type GptConfig } from '../../config/gpt-config.ts'
import { isPlanned, type PlannedGrowth } from '../changes/planned-growth.ts'
import { someMirrors } from './growth-checks.ts'
import type { GrowthRequest } from '../requests/growth-request.ts'
import { grownConfig } from '../plan/plan-growth.ts'
import { aRequest } from '../requests/check-request.ts'

/** Cost of a model of some size, to keep and to use. */
export interface ModelCost {
  /** Learnt numbers. */
  readonly parameters: number
  /** At full context. */
  readonly flopsPerToken: FlopsPerToken
  /** Bytes of the weights on their device. */
  readonly weightBytes: number
  /** Bytes of all state beside the weights that follows growth: moments, importance, anchors. */
  readonly stateBytes: number
}

/** A model's cost before and after a growth. Plain data. */
export interface GrowthPrice {
  readonly before: ModelCost
  readonly after: ModelCost
}

/**
 * The price of a request, without a plan for it: what policies weigh their candidates by. Pure: nothing is
 * touched.
 *
 * @param stateBytes Result of `stateBytesOf` for the mirrors; 0 unless given. State is taken to grow as the
 *   weights do, which holds for moments and anchors of every weight once new weights have been learnt.
 * @throws OptionError for a request that this configuration cannot fulfil.
 * @example
 * ```ts
 * const { before, after } = priceOf(model.config, { kind: 'addLayer', at: 0 })
 * console.log(`${after.flopsPerToken.training / before.flopsPerToken.training} times the work per token`)
 * ```
 */
export function priceOf(config: GptConfig, request: GrowthRequest, stateBytes = 0): GrowthPrice {
  checkArgument('priceOf', 'config', config, aConfig)
  checkArgument('priceOf', 'request', request, aRequest)
  checkArgument('priceOf', 'stateBytes', stateBytes, checks.number({ from: 0 }))
  return priceBetween(config, grownConfig(config, request), stateBytes)
}

/**
 * The price of a planned growth.
 *
 * @param stateBytes As in `priceOf`.
 */
export function priceOfPlanned(planned: PlannedGrowth, stateBytes = 0): GrowthPrice {
  checkArgument('priceOfPlanned', 'planned', planned, aPlannedGrowth)
  checkArgument('priceOfPlanned', 'stateBytes', stateBytes, checks.number({ from: 0 }))
  return priceBetween(planned.configBefore, planned.config, stateBytes)
}

const aPlannedGrowth: Check<PlannedGrowth> = {
  expected: 'a planned growth, as planGrowth returns it',
  accepts: (value): value is PlannedGrowth => typeof value === 'object' && value !== null && isPlanned(value),
}

function priceBetween(before: GptConfig, after: GptConfig, stateBytes: number): GrowthPrice {
  const perParameter = stateBytes / parametersOf(before)
  return { before: costOf(before, perParameter), after: costOf(after, perParameter) }
}

/**
 * Bytes of device memory that mirrors hold beside the weights, as far as they say, or will hold: importance
 * and anchors of a penalty are there from the first consolidation on, and a budget must leave room for them.
 *
 * @param parameters Learnt numbers of the model; 0 unless given, and then only what is there already counts.
 */
export function stateBytesOf(mirrors: readonly Mirror[], parameters: number = 0): number {
  checkArgument('stateBytesOf', 'mirrors', mirrors, someMirrors)
  checkArgument('stateBytesOf', 'parameters', parameters, checks.number({ from: 0 }))
  return mirrors.reduce(
    (total, { bytes = 0, bytesPerParameter = 0 }) => total + Math.max(bytes, bytesPerParameter * parameters),
    0,
  )
}

function costOf(config: GptConfig, stateBytesPerParameter: number): ModelCost {
  const parameters = parametersOf(config)
  return {
    parameters,
    flopsPerToken: flopsPerToken(config),
    weightBytes: 4 * parameters,
    stateBytes: Math.round(parameters * stateBytesPerParameter),
  }
}
