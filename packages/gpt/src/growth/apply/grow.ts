/**
 * Carries out growth on a live model, measures what it did to the function, and takes it back if that is too
 * much.
 */
import {
  applyPlan,
  BurgeonError,
  checkArgument,
  checkOptions,
  checks,
  type RandomKey,
  type Mirror,
  OptionError,
  type Plan,
  type Tensor,
  undoPlan,
} from '@burgeon/tensor'
import type { GptConfig } from '../../config/gpt-config.ts'
import { isSameConfig } from '../../config/config-from-state.ts'
import type { Gpt } from '../../gpt.ts'
import { growthOf } from '../../growth-access.ts'
import { isPlanned, type PlannedGrowth } from '../changes/planned-growth.ts'
import { planGrowth } from '../plan/plan-growth.ts'
import type { GrowthRequest } from '../requests/growth-request.ts'
import { aGpt, checkFree, someMirrors } from './growth-checks.ts'
import { probeLogits, relativeChange, shiftsBetween } from './logit-change.ts'
import { type GrowthPrice, priceOfPlanned, stateBytesOf } from './price.ts'
import { revert } from './ungrow.ts'

/** Options of `grow` for a growth that has been planned. */
export interface GrowPlannedOptions {
  /** All state that must follow: optimizer moments, Fisher information, anchors, … */
  readonly mirrors: readonly Mirror[]
  /**
   * Tokens `i32 [B, T]` on which the logits are compared before and after. A negative one is padding: nothing
   * is compared there. Up to 16 tokens from 0 on unless given.
   */
  readonly probe?: Tensor
  /**
   * Largest relative logit change allowed. Unless given 1e-5, and any for growth that is not meant to be
   * exact.
   */
  readonly tolerance?: number
  /**
   * A clock in milliseconds, such as `performance.now`; the record says how long it took only where one is
   * given.
   */
  readonly now?: () => number
}

/** Options of `grow` for a request. */
export interface GrowOptions extends GrowPlannedOptions {
  /** Key of the random stream for new weights. */
  readonly key: RandomKey
}

/** Record of a growth. Plain data. */
export interface GrowthRecord {
  readonly summary: string
  readonly request: GrowthRequest
  readonly parametersBefore: number
  readonly parametersAfter: number
  /** Cost of the model before and after. */
  readonly price: GrowthPrice
  /** From the request to the verdict on the logits; absent without a clock. */
  readonly milliseconds?: number
  /**
   * Largest absolute difference of an old token's logit on the probe, divided by the largest absolute logit.
   * What new tokens take from their parts (`takes`) is asked for, and not counted.
   */
  readonly logitsMoved: number
  /** Largest total probability of new tokens at any place of the probe; absent where there are none. */
  readonly freshShare?: number
  /** Undoes it with `ungrow`. */
  readonly undo: Plan
  readonly configBefore: GptConfig
}

/** A growth changed the function by more than it may; it has been undone. */
export class GrowthRefusedError extends BurgeonError {
  override readonly name = 'GrowthRefusedError'
}

/**
 * A growth changed the function by more than it may, or could not be tried, and taking it back failed: it
 * stands, and is in the growth log. `ungrowTo` takes it back once the fault is gone.
 */
export class GrowthStandsError extends BurgeonError {
  override readonly name = 'GrowthStandsError'
  readonly record: GrowthRecord

  constructor(message: string, record: GrowthRecord, cause: unknown) {
    super(message, { cause })
    this.record = record
  }
}

/**
 * Grows `model` in place: parameters, configuration and mirrors together, or nothing.
 *
 * What a pruning drops is kept in the growth log, so that it can be brought back. All that is kept takes at
 * most as many bytes as the weights and the mirrors: where it would take more, the oldest is let go, and
 * nothing from before that can be taken back any more. The latest pruning can always be.
 *
 * @param wanted A request, which is planned here, or what `planGrowth` made of it for the present size of the
 *   model.
 * @throws OptionError for an impossible request, a plan for another size, or while someone holds the model (a
 *   learning step that is not done yet); GrowthRefusedError (after undoing it) if the logits moved too far;
 *   GrowthStandsError if undoing it failed.
 */
export async function grow(
  model: Gpt,
  wanted: PlannedGrowth,
  options: GrowPlannedOptions,
): Promise<GrowthRecord>
export async function grow(model: Gpt, wanted: GrowthRequest, options: GrowOptions): Promise<GrowthRecord>
export async function grow(
  model: Gpt,
  wanted: GrowthRequest | PlannedGrowth,
  options: GrowPlannedOptions & Partial<GrowOptions>,
): Promise<GrowthRecord> {
  checkArgument('grow', 'model', model, aGpt)
  checkArgument('grow', 'request', wanted, checks.object('a growth request, or what planGrowth returned'))
  checkOptions('grow', options, {
    mirrors: checks.required(someMirrors),
    probe: checks.tensor,
    key: checks.key,
    // A negative one refuses whatever changes.
    tolerance: checks.number({ infinite: true }),
    now: checks.callback('a clock in milliseconds'),
  })
  checkFree('grow', model)
  const access = growthOf(model)
  using _ = access.hold()
  const start = options.now?.()
  const planned = plannedFor(model.config, wanted, options.key)
  const { request, plan, config } = planned
  const configBefore = model.config
  const { mirrors, now, tolerance = planned.isExact ? 1e-5 : Infinity } = options
  const probe = options.probe ?? usualProbe(model)
  using _own = options.probe === undefined ? probe : null
  const parametersBefore = model.parameters.size
  const undo = await undoPlan(plan, model.parameters, mirrors)
  const price = priceOfPlanned(planned, stateBytesOf(mirrors, parametersBefore))
  const before = await probeLogits(model, probe, configBefore.vocabulary)
  applyPlan(plan, model.parameters, mirrors, model.device)
  access.reconfigure(config)
  const { summary } = plan
  const recordOf = (logitsMoved: number, freshShare: number): GrowthRecord => ({
    summary,
    request,
    parametersBefore,
    parametersAfter: model.parameters.size,
    price,
    ...(now !== undefined && start !== undefined && { milliseconds: now() - start }),
    logitsMoved,
    ...(config.vocabulary > configBefore.vocabulary && { freshShare }),
    undo,
    configBefore,
  })
  const takeBack = (logitsMoved: number, reason: unknown): void => {
    try {
      revert(model, { summary, request, undo, configBefore }, mirrors)
    } catch (error) {
      const record = recordOf(logitsMoved, Number.NaN)
      logGrown(model, record, plan.key, mirrors)
      throw new GrowthStandsError(
        `grow: "${summary}" was to be taken back, and that failed: ${String(error)} It stands, and is in the growth log. ` +
          'Take it back with ungrowTo once the fault is gone.',
        record,
        new AggregateError([reason, error]),
      )
    }
  }
  const after = await probeLogits(model, probe, configBefore.vocabulary).catch((error: unknown) => {
    takeBack(Infinity, error)
    throw error
  })
  const logitsMoved = relativeChange(before.old, after.old, shiftsBetween(configBefore, config))
  if (!(logitsMoved <= tolerance)) {
    const refusal = new GrowthRefusedError(
      `grow: "${summary}" moved the logits by ${logitsMoved.toExponential(1)}; ` +
        `expected at most ${tolerance.toExponential(1)}. It has been undone.`,
    )
    takeBack(logitsMoved, refusal)
    throw refusal
  }
  const record = recordOf(logitsMoved, after.freshShare)
  logGrown(model, record, plan.key, mirrors)
  return record
}

/** Tokens that every model has. */
function usualProbe({ device, config }: Gpt): Tensor {
  const length = Math.min(16, config.context)
  const tokens = Int32Array.from({ length }, (_, i) => i % config.vocabulary)
  return device.tensor(tokens, { shape: [1, length], dtype: 'i32' }, 'probe')
}

/** The plan of what is wanted, for the present configuration. */
function plannedFor(
  config: GptConfig,
  wanted: GrowthRequest | PlannedGrowth,
  key?: RandomKey,
): PlannedGrowth {
  if (!isPlanned(wanted)) {
    checkArgument('grow', 'key', key, checks.key)
    return planGrowth(config, wanted, key)
  }
  if (key !== undefined) {
    throw new OptionError(
      'grow: got a key beside a planned growth, which has its own; expected none. Leave it out.',
    )
  }
  if (isSameConfig(wanted.configBefore, config)) return wanted
  throw new OptionError(
    `grow: got "${wanted.plan.summary}", planned for a model of another size; expected a plan for the present one. Plan again.`,
  )
}

function logGrown(model: Gpt, record: GrowthRecord, key: RandomKey, mirrors: readonly Mirror[]): void {
  const { summary, request, parametersBefore, parametersAfter, logitsMoved, undo } = record
  const isKept = undo.kept !== undefined
  const entry = {
    kind: 'grown',
    summary,
    request,
    key,
    parametersBefore,
    parametersAfter,
    logitsMoved,
  } as const
  const maxKept = 4 * parametersAfter + stateBytesOf(mirrors)
  growthOf(model).log({ ...entry, ...(isKept && { undo }) }, maxKept)
}
