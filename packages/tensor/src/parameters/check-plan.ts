/** Checks that a plan fits the parameters it was made for, before anything is done. */
import { formatShape, sameShape, type Shape, sizeOf } from '../shape.ts'
import { ParameterError, type ParameterStore } from './parameter.ts'
import {
  type SliceAverage,
  type DimensionMap,
  type InitialValues,
  isIdentity,
  type ParameterChange,
  type Plan,
  keepAxis,
} from './plan.ts'
import { newPlaces } from './slices.ts'

/** Throws ParameterError if a plan does not fit these parameters. */
export function checkPlan(plan: Plan, parameters: ParameterStore): void {
  for (const change of plan.changes) check(change, parameters)
  checkPaths(plan)
}

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

function checkResized(change: ParameterChange & { kind: 'resize' }, shape: Shape): void {
  const { path, dimensions, fresh } = change
  const from = dimensions.map((map) => map.from)
  if (!sameShape(from, shape)) {
    throw new ParameterError(
      `plan: made for ${path} of shape ${formatShape(from)}, which now is ${formatShape(shape)}. Plan again.`,
    )
  }
  checkSwaps(change)
  if (!dimensions.some(({ source }) => source.includes(-1))) return
  if (fresh.kind === 'average') checkAverage(path, dimensions, fresh)
  else if (fresh.kind === 'slices')
    checkCount(path, shapeOf(dimensions), fresh.values.length, newPlaces(dimensions))
  else checkInitial(path, shapeOf(dimensions), fresh)
}

function checkSwaps({ path, dimensions, swaps }: ParameterChange & { kind: 'resize' }): void {
  if (swaps === undefined) return
  const { axis, pairs, before = false } = swaps
  const { from, source } = dimensions.at(axis) ?? keepAxis(0)
  const size = before ? from : source.length
  const slices = pairs.flat()
  const areSlices = slices.every((at) => Number.isInteger(at) && at >= 0 && at < size)
  if (axis >= 0 && areSlices && new Set(slices).size === slices.length) return
  throw new ParameterError(
    `plan: ${path} swaps numbers of slices ${slices.join(', ')} along axis ${axis}, which has ${size}; expected some of them, each once.`,
  )
}

function checkInitial(path: string, shape: Shape, initial: InitialValues): void {
  if (initial.kind === 'values') checkCount(path, shape, initial.values.length, sizeOf(shape))
}

function checkCount(path: string, shape: Shape, count: number, expected: number): void {
  if (count === expected) return
  throw new ParameterError(
    `plan: ${path} gets ${count} numbers for shape ${formatShape(shape)}; expected ${expected}.`,
  )
}

function checkAverage(path: string, dimensions: readonly DimensionMap[], { axis, of }: SliceAverage): void {
  const { from, source } = dimensions.at(axis) ?? keepAxis(0)
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

const shapeOf = (dimensions: readonly DimensionMap[]): Shape => dimensions.map(({ source }) => source.length)
