/** Takes growth back: the latest, or all since some entry of the growth log. */
import { applyPlan, checkArgument, checks, type Mirror, OptionError, type Plan } from '@burgeon/tensor'
import { configFromState, isSameConfig } from '../../config/config-from-state.ts'
import type { GptConfig } from '../../config/gpt-config.ts'
import type { Gpt } from '../../gpt.ts'
import { growthOf } from '../../growth-access.ts'
import { replayGrowth, undoOf } from '../plan/growth-log.ts'
import { grownConfig } from '../plan/plan-growth.ts'
import type { GrowthRequest } from '../requests/growth-request.ts'
import { requestFromState } from '../requests/request-from-state.ts'
import { aGpt, checkFree, someMirrors } from './growth-checks.ts'

/**
 * Takes the latest growth back. Exact to the byte if nothing was learnt since; afterwards it drops what the
 * new slices learnt.
 *
 * @throws OptionError if the model has grown further since, has already been taken back, or is held by
 *   someone: nothing has changed then.
 */
export function ungrow(model: Gpt, record: Undoable, mirrors: readonly Mirror[]): void {
  checkArgument('ungrow', 'model', model, aGpt)
  checkArgument('ungrow', 'record', record, aRecord)
  checkArgument('ungrow', 'mirrors', mirrors, someMirrors)
  checkFree('ungrow', model)
  const parametersBefore = model.parameters.size
  revert(model, record, mirrors)
  const { summary } = record
  const parametersAfter = model.parameters.size
  growthOf(model).log({ kind: 'taken back', summary, parametersBefore, parametersAfter }, Infinity)
}

/**
 * Takes growths back, latest first, until the model has the sizes that it had after so many entries of its
 * growth log: 0 is its birth. What new slices have learnt is dropped; if nothing was learnt since, every byte
 * is as it was.
 *
 * @param entries At most as many as the log has.
 * @throws OptionError for another number, for sizes that were taken back or merged away since, or while
 *   someone holds the model: nothing has changed then.
 */
export function ungrowTo(model: Gpt, entries: number, mirrors: readonly Mirror[]): void {
  checkArgument('ungrowTo', 'model', model, aGpt)
  checkArgument('ungrowTo', 'entries', entries, checks.integer({ from: 0 }))
  checkArgument('ungrowTo', 'mirrors', mirrors, someMirrors)
  checkFree('ungrowTo', model)
  const log = model.growthLog
  if (!Number.isInteger(entries) || entries < 0 || entries > log.entries.length) {
    throw new OptionError(
      `ungrowTo: got ${entries} entries; expected an integer from 0 to ${log.entries.length}, as many as the log has.`,
    )
  }
  const [wanted, now] = [replayGrowth(log, entries), replayGrowth(log)]
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

/** The part of a growth's record that taking it back needs. */
export interface Undoable {
  readonly summary: string
  readonly request: GrowthRequest
  readonly undo: Plan
  readonly configBefore: GptConfig
}

const aRecord = checks.role<Undoable>('a record of grow', 'summary', 'request', 'undo', 'configBefore')

/** Takes a growth back without a word in the log. */
export function revert(model: Gpt, record: Undoable, mirrors: readonly Mirror[]): void {
  const configBefore = configFromState(record.configBefore)
  const config = grownConfig(configBefore, requestFromState(record.request))
  if (!isSameConfig(config, model.config)) {
    throw new OptionError(
      `ungrow: the model is not as "${record.summary}" left it. Take back what was grown since, latest first.`,
    )
  }
  applyPlan(record.undo, model.parameters, mirrors, model.device)
  growthOf(model).reconfigure(configBefore)
}
