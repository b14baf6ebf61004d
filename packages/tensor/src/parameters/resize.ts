/** Carries out one parameter's change on a tensor, on whatever device it lives. */
import type { Check } from '../checks/checks.ts'
import { ShapeError } from '../errors.ts'
import { checkTensor } from '../checks/check-tensor.ts'
import { checkArgument } from '../checks/check-options.ts'
import * as checks from '../checks/checks.ts'
import { assign } from '../ops/assign/assign.ts'
import { concatenate } from '../ops/concatenate/concatenate.ts'
import { fill } from '../ops/fill/fill.ts'
import { std } from '../functions/variance.ts'
import * as expression from '../expression/expression.ts'
import { multiply } from '../ops/elementwise/arithmetic.ts'
import { elementwise } from '../ops/elementwise/elementwise.ts'
import { where } from '../ops/elementwise/comparisons.ts'
import { gather } from '../ops/gather/gather.ts'
import { matmul } from '../ops/matmul/matmul.ts'
import { permute } from '../ops/permute/permute.ts'
import { reshape } from '../ops/reshape/reshape.ts'
import { slice } from '../ops/slice/slice.ts'
import { RandomStream } from '../random/random-stream.ts'
import { scope } from '../scope.ts'
import { formatShape, sameShape, type Shape, sizeOf, checkShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import type { Device } from '../device.ts'
import {
  type SliceAverage,
  type DimensionMap,
  type InitialValues,
  isIdentity,
  maps as someMaps,
} from './plan.ts'

/**
 * Which factors of a plan apply, and how often: to values, gradients, squares of gradients, or sums of a
 * gradient times a change of the value, as path integrals of the loss are (Zenke et al. 2017, eq. 3).
 *
 * `importance` is the weight of squared movements of values, as in the penalty of EWC. The sum of these stays
 * the same: with shares v of the value and g of the gradient, of which Σ g·v = 1, the weights are g/v.
 * Measured anew, the squares of split gradients would come to less, Σ g²·v², because a diagonal does not see
 * that copies move together. Of all diagonals that do not fall short of the whole matrix this is one that is
 * no larger where they do, for (Σ gᵢ·xᵢ)² ≤ Σ gᵢ/vᵢ·xᵢ² by Cauchy and Schwarz.
 */
export type MirrorRole = 'value' | 'gradient' | 'squaredGradient' | 'pathIntegral' | 'importance'

/**
 * Returns a tensor whose slices are taken from `x` as the maps say; in new places it holds the numbers of
 * `fresh`. Intermediate tensors are freed as soon as possible; where slices only come or go at the ends of
 * axes, only the result is allocated. Where nothing changes the result is `x` itself.
 *
 * @param x Shape `maps[d].from` along each dimension d.
 * @param fresh Makes a tensor of the new shape, which is written into; not called where nothing is new.
 */
export function resize(
  x: Tensor,
  maps: readonly DimensionMap[],
  role: MirrorRole,
  fresh: () => Tensor,
): Tensor {
  checkTensor('resize', 'x', x)
  checkArgument('resize', 'maps', maps, someMaps)
  checkFits(x, maps)
  checkArgument('resize', 'role', role, aRole)
  checkArgument('resize', 'fresh', fresh, checks.callback())
  const shape = maps.map(({ source }) => source.length)
  const ends = maps.map((map) => endOf(map, role))
  if (ends.every((end) => end === 'same')) return x
  if (ends.every((end) => end === 'same' || end === 'shorter')) return slice(x, [], shape)
  if (ends.every((end) => end === 'same' || end === 'longer')) {
    const into = scope(fresh)
    assign(into, x)
    return into
  }
  let result = x
  let isOld: Tensor | undefined
  const become = (make: () => Tensor): void => {
    const next = scope(make)
    if (result !== x) result.dispose()
    result = next
  }
  maps.forEach((map, axis) => {
    if (isIdentity(map)) return
    const along = maps.map(({ source }, i) => (i === axis ? source.length : 1))
    const column = (values: readonly number[]): Tensor =>
      x.device.tensor(values, { shape: along, dtype: 'f32' }, 'resize')
    become(() => takeAlong(result, axis, map.source))
    const factors = map.source.map((_, i) => factorOf(map, i, role))
    if (factors.some((f) => f !== 1)) become(() => multiply(result, column(factors)))
    if (map.source.includes(-1)) {
      const old = column(map.source.map((at) => (at < 0 ? 0 : 1)))
      isOld = isOld === undefined ? old : multiply(isOld, old)
    }
  })
  const mask = isOld
  if (mask !== undefined) become(() => where(mask, result, fresh()))
  return result
}

function checkFits({ shape }: Tensor, maps: readonly DimensionMap[]): void {
  const from = maps.map((map) => map.from)
  if (sameShape(from, shape)) return
  throw new ShapeError(
    `resize: got maps from ${formatShape(from)} for a tensor of shape ${formatShape(shape)}; ` +
      'expected one for each dimension, from its size.',
  )
}

/** Check of a role. */
export const aRole: Check<MirrorRole> = checks.oneOf(
  'value',
  'gradient',
  'squaredGradient',
  'pathIntegral',
  'importance',
)

/**
 * How an axis changes whose first slices all stay in place, as they are: it keeps its end, loses some of it,
 * or gets a new one.
 */
function endOf(map: DimensionMap, role: MirrorRole): 'same' | 'shorter' | 'longer' | undefined {
  const { from, source } = map
  const inPlace = source.every((at, i) => (i < from ? at === i && factorOf(map, i, role) === 1 : at === -1))
  if (!inPlace) return undefined
  return source.length === from ? 'same' : source.length < from ? 'shorter' : 'longer'
}

function factorOf(map: DimensionMap, index: number, role: MirrorRole): number {
  return roleFactor(role, map.valueFactor?.[index] ?? 1, map.gradientFactor?.[index] ?? 1)
}

/** The factor of a role where the value is multiplied by `value` and its gradient by `gradient`. */
export function roleFactor(role: MirrorRole, value: number, gradient: number): number {
  switch (role) {
    case 'value':
      return value
    case 'gradient':
      return gradient
    case 'squaredGradient':
      return gradient * gradient
    case 'pathIntegral':
      return value * gradient
    case 'importance':
      return gradient === 0 ? 0 : gradient / value
  }
}

/**
 * Takes the slices `source` of one axis; a new slice (−1) takes slice 0 for the moment, to be overwritten by
 * fresh numbers.
 */
export function takeAlong(x: Tensor, axis: number, source: readonly number[]): Tensor {
  const ids = x.device.tensor(
    source.map((at) => Math.max(at, 0)),
    { shape: [source.length], dtype: 'i32' },
    'resize',
  )
  if (axis === 0) return gather(x, ids)
  const taken = scope(() => gather(axisFirst(x, axis), ids))
  return axisBack(taken, axis)
}

const axisFirst = (x: Tensor, axis: number): Tensor =>
  permute(
    x,
    x.shape.map((_, i) => (i === 0 ? axis : i <= axis ? i - 1 : i)),
  )

const axisBack = (x: Tensor, axis: number): Tensor =>
  permute(
    x,
    x.shape.map((_, i) => (i === axis ? 0 : i < axis ? i + 1 : i)),
  )

/**
 * Returns a tensor of the new shape: old slices in their places and, along one axis, means of old slices in
 * place of the new ones.
 */
export function averages(x: Tensor, maps: readonly DimensionMap[], { axis, of }: SliceAverage): Tensor {
  const { from, source } = maps[axis]
  const all = Array.from({ length: from }, (_, i) => i)
  const parts = source.filter((at) => at < 0).map((_, i) => of?.[i] ?? all)
  const weights = new Float64Array(parts.length * from)
  parts.forEach((own, row) => {
    for (const part of own) weights[row * from + part] += 1 / own.length
  })
  const mix = x.device.tensor(weights, { shape: [parts.length, from], dtype: 'f32' }, 'averages')
  let next = from
  const rows = source.map((at) => (at < 0 ? next++ : at))
  const inOrder = rows.length === next && rows.every((row, i) => row === i)
  const rest = x.shape.filter((_, i) => i !== axis)
  const oldAndNew = scope(() => {
    const flat = reshape(axis === 0 ? x : axisFirst(x, axis), [from, x.size / from])
    return concatenate([flat, matmul(mix, flat)], 0)
  })
  const taken = scope(() => {
    const ids = x.device.tensor(rows, { shape: [rows.length], dtype: 'i32' }, 'averages')
    return inOrder ? oldAndNew : gather(oldAndNew, ids)
  })
  if (taken !== oldAndNew) oldAndNew.dispose()
  const shaped = reshape(taken, [rows.length, ...rest])
  return axis === 0 ? shaped : axisBack(shaped, axis)
}

const { constant, input, less, multiply: times, scalar, select } = expression
// inputs: numbers of deviation 1, the deviation of old ones
const widened = times(input(0), select(less(constant(0), input(1)), input(1), scalar(0)))

const anInitial: Check<InitialValues> = {
  expected:
    "{ kind: 'zero' }, { kind: 'one' }, { kind: 'normal', standardDeviation } or { kind: 'values', values }",
  accepts: (value): value is InitialValues => {
    if (typeof value !== 'object' || value === null) return false
    const initial = value as Partial<InitialValues>
    if (initial.kind === 'values') return checks.numbers.accepts((initial as { values: unknown }).values)
    if (initial.kind !== 'normal') return initial.kind === 'zero' || initial.kind === 'one'
    return checks.number({ from: 0 }).accepts((initial as { standardDeviation: unknown }).standardDeviation)
  },
}

/** Makes the new numbers of a parameter that has old ones, of a shape that it is to have. */
export function freshBeside(
  old: Tensor,
  shape: Shape,
  initial: InitialValues,
  key: readonly [number, number],
  path: string,
): Tensor {
  if (initial.kind !== 'normal' || initial.asOld !== true) {
    return freshTensor(old.device, shape, initial, key, path)
  }
  const unit = freshTensor(old.device, shape, { kind: 'normal', standardDeviation: 1 }, key, path)
  return elementwise(widened, [unit, std(old)], [initial.standardDeviation])
}

/** Makes the new numbers of a plan: drawn on the CPU, so that every device gets the same. */
export function freshTensor(
  device: Device,
  shape: Shape,
  initial: InitialValues,
  key: readonly [number, number],
  path: string,
): Tensor {
  checkArgument('freshTensor', 'device', device, checks.device)
  checkShape('freshTensor', shape)
  checkArgument('freshTensor', 'initial', initial, anInitial)
  checkArgument('freshTensor', 'key', key, checks.key)
  checkArgument('freshTensor', 'path', path, checks.text)
  if (initial.kind === 'zero') return fill(device, shape, 0)
  if (initial.kind === 'one') return fill(device, shape, 1)
  if (initial.kind === 'values')
    return device.tensor(initial.values, { shape, dtype: 'f32' }, `initial ${path}`)
  const numbers = new Float32Array(sizeOf(shape))
  new RandomStream(key).named(path).fillNormal(numbers, initial.standardDeviation)
  return device.tensor(numbers, { shape, dtype: 'f32' }, `initial ${path}`)
}
