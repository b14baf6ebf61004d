/** The plan that undoes another, also one that drops numbers: those are kept with it. */
import { checkArgument } from '../checks/check-options.ts'
import * as checks from '../checks/checks.ts'
import { aMirrors, type Mirror } from './mirror.ts'
import { ParameterError, ParameterStore } from './parameter.ts'
import { inverseChange, inversePlan, type ParameterChange, type Plan, requirePlan } from './plan.ts'
import { slicesOf } from './slices.ts'

/** Whether a change takes numbers away: a parameter, or slices of one. */
function drops(change: ParameterChange): boolean {
  if (change.kind !== 'resize') return change.kind === 'remove'
  return change.dimensions.some(({ from, source }) => new Set(source.filter((at) => at >= 0)).size < from)
}

/**
 * Makes the plan that undoes another, before that one is carried out. The numbers it drops are read from the
 * parameters and every mirror and kept in the plan, dropped slices and removed parameters alone, so that all
 * of them come back to the byte; the plan is plain data as always. Numbers that stay keep what they have
 * learned since.
 *
 * @throws ParameterError if a mirror cannot return the numbers that would be dropped (`Mirror.keep`).
 */
export async function undoPlan(
  plan: Plan,
  parameters: ParameterStore,
  mirrors: readonly Mirror[],
): Promise<Plan> {
  requirePlan('undoPlan', plan)
  checkArgument('undoPlan', 'parameters', parameters, checks.instance('a ParameterStore', ParameterStore))
  checkArgument('undoPlan', 'mirrors', mirrors, aMirrors)
  const dropping = { ...plan, changes: plan.changes.filter(drops) }
  if (dropping.changes.length === 0) return inversePlan(plan)
  const kept: Record<string, Record<string, unknown>> = {}
  for (const mirror of mirrors) {
    // A mirror written in JavaScript may lack the method.
    if ((mirror as Partial<Mirror>).keep === undefined) {
      throw new ParameterError(
        `plan: "${plan.summary}" drops numbers that ${mirror.name} cannot return, so the plan could not be undone. Give it keep(plan).`,
      )
    }
    kept[mirror.name] = { ...kept[mirror.name], ...(await mirror.keep(dropping)) }
  }
  const others = plan.changes.filter(({ kind }) => kind !== 'remove').toReversed()
  const changes = [
    ...(await Promise.all(addRemoved(parameters, plan))),
    ...(await Promise.all(others.map((change) => revertChange(plan, change, parameters)))),
  ]
  return { summary: `undo ${plan.summary}`, key: plan.key, changes, undoes: plan.undoes !== true, kept }
}

/**
 * Adds again the parameters that a plan removes, in their present order, each before the next parameter that
 * stays.
 */
function addRemoved(parameters: ParameterStore, { changes }: Plan): Promise<ParameterChange>[] {
  const removed = new Set(changes.filter(({ kind }) => kind === 'remove').map(({ path }) => path))
  const paths = [...parameters].map(({ path }) => path)
  return paths.flatMap((path, i) => {
    if (!removed.has(path)) return []
    const before = paths.slice(i).find((other) => !removed.has(other))
    return [addAgain(path, parameters, before)]
  })
}

async function addAgain(
  path: string,
  parameters: ParameterStore,
  before: string | undefined,
): Promise<ParameterChange> {
  const { axes, tensor } = parameters.get(path)
  const initial = { kind: 'values', values: await tensor.read() } as const
  return { kind: 'add', path, axes, shape: tensor.shape, initial, ...(before !== undefined && { before }) }
}

async function revertChange(
  plan: Plan,
  change: ParameterChange,
  parameters: ParameterStore,
): Promise<ParameterChange> {
  if (change.kind !== 'resize' || !drops(change))
    return inversePlan({ ...plan, changes: [change] }).changes[0]
  const back = inverseChange(change, true)
  const values = slicesOf(back.dimensions, await parameters.get(change.path).tensor.read())
  return { ...back, fresh: { kind: 'slices', values } }
}
