/** Carries out one parameter's change on a tensor, on whatever device it lives. */
import { concatenate } from '../ops/concatenate/concatenate.ts'
import { fill } from '../ops/fill/fill.ts'
import { multiply, where } from '../ops/elementwise/arithmetic.ts'
import { gather } from '../ops/gather/gather.ts'
import { matmul } from '../ops/matmul/matmul.ts'
import { permute } from '../ops/permute/permute.ts'
import { reshape } from '../ops/reshape/reshape.ts'
import { RandomStream } from '../random/random-stream.ts'
import { type Shape, sizeOf } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import type { Device } from '../device.ts'
import { type Average, type DimensionMap, type Initial, isIdentity } from './plan.ts'

/** Which factor of a plan applies, and how often: values, gradients, or squares of gradients. */
export type Role = 'value' | 'gradient' | 'squaredGradient'

/**
 * A tensor whose slices are taken from `x` as the maps say; where any dimension is new, `fresh` shows.
 *
 * @param x Shape `maps[d].from` along each dimension d.
 * @param fresh Makes a tensor of the new shape; not asked where nothing is new.
 */
export function resized(x: Tensor, maps: readonly DimensionMap[], role: Role, fresh: () => Tensor): Tensor {
  let result = x
  let isOld: Tensor | undefined
  maps.forEach((map, axis) => {
    if (isIdentity(map)) return
    const along = maps.map(({ source }, i) => (i === axis ? source.length : 1))
    const column = (values: readonly number[]): Tensor =>
      x.device.tensor(values, { shape: along, dtype: 'f32' }, 'resize')
    result = takeAlong(result, axis, map.source)
    const factors = map.source.map((_, i) => factorOf(map, i, role))
    if (factors.some((f) => f !== 1)) result = multiply(result, column(factors))
    if (map.source.includes(-1)) {
      const old = column(map.source.map((at) => (at < 0 ? 0 : 1)))
      isOld = isOld === undefined ? old : multiply(isOld, old)
    }
  })
  return isOld === undefined ? result : where(isOld, result, fresh())
}

function factorOf(map: DimensionMap, index: number, role: Role): number {
  if (role === 'value') return map.valueFactor?.[index] ?? 1
  const factor = map.gradientFactor?.[index] ?? 1
  return role === 'gradient' ? factor : factor * factor
}

/** The slices `source` of one axis; a new slice (−1) takes slice 0 for the moment, to be covered by fresh numbers. */
function takeAlong(x: Tensor, axis: number, source: readonly number[]): Tensor {
  const order = x.shape.map((_, i) => (i === 0 ? axis : i <= axis ? i - 1 : i))
  const back = x.shape.map((_, i) => (i === axis ? 0 : i < axis ? i + 1 : i))
  const ids = x.device.tensor(
    source.map((at) => Math.max(at, 0)),
    { shape: [source.length], dtype: 'i32' },
    'resize',
  )
  const front = axis === 0 ? x : permute(x, order)
  const taken = gather(front, ids)
  return axis === 0 ? taken : permute(taken, back)
}

/** Of the new shape: old slices where they come from, and means of old ones in place of the new ones along one axis. */
export function averages(x: Tensor, maps: readonly DimensionMap[], { axis, of }: Average): Tensor {
  const { from, source } = maps[axis]
  const all = Array.from({ length: from }, (_, i) => i)
  const parts = source.filter((at) => at < 0).map((_, i) => of?.[i] ?? all)
  const weights = new Float64Array(parts.length * from)
  parts.forEach((own, row) => {
    for (const part of own) weights[row * from + part] += 1 / own.length
  })
  const mix = x.device.tensor(weights, { shape: [parts.length, from], dtype: 'f32' }, 'averages')
  const order = x.shape.map((_, i) => (i === 0 ? axis : i <= axis ? i - 1 : i))
  const back = x.shape.map((_, i) => (i === axis ? 0 : i < axis ? i + 1 : i))
  const front = permute(x, order)
  const flat = reshape(front, [from, x.size / from])
  let next = from
  const rows = source.map((at) => (at < 0 ? next++ : at))
  const ids = x.device.tensor(rows, { shape: [rows.length], dtype: 'i32' }, 'averages')
  const taken = gather(concatenate([flat, matmul(mix, flat)], 0), ids)
  return permute(reshape(taken, [rows.length, ...front.shape.slice(1)]), back)
}

/** New numbers as a plan asks for them: drawn on the CPU, so that every device gets the same. */
export function freshTensor(
  device: Device,
  shape: Shape,
  initial: Initial,
  key: readonly [number, number],
  path: string,
): Tensor {
  if (initial.kind === 'zero') return fill(device, shape, 0)
  if (initial.kind === 'one') return fill(device, shape, 1)
  if (initial.kind === 'values')
    return device.tensor(initial.values, { shape, dtype: 'f32' }, `initial ${path}`)
  const numbers = new Float32Array(sizeOf(shape))
  new RandomStream(key).named(path).fillNormal(numbers, initial.standardDeviation)
  return device.tensor(numbers, { shape, dtype: 'f32' }, `initial ${path}`)
}
