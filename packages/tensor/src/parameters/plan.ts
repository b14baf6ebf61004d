/**
 * A plan: the change of every parameter when a model grows or shrinks, as pure data.
 *
 * The same plan is carried out on the parameters and on every mirror (optimizer moments, Fisher information,
 * anchors, …), so nothing that is shaped like a parameter can be forgotten.
 */
import type { Check } from '../checks/checks.ts'
import { checkArgument } from '../checks/check-options.ts'
import * as checks from '../checks/checks.ts'
import { OptionError } from '../errors.ts'
import type { Axis } from './parameter.ts'
import type { Slices } from './slices.ts'

/** The source of each slice of one dimension. */
export interface DimensionMap {
  /** Size before. */
  readonly from: number
  /** For every new index the old index it is taken from, or −1 for a new slice. */
  readonly source: readonly number[]
  /**
   * Factors on copied values, one per new index; they share out the outgoing weights of a split unit. Default
   * 1.
   */
  readonly valueFactor?: readonly number[]
  /** Factors on gradients of copied values; moments and Fisher information follow them. Default 1. */
  readonly gradientFactor?: readonly number[]
}

/** The initial values of new numbers. */
export type InitialValues =
  | { readonly kind: 'zero' }
  | { readonly kind: 'one' }
  /**
   * Gaussian around 0, drawn from the plan's random stream for the parameter's path. Beside old numbers that
   * are not all alike it has their standard deviation instead, if `asOld` is true, up to the rounding of the
   * device. Default false.
   */
  | { readonly kind: 'normal'; readonly standardDeviation: number; readonly asOld?: boolean }
  /** These numbers, as many as the tensor has, in row-major order. */
  | { readonly kind: 'values'; readonly values: ArrayLike<number> }

/** A copy of another parameter of the same shape, as it is before the plan. */
export interface ParameterCopy {
  readonly kind: 'copy'
  /** Path of the other parameter. */
  readonly of: string
  /** Factor on every number. Default 1. */
  readonly factor?: number
  /**
   * Gradient of the copy as a multiple of the other's gradient before the plan. Default 1. Mirrors copy their
   * tensor of the other with the factor of their role. With 0 the copy has no moments and no importance yet;
   * mirrors of values are copied all the same.
   */
  readonly gradientFactor?: number
}

/**
 * New slices along `axis` as means of old ones: the i-th new slice is the mean of the old slices `of[i]`, or
 * of all. Every other dimension stays as it is. A copy of the values (an anchor, a moving average) takes the
 * means of its own slices.
 */
export interface SliceAverage {
  readonly kind: 'average'
  readonly axis: number
  /** The old slices of each new one, of which one may count more than once. Default: all of them for each. */
  readonly of?: readonly (readonly number[])[]
}

/**
 * Pairs of slices that hold two shares of one, with a sum of 1, and in which a random half of the numbers
 * change places. Half of a number's step and of its importance is then in either, on the average.
 */
export interface SliceSwaps {
  readonly axis: number
  /** Two slices each, counted where there are most of them; no slice is in more than one pair. */
  readonly pairs: readonly (readonly [number, number])[]
  /** Whether they change places before the slices are taken, to undo a plan. Default false. */
  readonly before?: boolean
}

/** The change of one parameter. */
export type ParameterChange =
  | {
      readonly kind: 'resize'
      readonly path: string
      readonly dimensions: readonly DimensionMap[]
      /** The content of new slices. */
      readonly fresh: InitialValues | SliceAverage | Slices
      /** Numbers that change places between two copies of a slice. Default: none. */
      readonly swaps?: SliceSwaps
    }
  | {
      readonly kind: 'add'
      readonly path: string
      readonly axes: readonly Axis[]
      readonly shape: readonly number[]
      readonly initial: InitialValues | ParameterCopy
      /** Path of the parameter that the new one precedes. Default: it comes last. */
      readonly before?: string
    }
  | { readonly kind: 'remove'; readonly path: string }

/** One growth, as data: it can be logged, priced, carried out and undone. */
export interface Plan {
  /** One line for people: `block b2: mlpHidden 256 → 384`. */
  readonly summary: string
  /** Key of the random stream that new numbers are drawn from. */
  readonly key: readonly [number, number]
  readonly changes: readonly ParameterChange[]
  /** Whether it undoes another. Default false. */
  readonly undoes?: boolean
  /**
   * In a plan that brings back what was dropped: the numbers that each mirror had there, by the mirror's name
   * and the parameter's path (`undoPlan`).
   */
  readonly kept?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

const aFactor = checks.list('a list of factors', checks.anyNumber)
/** Check of a dimension's map. */
const aMap: Check<DimensionMap> = {
  expected: 'a map of a dimension: { from, source }, integers',
  accepts: (value): value is DimensionMap => {
    if (typeof value !== 'object' || value === null) return false
    const { from, source, valueFactor, gradientFactor } = value as DimensionMap
    const isFactor = (factors: unknown): boolean => factors === undefined || aFactor.accepts(factors)
    const isWhole = Number.isSafeInteger(from) && from >= 0 && checks.integers.accepts(source)
    return isWhole && isFactor(valueFactor) && isFactor(gradientFactor)
  },
}

const aChange = checks.role<ParameterChange>('a change', 'kind', 'path')

/**
 * Throws OptionError unless `plan` is a plan. Whether its changes fit is for `applyPlan` to check against
 * parameters.
 */
export function requirePlan(who: string, plan: Plan): void {
  checkArgument(who, 'plan', plan, checks.role<Plan>('a Plan', 'summary', 'key', 'changes'))
  checkArgument(who, 'plan.summary', plan.summary, checks.text)
  checkArgument(who, 'plan.key', plan.key, checks.key)
  checkArgument(who, 'plan.changes', plan.changes, checks.list('a list of changes', aChange))
  for (const change of plan.changes) {
    checkArgument(who, 'plan.changes, the kind,', change.kind, checks.oneOf('resize', 'add', 'remove'))
    checkArgument(who, 'plan.changes, the path,', change.path, checks.text)
    if (change.kind !== 'resize') continue
    checkArgument(who, `plan.changes, dimensions of ${change.path},`, change.dimensions, maps)
  }
}

/** One map per dimension. */
export const maps: Check<readonly DimensionMap[]> = checks.list('a list of maps { from, source }', aMap)

/** Maps a dimension that stays as it is. */
export function keepAxis(size: number): DimensionMap {
  checkArgument('keepAxis', 'size', size, checks.integer({ from: 0 }))
  return { from: size, source: Array.from({ length: size }, (_, i) => i) }
}

/** Maps a dimension that gets `to − from` new slices at its end. */
export function extendAxis(from: number, to: number): DimensionMap {
  checkArgument('extendAxis', 'from', from, checks.integer({ from: 0 }))
  checkArgument('extendAxis', 'to', to, checks.integer({ from: 0 }))
  return { from, source: Array.from({ length: to }, (_, i) => (i < from ? i : -1)) }
}

/** Whether a map leaves every number where it is. */
export function isIdentity(map: DimensionMap): boolean {
  checkArgument('isIdentity', 'map', map, aMap)
  const { from, source, valueFactor, gradientFactor } = map
  const ones = (factors: readonly number[] | undefined): boolean => factors?.every((f) => f === 1) ?? true
  return (
    source.length === from && source.every((at, i) => at === i) && ones(valueFactor) && ones(gradientFactor)
  )
}

/**
 * The plan that undoes another, exact to the byte as long as nothing was learned in between: it takes each
 * old slice back from a copy whose factors are powers of two (which float arithmetic undoes exactly), and
 * removes new slices.
 *
 * @throws OptionError if the plan removes a parameter or drops a slice: for those there is `undoPlan`.
 */
export function inversePlan(plan: Plan): Plan {
  requirePlan('inversePlan', plan)
  const changes = plan.changes.map((change): ParameterChange => {
    switch (change.kind) {
      case 'add':
        return { kind: 'remove', path: change.path }
      case 'resize':
        return inverseChange(change)
      case 'remove':
        throw new OptionError(
          `inverse: the plan "${plan.summary}" removes ${change.path}; its numbers are gone.`,
        )
    }
  })
  const undoes = plan.undoes !== true
  return { summary: `undo ${plan.summary}`, key: plan.key, changes: changes.reverse(), undoes }
}

/** The swaps that undo others. */
const inverseSwaps = ({ before = false, ...swaps }: SliceSwaps): SliceSwaps => ({
  ...swaps,
  before: !before,
})

/** The change of a parameter that undoes another. @param mayDrop As in `inverseMap`. */
export function inverseChange(
  { swaps, ...change }: ParameterChange & { kind: 'resize' },
  mayDrop: boolean = false,
): ParameterChange & { kind: 'resize' } {
  const dimensions = change.dimensions.map((map) => inverseMap(map, mayDrop))
  return { ...change, dimensions, ...(swaps && { swaps: inverseSwaps(swaps) }) }
}

/**
 * @param mayDrop Whether a dropped slice comes back as a new one; if false, it is an error. Default false.
 */
export function inverseMap(map: DimensionMap, mayDrop: boolean = false): DimensionMap {
  const { from, source, valueFactor, gradientFactor } = map
  const exactness = (i: number): number =>
    Number(isPowerOfTwo(valueFactor?.[i] ?? 1)) + Number(isPowerOfTwo(gradientFactor?.[i] ?? 1))
  const best = new Map<number, number>()
  source.forEach((at, i) => {
    const known = best.get(at)
    if (known === undefined || exactness(i) > exactness(known)) best.set(at, i)
  })
  const takenFrom = Array.from({ length: from }, (_, old) => {
    const copy = best.get(old)
    if (copy === undefined && !mayDrop)
      throw new OptionError(`inverse: slice ${old} was dropped; its numbers are gone.`)
    return copy ?? -1
  })
  const reciprocal = (factors: readonly number[] | undefined): readonly number[] | undefined =>
    factors && takenFrom.map((i) => (i < 0 ? 1 : 1 / factors[i]))
  const [values, gradients] = [reciprocal(valueFactor), reciprocal(gradientFactor)]
  return {
    from: source.length,
    source: takenFrom,
    ...(values && { valueFactor: values }),
    ...(gradients && { gradientFactor: gradients }),
  }
}

/**
 * Whether `inverse` brings back every byte: each old slice has a copy whose factors are powers of two, and
 * nothing is removed.
 */
export function isExactlyInvertible({ changes }: Plan): boolean {
  return changes.every(
    (change) =>
      change.kind === 'add' || (change.kind === 'resize' && change.dimensions.every(keepsEverySlice)),
  )
}

function keepsEverySlice({ from, source, valueFactor, gradientFactor }: DimensionMap): boolean {
  const kept = new Set(
    source.filter((_, i) => isPowerOfTwo(valueFactor?.[i] ?? 1) && isPowerOfTwo(gradientFactor?.[i] ?? 1)),
  )
  return keepAxis(from).source.every((old) => kept.has(old))
}

function isPowerOfTwo(factor: number): boolean {
  return Number.isInteger(Math.log2(factor))
}
