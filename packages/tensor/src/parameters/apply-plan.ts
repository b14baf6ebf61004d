/** Carries out a plan on the parameters and every mirror: all together, or not at all. */
import { scope } from '../scope.ts'
import { formatShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import type { Device } from '../device.ts'
import type { Mirror } from './mirror.ts'
import { ParameterError, type ParameterStore } from './parameter.ts'
import type { ParameterChange, Plan } from './plan.ts'
import { freshTensor, resized } from './resize.ts'

/**
 * Applies `plan`. Everything new is worked out first; only when all of it exists is anything replaced, by steps that
 * cannot fail.
 *
 * @param device Where added parameters shall live.
 * @throws ParameterError if the plan does not fit these parameters; nothing has changed then.
 */
export function applyPlan(
  plan: Plan,
  parameters: ParameterStore,
  mirrors: readonly Mirror[],
  device: Device,
): void {
  for (const change of plan.changes) check(change, parameters)
  checkPaths(plan)
  scope(() => {
    const fresh = new Map<string, Tensor>()
    for (const change of plan.changes) {
      if (change.kind === 'remove') continue
      fresh.set(change.path, newTensor(plan, change, parameters, device))
    }
    const after: Record<string, Tensor> = { ...parameters.tensors(), ...Object.fromEntries(fresh) }
    const commits = mirrors.map((mirror) => mirror.remap(plan, after))
    for (const change of plan.changes) {
      const tensor = fresh.get(change.path) as Tensor
      if (change.kind === 'resize') parameters.replace(change.path, tensor)
      else if (change.kind === 'add') parameters.add(change.path, change.axes, tensor)
      else parameters.remove(change.path)
    }
    for (const commit of commits) commit()
  })
}

function newTensor(
  plan: Plan,
  change: ParameterChange & { kind: 'resize' | 'add' },
  parameters: ParameterStore,
  device: Device,
): Tensor {
  if (change.kind === 'add') return freshTensor(device, change.shape, change.initial, plan.key, change.path)
  const shape = change.dimensions.map((map) => map.source.length)
  const fresh = freshTensor(device, shape, change.fresh, plan.key, change.path)
  return resized(parameters.get(change.path).tensor, change.dimensions, 'value', fresh)
}

function checkPaths({ changes }: Plan): void {
  const twice = changes.find(({ path }, i) => changes.findIndex((other) => other.path === path) !== i)
  if (twice) throw new ParameterError(`plan: changes ${twice.path} twice; expected one change per parameter.`)
}

function check(change: ParameterChange, parameters: ParameterStore): void {
  if (change.kind === 'add') {
    if (parameters.has(change.path))
      throw new ParameterError(`plan: ${change.path} exists already and cannot be added.`)
    if (change.axes.length !== change.shape.length) {
      throw new ParameterError(
        `plan: ${change.path} has ${change.axes.length} axes for shape ${formatShape(change.shape)}; ` +
          'expected one per dimension.',
      )
    }
    return
  }
  const { shape } = parameters.get(change.path).tensor
  if (change.kind === 'remove') return
  const from = change.dimensions.map((map) => map.from)
  if (from.length !== shape.length || from.some((n, i) => n !== shape[i])) {
    throw new ParameterError(
      `plan: made for ${change.path} of shape ${formatShape(from)}, which now is ${formatShape(shape)}. Plan again.`,
    )
  }
}
