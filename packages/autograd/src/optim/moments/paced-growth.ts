/** The factors that a growth puts on the slices of a parameter, as plain data. */
import { checks, type DimensionMap, type ParameterChange, type Shape, type SliceSwaps } from '@burgeon/tensor'

/** Factors by axis and index; null for an axis whose factors are all 1. */
export type Factors = readonly (readonly number[] | null)[]

/** What one growth made of the slices of a parameter. */
export interface PacedGrowth {
  /** Steps since then. */
  readonly steps: number
  /** What each slice holds of its original's number. */
  readonly values: Factors
  /** What each slice has of its original's gradient. */
  readonly gradients: Factors
}

/** The factors of a change on the slices of its parameter. */
export function growthBy(change: ParameterChange & { kind: 'add' | 'resize' }): PacedGrowth {
  if (change.kind === 'resize') {
    const { dimensions, swaps } = change
    return {
      steps: 0,
      values: dimensions.map((map, axis) =>
        swaps?.axis === axis ? swappedSizesOf(map, swaps) : sizesOf(map.source, map.valueFactor),
      ),
      gradients: dimensions.map(({ source, gradientFactor }) => sizesOf(source, gradientFactor)),
    }
  }
  const { initial, shape } = change
  const { factor = 1, gradientFactor = 1 } = initial.kind === 'copy' ? initial : {}
  return { steps: 0, values: ofAll(shape, factor), gradients: ofAll(shape, gradientFactor) }
}

/** One factor for a whole parameter. */
function ofAll(shape: Shape, factor: number): Factors {
  return shape.map((n, axis) => (axis > 0 ? null : orNull(Array.from({ length: n }, () => sizeOf(factor)))))
}

/** The factors of copied slices; new ones have none. */
function sizesOf(
  source: readonly number[],
  factors: readonly number[] | undefined,
): readonly number[] | null {
  return factors === undefined ? null : orNull(source.map((at, i) => (at < 0 ? 1 : sizeOf(factors[i]))))
}

/** Of two slices that have swapped numbers, each has half of the original's on the average. */
function swappedSizesOf(
  { source, valueFactor }: DimensionMap,
  { pairs, before = false }: SliceSwaps,
): readonly number[] | null {
  const slices = new Set(pairs.flat())
  const own = source.map((at, i) => {
    if (slices.has(before ? at : i)) return before ? 2 : 0.5
    return valueFactor?.[i] ?? 1
  })
  return sizesOf(source, own)
}

/**
 * A direction carries its sign by itself; what holds nothing of a number, or of its gradient, starts anew.
 */
const sizeOf = (factor: number): number => (factor === 0 ? 1 : Math.abs(factor))

const orNull = (list: readonly number[]): readonly number[] | null =>
  list.every((f) => f === 1) ? null : list

/** Whether a growth leaves every pace as it is. */
export function isPlain({ values, gradients }: PacedGrowth): boolean {
  return [...values, ...gradients].every((list) => list === null)
}

/** The factors of an earlier growth on the slices of a parameter that has changed since. */
export function carried(growth: PacedGrowth, dimensions: readonly DimensionMap[]): PacedGrowth {
  const along = (list: readonly number[] | null, axis: number): readonly number[] | null =>
    list && dimensions[axis].source.map((at) => (at < 0 ? 1 : list[at]))
  return { ...growth, values: growth.values.map(along), gradients: growth.gradients.map(along) }
}

/** Whether two growths, one after the other, leave every number as it was. */
export function cancel(one: PacedGrowth, other: PacedGrowth): boolean {
  const areOnes = (a: Factors, b: Factors): boolean =>
    a.every((list, axis) =>
      (list ?? b[axis] ?? []).every((_, i) => Math.abs((list?.[i] ?? 1) * (b[axis]?.[i] ?? 1) - 1) < 1e-9),
    )
  return areOnes(one.values, other.values) && areOnes(one.gradients, other.gradients)
}

/** Growths as they were before something was dropped, with the steps that were taken since. */
export function broughtBack(
  kept: readonly PacedGrowth[],
  now: readonly PacedGrowth[] | undefined,
): readonly PacedGrowth[] {
  if (now === undefined) return kept
  // What is left of the same growths has counted on; if nothing is, all of them have faded.
  const since = (now.at(-1)?.steps ?? Infinity) - (kept.at(-1)?.steps ?? 0)
  return kept.map((growth) => ({ ...growth, steps: growth.steps + since }))
}

const isFactor = checks.number({ above: 0 }).accepts
const areFactors = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every((list) => list === null || (Array.isArray(list) && list.every((f) => isFactor(f))))

/** Whether something is a list of growths, as a saved state has it. */
export function areGrowths(value: unknown): value is readonly PacedGrowth[] {
  return (
    Array.isArray(value) &&
    value.every((growth: Partial<PacedGrowth> | null) => {
      const { steps, values, gradients } = growth ?? {}
      return checks.count.accepts(steps) && areFactors(values) && areFactors(gradients)
    })
  )
}

/** Whether the factors of a growth are those of a parameter of this shape. */
export function fits({ values, gradients }: PacedGrowth, shape: Shape): boolean {
  return [values, gradients].every(
    (factors) =>
      factors.length === shape.length &&
      factors.every((list, axis) => (list?.length ?? shape[axis]) === shape[axis]),
  )
}
