/** Holds a request against a budget: every limit of it, in one place. */
import type { GrowthPrice, ModelCost } from '@burgeon/gpt/growth'
import type { GrowthBudget, GrowthSignals } from './growth-policy.ts'
import { type AnyConfig, type AnyRequest, priceIn } from './price-in.ts'

/** A limit that a growth would break. */
export interface Excess {
  /** The quantity that would be too large. */
  readonly what: string
  /** Its value now. */
  readonly had: number
  /** Its value after the growth. */
  readonly comes: number
  readonly allowed: number
}

/**
 * The first limit that a candidate of a policy would break; null if it keeps them all.
 *
 * @throws OptionError for a request that the configuration cannot fulfil.
 */
export function excessOf(
  signals: Pick<GrowthSignals<AnyConfig>, 'config' | 'parameters' | 'stateBytes' | 'keptBytes'>,
  request: AnyRequest,
  budget: GrowthBudget,
): Excess | null {
  return excessOfPrice(priceIn(signals.config, request, signals.stateBytes ?? 0), signals, budget)
}

/**
 * The first limit that a growth of this price would break; null if it keeps them all. A size that does not
 * rise breaks none, even if it is too large already.
 */
export function excessOfPrice(
  { before, after }: GrowthPrice,
  { parameters, keptBytes = 0 }: Pick<GrowthSignals, 'parameters' | 'keptBytes'>,
  { parameters: maxParameters, flopsPerToken: maxFlops = Infinity, bytes: maxBytes = Infinity }: GrowthBudget,
): Excess | null {
  const [had, comes] = [before, after].map((cost) => ({
    parameters: parameters + cost.parameters - before.parameters,
    flops: cost.flopsPerToken.training,
    // What a pruning drops is kept.
    bytes: Math.max(bytesOf(cost), bytesOf(before)) + keptBytes,
  }))
  const limits: Excess[] = [
    { what: 'parameters', had: had.parameters, comes: comes.parameters, allowed: maxParameters },
    { what: 'operations of training per token', had: had.flops, comes: comes.flops, allowed: maxFlops },
    { what: 'bytes of weights and state', had: had.bytes, comes: comes.bytes, allowed: maxBytes },
  ]
  return limits.find((limit) => limit.comes > limit.allowed && limit.comes > limit.had) ?? null
}

const bytesOf = ({ weightBytes, stateBytes }: ModelCost): number => weightBytes + stateBytes
