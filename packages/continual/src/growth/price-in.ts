/** The price of a request and what it leads to, for a GPT and for a dense network. */
import type { GptConfig } from '@burgeon/gpt'
import {
  type GrowthPrice,
  type GrowthRequest,
  type ModelCost,
  planGrowth,
  priceOf,
  priceOfPlanned,
} from '@burgeon/gpt/growth'
import { OptionError } from '@burgeon/tensor'
import { type DenseSizes, shapesOf } from '../model/dense-sizes.ts'
import { grownSizes, type HiddenRequest } from '../model/hidden-request.ts'

/** Configuration of a model that grows, as policies see it. */
export type AnyConfig = GptConfig | DenseSizes

/** A request of a policy, to a configuration of its kind. */
export type AnyRequest = GrowthRequest | HiddenRequest

/** Requests that a configuration of type C can fulfil. */
export type RequestTo<C> = C extends GptConfig ? GrowthRequest : HiddenRequest

/** Outcome of a growth. */
export interface Grown {
  readonly config: AnyConfig
  /** Learnt numbers that are added; negative if there are fewer. */
  readonly parameters: number
  readonly price: GrowthPrice
}

/** Returns whether a configuration is that of a dense network. */
export const isNetwork = (config: AnyConfig): config is DenseSizes => 'hidden' in config

/**
 * The price of a request, without a plan for it.
 *
 * @throws OptionError for a request that the configuration cannot fulfil, also one for another kind of model.
 */
export function priceIn(config: AnyConfig, request: AnyRequest, stateBytes: number): GrowthPrice {
  if (!isNetwork(config)) return priceOf(config, request as GrowthRequest, stateBytes)
  return priceBetween(config, grownSizes(config, asHidden(request)), stateBytes)
}

/** The outcome of a request. Throws OptionError as `priceIn`. */
export function grownIn(config: AnyConfig, request: AnyRequest, stateBytes: number): Grown {
  if (isNetwork(config)) {
    const after = grownSizes(config, asHidden(request))
    const parameters = parametersIn(after) - parametersIn(config)
    return { config: after, parameters, price: priceBetween(config, after, stateBytes) }
  }
  const planned = planGrowth(config, request as GrowthRequest, [0, 0])
  const { config: after, parameters } = planned
  return { config: after, parameters, price: priceOfPlanned(planned, stateBytes) }
}

/** The request, where it is one to a dense network. Throws OptionError for one to a GPT. */
export function asHidden(request: AnyRequest): HiddenRequest {
  if (request.kind === 'widenHidden') return request
  throw new OptionError(
    `growth: got a request of kind ${request.kind} for a dense network; expected widenHidden.`,
  )
}

function priceBetween(before: DenseSizes, after: DenseSizes, stateBytes: number): GrowthPrice {
  const perParameter = stateBytes / parametersIn(before)
  return { before: costOf(before, perParameter), after: costOf(after, perParameter) }
}

function costOf(sizes: DenseSizes, stateBytesPerParameter: number): ModelCost {
  const parameters = parametersIn(sizes)
  const products = shapesOf(sizes).reduce((sum, { shape: [a, b = 0], uses }) => sum + a * b * uses, 0)
  return {
    parameters,
    // A multiplication and an addition are two; gradients take each product twice more.
    flopsPerToken: { forward: 2 * products, training: 6 * products },
    weightBytes: 4 * parameters,
    stateBytes: Math.round(parameters * stateBytesPerParameter),
  }
}

const parametersIn = (sizes: DenseSizes): number =>
  shapesOf(sizes).reduce((sum, { shape: [a, b = 1] }) => sum + a * b, 0)
