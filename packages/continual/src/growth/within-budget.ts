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
  const { kinds = [request.kind] } = budget
  if (!kinds.includes(request.kind))
    return { what: `growths of kind ${request.kind}`, had: 0, comes: 1, allowed: 0 }
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

/**
 * Why a growth may not be, though the budget has room for it: its kind, or that nobody has approved it. Null
 * if it may.
 *
 * @param comes Learnt numbers after it.
 */
export function barOf(
  { kind }: Pick<AnyRequest, 'kind'>,
  comes: number,
  had: number,
  { kinds, withoutApproval = Infinity }: GrowthBudget,
  isApproved: boolean,
): string | null {
  if (kinds !== undefined && !kinds.includes(kind)) {
    return `a request of kind ${kind} is not allowed; expected one of ${kinds.join(', ') || 'no kind at all'}.`
  }
  if (isApproved || comes <= withoutApproval || comes <= had) return null
  return `it leads to ${comes} parameters, and nobody has approved it; up to ${withoutApproval} it may be without.`
}

/** Why a request that nobody has approved may not be, as `barOf`. Throws as `excessOf`. */
export function barWithin(
  {
    config,
    parameters,
    stateBytes = 0,
  }: Pick<GrowthSignals<AnyConfig>, 'config' | 'parameters' | 'stateBytes'>,
  request: AnyRequest,
  budget: GrowthBudget,
  isApproved: boolean = false,
): string | null {
  const { before, after } = priceIn(config, request, stateBytes)
  return barOf(request, parameters + after.parameters - before.parameters, parameters, budget, isApproved)
}

const bytesOf = ({ weightBytes, stateBytes }: ModelCost): number => weightBytes + stateBytes
