/** Carries out growth on a live model, measures what it did to the function, and takes it back if that is too much. */
import {
  applyPlan,
  BurgeonError,
  checkArgument,
  checkOptions,
  checks,
  type Mirror,
  OptionError,
  type Plan,
  type Tensor,
  undoing,
} from '@burgeon/tensor'
import type { Gpt } from '../../gpt.ts'
import { configFromState, type GptConfig } from '../../config/gpt-config.ts'
import { requestOf } from '../requests/check-request.ts'
import { grownConfig } from '../plan/grown-config.ts'
import { aGpt, aKey, aRequest, someMirrors } from './growth-checks.ts'
import type { GrowthRequest } from '../requests/growth-request.ts'
import { replay, undoOf } from '../plan/growth-log.ts'
import { probeLogits, relativeChange, shiftsBetween } from './logit-change.ts'
import { planGrowth } from '../plan/plan-growth.ts'
import { type GrowthPrice, priceBetween, stateBytesOf } from './price.ts'

/** What `grow` needs besides the request. */
export interface GrowOptions {
  /** All state that must follow: optimiser moments, Fisher information, anchors, … */
  readonly mirrors: readonly Mirror[]
  /** Tokens `i32 [B, T]` on which the logits are compared before and after. A negative one is padding: nothing is compared there. */
  readonly probe: Tensor
  /** Of the random stream for new weights. */
  readonly key: readonly [number, number]
  /** Largest relative logit change allowed. Unless given 1e-5, and any for growth that is not meant to be exact. */
  readonly tolerance?: number
  /** A clock in milliseconds, such as `performance.now`; the record says how long it took only where one is given. */
  readonly now?: () => number
}

/** What a growth did. Plain data for the growth log. */
export interface GrowthRecord {
  readonly summary: string
  readonly request: GrowthRequest
  readonly parametersBefore: number
  readonly parametersAfter: number
  /** What the model cost before, and costs now. */
  readonly price: GrowthPrice
  /** From the request to the verdict on the logits; absent without a clock. */
  readonly milliseconds?: number
  /**
   * Largest absolute difference of an old token's logit on the probe, divided by the largest absolute logit. What new tokens take from
   * their parts (`takes`) is asked for, and not counted.
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
 * A growth changed the function by more than it may, or could not be tried, and taking it back failed: it stands, and is in the growth
 * log. `ungrowTo` takes it back once the fault is gone.
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
 * What a pruning drops is kept in the growth log, so that it can be brought back. All that is kept takes at most as many bytes as the weights
 * and the mirrors: where it would take more, the oldest is let go, and nothing from before that can be taken back any more. The
 * latest pruning can always be.
 *
 * @throws OptionError for an impossible request, or while someone holds the model (a learning step that is not done yet);
 *   GrowthRefusedError (after undoing it) if the logits moved too far; GrowthStandsError if undoing it failed.
 */
export async function grow(model: Gpt, wanted: GrowthRequest, options: GrowOptions): Promise<GrowthRecord> {
  checkArgument('grow', 'model', model, aGpt)
  checkArgument('grow', 'request', wanted, aRequest)
  checkOptions('grow', options, {
    mirrors: checks.required(someMirrors),
    probe: checks.required(checks.tensor),
    key: checks.required(aKey),
    // A negative one refuses whatever changes.
    tolerance: checks.number({ infinite: true }),
    now: checks.callback('a clock in milliseconds'),
  })
  checkFree(model)
  using _ = model.hold()
  const request = requestOf(wanted)
  const { mirrors, probe, key, now } = options
  const start = now?.()
  const { plan, config, isExact = true } = planGrowth(model.config, request, key)
  const { tolerance = isExact ? 1e-5 : Infinity } = options
  const [configBefore, parametersBefore] = [model.config, model.parameters.size]
  const undo = await undoing(plan, model.parameters, mirrors)
  const price = priceBetween(configBefore, config, stateBytesOf(mirrors, parametersBefore))
  const before = await probeLogits(model, probe, configBefore.vocabulary)
  applyPlan(plan, model.parameters, mirrors, model.device)
  model.reconfigure(config)
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
      takenBack(model, { summary, request, undo, configBefore }, mirrors)
    } catch (error) {
      const record = recordOf(logitsMoved, Number.NaN)
      logGrown(model, record, options)
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
  logGrown(model, record, options)
  return record
}

function logGrown(model: Gpt, record: GrowthRecord, { key, mirrors }: GrowOptions): void {
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
  const mostKept = 4 * parametersAfter + stateBytesOf(mirrors)
  model.logGrowth({ ...entry, ...(isKept && { undo }) }, mostKept)
}

/**
 * Takes the latest growth back. Exact to the byte if nothing was learnt since; afterwards it drops what the new slices
 * learnt.
 *
 * @throws OptionError if the model has grown further since, has already been taken back, or is held by someone: nothing has changed then.
 */
export function ungrow(model: Gpt, record: Undoable, mirrors: readonly Mirror[]): void {
  checkArgument('ungrow', 'model', model, aGpt)
  checkArgument('ungrow', 'record', record, aRecord)
  checkArgument('ungrow', 'mirrors', mirrors, someMirrors)
  checkFree(model)
  const parametersBefore = model.parameters.size
  takenBack(model, record, mirrors)
  const { summary } = record
  model.logGrowth({ kind: 'taken back', summary, parametersBefore, parametersAfter: model.parameters.size })
}

/**
 * Takes growths back, latest first, until the model has the sizes that it had after so many entries of its growth log: 0 is its birth. What new
 * slices have learnt is dropped; if nothing was learnt since, every byte is as it was.
 *
 * @param entries At most as many as the log has.
 * @throws OptionError for another number, for sizes that were taken back or merged away since, or while someone holds the model: nothing has
 *   changed then.
 */
export function ungrowTo(model: Gpt, entries: number, mirrors: readonly Mirror[]): void {
  checkArgument('ungrowTo', 'model', model, aGpt)
  checkArgument('ungrowTo', 'entries', entries, checks.integer({ from: 0 }))
  checkArgument('ungrowTo', 'mirrors', mirrors, someMirrors)
  checkFree(model)
  const log = model.growthLog
  if (!Number.isInteger(entries) || entries < 0 || entries > log.entries.length) {
    throw new OptionError(
      `ungrowTo: got ${entries} entries; expected an integer from 0 to ${log.entries.length}, as many as the log has.`,
    )
  }
  const [wanted, now] = [replay(log, entries), replay(log)]
  const last = now.barrier > 0 ? log.entries[now.barrier - 1] : undefined
  if (entries < now.barrier && last?.kind === 'grown') {
    throw new OptionError(
      `ungrowTo: got ${entries} entries, and what "${last.summary}" dropped has been let go since, to make room; ` +
        `expected ${now.barrier} or more. Load an older checkpoint.`,
    )
  }
  const left = wanted.standing.length
  const isAmong = wanted.standing.every(({ at }, i) => now.standing.at(i)?.at === at)
  if (entries < now.barrier || !isAmong) {
    throw new OptionError(
      `ungrowTo: got ${entries} entries, and what was grown there has been taken back or merged since; expected sizes that still stand. ` +
        'Load an older checkpoint.',
    )
  }
  for (const growth of now.standing.slice(left).toReversed()) {
    const { entry, configBefore } = growth
    ungrow(model, { ...entry, undo: undoOf(growth), configBefore }, mirrors)
  }
}

/** What taking a growth back needs of its record. */
type Undoable = Pick<GrowthRecord, 'summary' | 'request' | 'undo' | 'configBefore'>

const aRecord = checks.role<Undoable>('a record of grow', 'summary', 'request', 'undo', 'configBefore')

function checkFree(model: Gpt): void {
  if (!model.isHeld) return
  throw new OptionError(
    'grow: a learning step or another growth of this model is not done yet; expected none. Await it first.',
  )
}

function takenBack(model: Gpt, record: Undoable, mirrors: readonly Mirror[]): void {
  const configBefore = configFromState(record.configBefore)
  const config = grownConfig(configBefore, record.request)
  if (JSON.stringify(configFromState(config)) !== JSON.stringify(configFromState(model.config))) {
    throw new OptionError(
      `ungrow: the model is not as "${record.summary}" left it. Take back what was grown since, latest first.`,
    )
  }
  applyPlan(record.undo, model.parameters, mirrors, model.device)
  model.reconfigure(configBefore)
}
