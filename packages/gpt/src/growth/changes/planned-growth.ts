/** The plan of a growth with all that is to be known before it is paid for. */
import type { RandomKey, ParameterChange, Plan } from '@burgeon/tensor'
import { parametersOf } from '../../config/block-size.ts'
import type { GptConfig } from '../../config/gpt-config.ts'
import type { GrowthRequest } from '../requests/growth-request.ts'

/**
 * A request that has been planned, once: it can be priced (`priceOfPlanned`), held against a budget and
 * carried out (`grow`). Plain data, made by `planGrowth`, for a model of one configuration.
 */
export interface PlannedGrowth {
  readonly request: GrowthRequest
  readonly plan: Plan
  /** The configuration that it was planned for. */
  readonly configBefore: GptConfig
  /** The configuration that it leads to. */
  readonly config: GptConfig
  /** Additional learnt numbers. */
  readonly parameters: number
  /** Whether the function stays as it is. */
  readonly isExact: boolean
}

/** A step from one configuration to another. */
export interface GrowthStep {
  readonly config: GptConfig
  readonly after: GptConfig
  /** Key of the random stream for new weights. */
  readonly key: RandomKey
}

/** The operator of one kind of request. */
export interface Operator<Request extends GrowthRequest> {
  /**
   * The configuration that a request leads to.
   *
   * @throws OptionError for an unknown block, or sizes that do not grow or cannot be.
   */
  configAfter(config: GptConfig, request: Request): GptConfig
  /** The plan of a request, whose configuration afterwards is known. */
  plan(request: Request, step: GrowthStep): PlannedGrowth
}

const madeHere = new WeakSet<PlannedGrowth>()

/** Whether an object was made by `planned`: no other plan is known to fit its request. */
export const isPlanned = (value: object): value is PlannedGrowth => madeHere.has(value as PlannedGrowth)

/** Makes a planned growth: every operator ends with it. */
export function planned(
  request: GrowthRequest,
  {
    config,
    after,
    key,
    summary,
    changes,
    isExact = true,
  }: GrowthStep & {
    readonly summary: string
    readonly changes: readonly ParameterChange[]
    readonly isExact?: boolean
  },
): PlannedGrowth {
  const growth = {
    request,
    plan: { summary, key, changes },
    configBefore: config,
    config: after,
    parameters: parametersOf(after) - parametersOf(config),
    isExact,
  }
  madeHere.add(growth)
  return growth
}
