/** Grows at steps that were fixed beforehand. */
import type { GptConfig } from '@burgeon/gpt'
import { type EarlierRequest, requestFromState } from '@burgeon/gpt/growth'
import { type Check, checkArgument, checkOptions, checks, fields, OptionError, shown } from '@burgeon/tensor'
import { count } from '../../saved-state.ts'
import type { GrowthPolicy } from '../growth-policy.ts'
import type { AnyConfig, AnyRequest, RequestTo } from '../price-in.ts'

/** One growth of a schedule. */
export interface ScheduledGrowth<C extends AnyConfig = GptConfig> {
  /** Updates after which it is due, ≥ 0. */
  readonly step: number
  /** The request, or a function that makes it for the model of that time. */
  readonly request: RequestTo<C> | ((config: C) => RequestTo<C>)
}

const anEntry = checks.object<ScheduledGrowth<AnyConfig>>('an object with step and request')
const aRequest = checks.role<AnyRequest>('a growth request', 'kind')

interface State {
  /** How many of the schedule have been asked for. */
  readonly asked: number
}

/**
 * The hand-made schedule that every automatic policy has to beat; also what stacking needs, which grows once
 * and early (Du et al. 2024, Gstack: after a small share of the training). Growths that are due together
 * follow each other step by step.
 *
 * @param schedule In order of steps.
 * @throws OptionError unless steps are integers ≥ 0 in ascending order.
 * @example
 * ```ts
 * const policy = growOnSchedule([
 *   { step: 500, request: ({ blocks }) => ({ kind: 'addLayer', at: blocks.length }) },
 *   { step: 1000, request: { kind: 'widenMlp', block: 'b0', to: 512 } },
 * ])
 * ```
 */
export function growOnSchedule<C extends AnyConfig = GptConfig>(
  schedule: readonly ScheduledGrowth<C>[],
): GrowthPolicy<State, C> {
  checkArgument('growOnSchedule', 'schedule', schedule, checks.list('a list of objects', anEntry))
  for (const [i, entry] of schedule.entries()) {
    refuseAxis(i, entry.request)
    checkOptions<ScheduledGrowth<C>>(`growOnSchedule: schedule[${i}]`, entry, {
      step: checks.required(checks.integer({ from: 0 })),
      request: checks.required(
        checks.either(checks.callback<(config: C) => RequestTo<C>>(), aRequest as Check<RequestTo<C>>),
      ),
    })
  }
  const steps = schedule.map(({ step }) => step)
  const isOrdered = steps.every((step, i) => step >= (steps[i - 1] ?? 0))
  if (!isOrdered) {
    throw new OptionError(
      `growOnSchedule: got steps ${steps.join(', ')}; expected integers from 0 in ascending order.`,
    )
  }
  return {
    name: `on a schedule of ${schedule.length}`,
    initial: { asked: 0 },
    stateCheck: fields<State>('a count', { asked: count }),
    decide({ step, config }, _, state) {
      const due = schedule.at(state.asked)
      if (due === undefined) return { request: null, reason: 'the schedule is done', state }
      if (step < due.step) return { request: null, reason: `next at step ${due.step}`, state }
      const { request: wanted } = due
      const request = (typeof wanted === 'function' ? wanted(config) : wanted) as RequestTo<C>
      return { request, reason: `scheduled for step ${due.step}`, state: { asked: state.asked + 1 } }
    },
  }
}

/**
 * Throws OptionError for a request that calls its kind axis, as requests did before 0.2: it names the kind.
 */
function refuseAxis(at: number, request: unknown): void {
  if (typeof request !== 'object' || request === null || 'kind' in request || !('axis' in request)) return
  const { kind } = requestFromState(request as EarlierRequest)
  throw new OptionError(
    `growOnSchedule: got a request with axis ${shown(request.axis)} as schedule[${at}]; expected kind: '${kind}' in its place.`,
  )
}
