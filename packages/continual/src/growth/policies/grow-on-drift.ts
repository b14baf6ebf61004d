/** Grows when the world has changed and learning alone does not catch up. */
import type { GptConfig } from '@burgeon/gpt'
import { checkOptions, checks, fields } from '@burgeon/tensor'
import { count, none } from '../../saved-state.ts'
import type { GrowthPolicy } from '../growth-policy.ts'
import { meanOf } from '../measure/mean-of.ts'
import type { AnyConfig, RequestTo } from '../price-in.ts'
import { usualRequest } from '../requests/usual-request.ts'
import { excessOf } from '../within-budget.ts'

/** When a change counts as too much for the model as it is. */
export interface GrowOnDriftOptions<C extends AnyConfig = GptConfig> {
  /** Steps after an alarm in which learning alone may catch up, 1 to 200. */
  readonly patience: number
  /** The mean loss then, relative to that before the alarm, above which it grows; > 0, 1.05 unless given. */
  readonly tolerance?: number
  /**
   * Makes the request. Unless given, one for a copy of the last block on top of it; of a dense network, one
   * for half as many units more in its narrowest hidden layer.
   */
  readonly request?: (config: C) => RequestTo<C>
}

interface State {
  /** The alarm that was judged last, as the step at which it was raised; null before the first. */
  readonly judged: number | null
}

/**
 * Judges each drift alarm once: `patience` steps later, the losses of the later half of those steps are
 * compared with those of as many steps as `patience` before the alarm. If the model is still worse, it lacks
 * room for the new next to the old.
 *
 * @throws OptionError for options out of range.
 */
export function growOnDrift<C extends AnyConfig = GptConfig>(
  options: GrowOnDriftOptions<C>,
): GrowthPolicy<State, C> {
  checkOptions('growOnDrift', options, {
    patience: checks.required(checks.integer({ from: 1, to: 200 })),
    tolerance: checks.number({ above: 0 }),
    request: checks.callback('a function of a configuration'),
  })
  const { patience, tolerance = 1.05, request = (config) => usualRequest(config) as RequestTo<C> } = options
  return {
    name: `on drift, after ${patience} steps`,
    initial: { judged: null },
    stateCheck: fields<State>('the last alarm', { judged: checks.either(count, none) }),
    waitsForDrift: true,
    decide(signals, budget, state) {
      const { step, losses, stepsSinceDrift, config } = signals
      const stay = (reason: string, judged = state.judged) =>
        ({ request: null, reason, state: { judged } }) as const
      if (stepsSinceDrift === null) return stay('no drift yet')
      const alarm = step - stepsSinceDrift
      if (alarm === state.judged) return stay('the last drift has been judged')
      if (stepsSinceDrift < patience) return stay('learning alone may still catch up')
      const since = losses.slice(-Math.ceil(patience / 2))
      const end = losses.length - stepsSinceDrift - 1 // the alarm's own step is neither before nor after
      const before = losses.slice(Math.max(0, end - patience), Math.max(0, end))
      if (before.length === 0) return stay('nothing to compare with', alarm)
      const ratio = meanOf(since) / meanOf(before)
      const reason = `${patience} steps after the drift the loss is ${ratio.toFixed(2)} times that before`
      if (!(ratio > tolerance)) return stay(reason, alarm)
      const wanted = request(config)
      if (excessOf(signals, wanted, budget) !== null) return stay(`the budget is spent (${reason})`, alarm)
      return { request: wanted, reason, state: { judged: alarm } }
    },
  }
}
