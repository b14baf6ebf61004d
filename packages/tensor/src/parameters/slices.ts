/**
 * The numbers that are new in a tensor that grows, or were dropped from one that shrank, apart from all that
 * stay.
 */
import { checkArgument } from '../checks/check-options.ts'
import * as checks from '../checks/checks.ts'
import type { NumericArray } from '../dtype.ts'
import { sizeOf } from '../shape.ts'
import type { PlainTensor } from './plain-tensors.ts'
import { type DimensionMap, maps as someMaps } from './plan.ts'

/**
 * The numbers of all places that are new along some dimension, in row-major order: they bring back dropped
 * slices.
 */
export interface Slices {
  readonly kind: 'slices'
  readonly values: NumericArray
}

/**
 * The numbers that a mirror keeps of a tensor that loses slices, or is removed; a state of an earlier version
 * kept all of either.
 */
export type KeptNumbers = { readonly slices: NumericArray } | PlainTensor

/** Picks the numbers of new places out of those of all places. */
export function slicesOf(maps: readonly DimensionMap[], all: NumericArray): NumericArray {
  const values = all.slice(0, newPlaces(maps))
  let at = 0
  eachNewRun(maps, (from, to) => {
    values.set(all.subarray(from, to), at)
    at += to - from
  })
  return values
}

/** Returns numbers for all places, 0 where nothing is new. */
export function withSlices(maps: readonly DimensionMap[], values: NumericArray): Float64Array {
  const all = new Float64Array(sizeOf(maps.map(({ source }) => source.length)))
  let at = 0
  eachNewRun(maps, (from, to) => {
    all.set(values.subarray(at, at + to - from), from)
    at += to - from
  })
  return all
}

/** Returns numbers for all places from those that were kept. */
export function keptNumbers(maps: readonly DimensionMap[], kept: KeptNumbers): NumericArray {
  checkArgument('keptNumbers', 'maps', maps, someMaps)
  checkArgument(
    'keptNumbers',
    'kept',
    kept,
    checks.object<KeptNumbers>('an object with slices, or with shape and data'),
  )
  if (!('slices' in kept)) {
    checkArgument('keptNumbers', 'kept.data', kept.data, checks.numbers)
    return kept.data
  }
  checkArgument('keptNumbers', 'kept.slices', kept.slices, checks.numbers)
  return withSlices(maps, kept.slices)
}

/** Counts the places that are new along some dimension. */
export function newPlaces(maps: readonly DimensionMap[]): number {
  const old = maps.map(({ source }) => source.filter((at) => at >= 0).length)
  return sizeOf(maps.map(({ source }) => source.length)) - sizeOf(old)
}

function eachNewRun(maps: readonly DimensionMap[], visit: (from: number, to: number) => void): void {
  const strides = maps.map((_, axis) => sizeOf(maps.slice(axis + 1).map(({ source }) => source.length)))
  const walk = (axis: number, start: number): void => {
    maps[axis].source.forEach((old, i) => {
      const from = start + i * strides[axis]
      if (old < 0) visit(from, from + strides[axis])
      else if (axis + 1 < maps.length) walk(axis + 1, from)
    })
  }
  if (maps.length > 0) walk(0, 0)
}
