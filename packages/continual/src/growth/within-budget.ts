/** Holds a request against a budget: every limit of it, in one place. */
import { type GrowthRequest, type ModelCost, priceOf } from '@burgeon/gpt/growth'
import type { GrowthBudget, GrowthSignals } from './growth-policy.ts'

/** A limit that a growth would break. */
export interface Excess {
  /** What there would be too many of. */
  readonly what: string
  /** How many there are. */
  readonly had: number
  /** How many there would be. */
  readonly comes: number
  readonly allowed: number
}

/**
 * The first limit that `request` would break; null if it keeps them all. What becomes no more breaks none, even if it is too much already.
 *
 * @throws OptionError for a request that the configuration cannot fulfil.
 */
export function excessOf(
  {
    config,
    parameters,
    stateBytes = 0,
    keptBytes = 0,
  }: Pick<GrowthSignals, 'config' | 'parameters' | 'stateBytes' | 'keptBytes'>,
  request: GrowthRequest,
  { parameters: most, flopsPerToken: mostFlops = Infinity, bytes: mostBytes = Infinity }: GrowthBudget,
): Excess | null {
  const { before, after } = priceOf(config, request, stateBytes)
  const [had, comes] = [before, after].map((cost) => ({
    parameters: parameters + cost.parameters - before.parameters,
    flops: cost.flopsPerToken.training,
    // What a pruning drops is kept.
    bytes: Math.max(bytesOf(cost), bytesOf(before)) + keptBytes,
  }))
  const limits: Excess[] = [
    { what: 'parameters', had: had.parameters, comes: comes.parameters, allowed: most },
    { what: 'operations of training per token', had: had.flops, comes: comes.flops, allowed: mostFlops },
    { what: 'bytes of weights and state', had: had.bytes, comes: comes.bytes, allowed: mostBytes },
  ]
  return limits.find((limit) => limit.comes > limit.allowed && limit.comes > limit.had) ?? null
}

const bytesOf = ({ weightBytes, stateBytes }: ModelCost): number => weightBytes + stateBytes
