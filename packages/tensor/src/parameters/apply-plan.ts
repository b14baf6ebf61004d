/** Carries out a plan on the parameters and every mirror: all together, or not at all. */
import { isRecorded } from '../engine.ts'
import { add, multiply } from '../ops/elementwise/arithmetic.ts'
import { scope } from '../scope.ts'
import { formatShape, sameShape, type Shape, sizeOf } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import type { Device } from '../device.ts'
import type { Mirror } from './mirror.ts'
import { ParameterError, type ParameterStore } from './parameter.ts'
import {
  type Average,
  type DimensionMap,
  type Initial,
  isIdentity,
  type ParameterChange,
  type Plan,
  unchanged,
} from './plan.ts'
import { averages, freshTensor, resized } from './resize.ts'

/**
 * Applies `plan`. Everything new is worked out first; only when all of it exists is anything replaced, by steps that
 * cannot fail.
 *
 * @param device Where added parameters shall live.
 * @throws ParameterError if the plan does not fit these parameters, or within a function that is being differentiated; nothing has
 *   changed then.
 */
export function applyPlan(
  plan: Plan,
  parameters: ParameterStore,
  mirrors: readonly Mirror[],
  device: Device,
): void {
  if (isRecorded()) {
    throw new ParameterError(
      `plan: "${plan.summary}" was to be applied while slopes are being taken; expected to be outside. Finish the step first.`,
    )
  }
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
  const { path } = change
  if (change.kind === 'add') {
    const { initial, shape } = change
    if (initial.kind !== 'copy') return freshTensor(device, shape, initial, plan.key, path)
    const { tensor } = parameters.get(initial.of)
    const { factor = 1 } = initial
    return factor === 1 ? add(tensor, 0) : multiply(tensor, factor) // with numbers of its own, which can be written to
  }
  const { dimensions, fresh } = change
  const { tensor } = parameters.get(path)
  return resized(tensor, dimensions, 'value', () =>
    fresh.kind === 'average'
      ? averages(tensor, dimensions, fresh)
      : freshTensor(device, shapeOf(dimensions), fresh, plan.key, path),
  )
}

const shapeOf = (dimensions: readonly DimensionMap[]): Shape => dimensions.map(({ source }) => source.length)

function checkPaths({ changes }: Plan): void {
  const twice = changes.find(({ path }, i) => changes.findIndex((other) => other.path === path) !== i)
  if (twice) throw new ParameterError(`plan: changes ${twice.path} twice; expected one change per parameter.`)
}

function check(change: ParameterChange, parameters: ParameterStore): void {
  if (change.kind === 'add') checkAdded(change, parameters)
  else if (change.kind === 'resize') checkResized(change, parameters.get(change.path).tensor.shape)
  else parameters.get(change.path)
}

function checkAdded(change: ParameterChange & { kind: 'add' }, parameters: ParameterStore): void {
  const { path, axes, shape, initial } = change
  if (parameters.has(path)) throw new ParameterError(`plan: ${path} exists already and cannot be added.`)
  if (axes.length !== shape.length) {
    throw new ParameterError(
      `plan: ${path} has ${axes.length} axes for shape ${formatShape(shape)}; expected one per dimension.`,
    )
  }
  if (initial.kind !== 'copy') return checkInitial(path, shape, initial)
  const other = parameters.get(initial.of).tensor.shape
  if (!sameShape(other, shape)) {
    throw new ParameterError(
      `plan: ${path} of shape ${formatShape(shape)} is to be a copy of ${initial.of}, which is ${formatShape(other)}; ` +
        'expected the same shape.',
    )
  }
}

function checkResized({ path, dimensions, fresh }: ParameterChange & { kind: 'resize' }, shape: Shape): void {
  const from = dimensions.map((map) => map.from)
  if (!sameShape(from, shape)) {
    throw new ParameterError(
      `plan: made for ${path} of shape ${formatShape(from)}, which now is ${formatShape(shape)}. Plan again.`,
    )
  }
  if (!dimensions.some(({ source }) => source.includes(-1))) return
  if (fresh.kind === 'average') checkAverage(path, dimensions, fresh)
  else checkInitial(path, shapeOf(dimensions), fresh)
}

function checkInitial(path: string, shape: Shape, initial: Initial): void {
  if (initial.kind !== 'values' || initial.values.length === sizeOf(shape)) return
  throw new ParameterError(
    `plan: ${path} gets ${initial.values.length} numbers for shape ${formatShape(shape)}; expected ${sizeOf(shape)}.`,
  )
}

function checkAverage(path: string, dimensions: readonly DimensionMap[], { axis, of }: Average): void {
  const { from, source } = dimensions.at(axis) ?? unchanged(0)
  const fresh = source.filter((at) => at < 0).length
  const isPart = (part: number): boolean => Number.isInteger(part) && part >= 0 && part < from
  const fits =
    axis >= 0 &&
    from > 0 &&
    (of === undefined ||
      (fresh === of.length && of.every((parts) => parts.length > 0 && parts.every(isPart)))) &&
    dimensions.every((map, i) => i === axis || isIdentity(map))
  if (fits) return
  throw new ParameterError(
    `plan: ${path} gets ${of?.length ?? 'some'} averages along axis ${axis} for ${fresh} new slices; ` +
      'expected the old slices of each new one, and no other dimension to change.',
  )
}
