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

/** A configuration that grows, as policies see it. */
export type AnyConfig = GptConfig | DenseSizes

/** What a policy can ask for, each of a configuration of its kind. */
export type AnyRequest = GrowthRequest | HiddenRequest

/** What can be asked of a configuration. */
export type RequestTo<C> = C extends GptConfig ? GrowthRequest : HiddenRequest

/** What a growth leads to. */
export interface Grown {
  readonly config: AnyConfig
  /** Learnt numbers that are added; negative if there are fewer. */
  readonly parameters: number
  readonly price: GrowthPrice
}

/** Whether it is that of a dense network. */
export const isNetwork = (config: AnyConfig): config is DenseSizes => 'hidden' in config

/**
 * The price of a request, without a plan for it.
 *
 * @throws OptionError for a request that the configuration cannot fulfil, also one for another kind of model.
 */
export function priceIn(config: AnyConfig, request: AnyRequest, stateBytes: number): GrowthPrice {
  if (!isNetwork(config)) return priceOf(config, request as GrowthRequest, stateBytes)
  const perParameter = stateBytes / parametersIn(config)
  const costOf = (sizes: DenseSizes): ModelCost => {
    const parameters = parametersIn(sizes)
    const products = shapesOf(sizes).reduce((sum, { shape: [a, b = 0] }) => sum + a * b, 0)
    return {
      parameters,
      // A multiplication and an addition are two; gradients take each product twice more.
      flopsPerToken: { forward: 2 * products, training: 6 * products },
      weightBytes: 4 * parameters,
      stateBytes: Math.round(parameters * perParameter),
    }
  }
  return { before: costOf(config), after: costOf(grownSizes(config, asHidden(request))) }
}

/** What a request leads to. Throws OptionError as `priceIn`. */
export function grownIn(config: AnyConfig, request: AnyRequest, stateBytes: number): Grown {
  if (isNetwork(config)) {
    const price = priceIn(config, request, stateBytes)
    const parameters = price.after.parameters - price.before.parameters
    return { config: grownSizes(config, asHidden(request)), parameters, price }
  }
  const planned = planGrowth(config, request as GrowthRequest, [0, 0])
  return {
    config: planned.config,
    parameters: planned.parameters,
    price: priceOfPlanned(planned, stateBytes),
  }
}

/** Throws OptionError for a request to a GPT. */
export function asHidden(request: AnyRequest): HiddenRequest {
  if (request.kind === 'widenHidden') return request
  throw new OptionError(
    `growth: got a request of kind ${request.kind} for a dense network; expected widenHidden.`,
  )
}

const parametersIn = (sizes: DenseSizes): number =>
  shapesOf(sizes).reduce((sum, { shape: [a, b = 1] }) => sum + a * b, 0)
