/**
 * Orthogonal gradient descent (Farajtabar et al. 2020, algorithm 1, with the gradient of the output for the
 * true label): steps keep to the directions in which what was computed for earlier examples does not change,
 * to first order.
 */
import { grad } from '@burgeon/autograd'
import {
  checkOptions,
  checks,
  checkState,
  divide,
  elementwise,
  expression,
  fill,
  formatShape,
  globalNorm,
  maximum,
  multiply,
  oneHot,
  ParameterError,
  type PlainTensors,
  sameShape,
  scope,
  type StateChecks,
  StateError,
  sum,
  type Tensor,
  TensorMirror,
  type TensorsByPath,
} from '@burgeon/tensor'
import type { Model } from '../model/model.ts'
import { type Batch, rowsBetween } from '../stream/batch.ts'
import { batchTensors } from '../stream/batch-tensors.ts'
import { OrthonormalBasis } from './orthonormal-basis.ts'
import type { Projection } from './projection.ts'

/** How much orthogonal gradient descent keeps. */
export interface OgdOptions {
  /** Directions kept, each as large as the model; a positive integer. Default 60. */
  readonly capacity?: number
  /** Directions that a consolidation adds, one for each row of its sample; a positive integer. Default 20. */
  readonly rows?: number
  /**
   * What growth adds, before the next consolidation. `plastic`: steps along it are free. `measured`: rows of
   * memory bring directions in all that is new, as many as a consolidation brings. Default `plastic`.
   */
  readonly fresh?: 'plastic' | 'measured'
}

interface State {
  /** Directions of each consolidation, in order. */
  readonly groups: readonly number[]
  readonly directions: readonly PlainTensors[]
}

const stateChecks: StateChecks<State> = {
  groups: checks.list('numbers of directions', checks.integer({ from: 1 })),
  directions: checks.array('tensors by path for each direction') as StateChecks<State>['directions'],
}

/**
 * Takes out of every gradient its part along stored directions: the gradients of the outputs for the labels
 * of earlier rows, one for each row of what a consolidation judges by.
 *
 * Directions follow growth as gradients do, and are made orthogonal to each other afterwards. They know
 * nothing of what growth adds, and new weights that begin at 0 change at once what is computed for earlier
 * rows; with `fresh: 'measured'` rows of memory bring directions that are 0 but for the numbers that no other
 * has.
 *
 * Where a consolidation, or a growth, brings more directions than fit, those with the most give up their last
 * ones, the oldest first. Kept and orthogonal they take 8 bytes for each weight of the model and each
 * direction.
 */
export function orthogonalGradientDescent(options: OgdOptions = {}): Projection {
  checkOptions('orthogonalGradientDescent', options, {
    capacity: checks.integer({ from: 1 }),
    rows: checks.integer({ from: 1 }),
    fresh: checks.oneOf('plastic', 'measured'),
  })
  const { capacity = 60, rows = 20, fresh = 'plastic' } = options
  const slots = Array.from(
    { length: capacity },
    (_, i) => new TensorMirror(`ogd direction ${i}`, 'gradient', () => true, true),
  )
  let groups: readonly number[] = []
  const used = (): readonly TensorMirror[] => slots.slice(0, total(groups))
  const basis = new OrthonormalBasis('ogd basis', 4 * capacity)
  /** Takes up one direction for each row of a sample, as many as there may be. */
  const take = (model: Model, sample: Batch, part: (whole: TensorsByPath) => TensorsByPath): void => {
    const counts = thinned([...groups, Math.min(rows, sample.rows, capacity)], capacity)
    scope(() => {
      const directions = Array.from({ length: counts.at(-1) ?? 0 }, (_, row) =>
        normed(part(gradientOf(model, sample, row))),
      )
      keepFirst(slots, groups, counts)
      const first = total(counts) - directions.length
      directions.forEach((direction, i) => put(slots[first + i], direction))
      for (const slot of slots.slice(total(counts))) slot.dispose()
    })
    groups = counts.filter((count) => count > 0)
    basis.drop()
  }
  return {
    name: `orthogonal gradient descent, ${capacity} directions`,
    mirrors: [...slots, basis],
    waitsForConsolidation: true,
    sampleRows: rows,
    transform(gradients) {
      const directions = used()
      const paths = Object.keys(gradients).filter((path) =>
        directions.some((slot) => slot.get(path) !== undefined),
      )
      if (paths.length === 0) return gradients
      requireShapes(directions, gradients, paths)
      return { ...gradients, ...basis.without(gradients, paths, directions) }
    },
    consolidate: (model, sample) => take(model, sample, (whole) => whole),
    ...(fresh === 'measured' && {
      afterGrowth(model, sample) {
        if (groups.length > 0) take(model, sample, (whole) => unknownTo(used(), whole))
      },
    }),
    async toState(): Promise<State> {
      return { groups, directions: await Promise.all(used().map((slot) => slot.toState())) }
    },
    restore(state, parameters) {
      const saved = checkState<State>('orthogonalGradientDescent', state, stateChecks)
      const { directions } = saved
      if (directions.length !== total(saved.groups) || directions.length > capacity) {
        throw new StateError(
          `orthogonalGradientDescent: the saved state has ${directions.length} directions of ${total(saved.groups)}; ` +
            `expected all of them, and at most ${capacity}. Build it with the saved options, or the file is damaged.`,
        )
      }
      directions.forEach((direction, i) => slots[i].checkState(direction, parameters))
      for (const slot of slots) slot.dispose()
      directions.forEach((direction, i) => slots[i].restore(direction, parameters))
      groups = saved.groups
      basis.drop()
    },
  }
}

const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0)

/** Counts of which the largest were made smaller, the first of them first, until they fit. */
function thinned(counts: readonly number[], capacity: number): number[] {
  const left = [...counts]
  for (let over = total(left) - capacity; over > 0; over--) left[left.indexOf(Math.max(...left))]--
  return left
}

/** Moves up the first `counts[k]` of the `groups[k]` directions of each consolidation. */
function keepFirst(
  slots: readonly TensorMirror[],
  groups: readonly number[],
  counts: readonly number[],
): void {
  let [from, to] = [0, 0]
  groups.forEach((size, k) => {
    for (let i = 0; i < counts[k]; i++, to++) {
      const kept = slots[from + i]
      if (from + i > to) {
        put(slots[to], Object.fromEntries(kept.paths.map((path) => [path, kept.get(path) as Tensor])))
      }
    }
    from += size
  })
}

function put(slot: TensorMirror, tensors: TensorsByPath): void {
  for (const path of slot.paths) if (!Object.hasOwn(tensors, path)) slot.delete(path)
  for (const [path, tensor] of Object.entries(tensors)) slot.set(path, tensor)
}

const { abs, add, constant, equal, input, select } = expression
// inputs: a sum so far, a direction
const reach = add(input(0), abs(input(1)))
// inputs: how far directions reach, a gradient
const beyond = select(equal(input(0), constant(0)), input(1), constant(0))

/** A gradient in the numbers that are 0 in every direction, and 0 in the others. */
function unknownTo(directions: readonly TensorMirror[], gradient: TensorsByPath): TensorsByPath {
  return mapped(gradient, (own, path) => {
    const all = directions.flatMap((slot) => slot.get(path) ?? [])
    if (all.length === 0) return own
    const reached = all.reduce(
      (sum, direction) => elementwise(reach, [sum, direction]),
      fill(own.device, own.shape, 0),
    )
    return elementwise(beyond, [reached, own])
  })
}

function mapped(tensors: TensorsByPath, of: (own: Tensor, path: string) => Tensor): TensorsByPath {
  return Object.fromEntries(Object.entries(tensors).map(([path, own]) => [path, of(own, path)]))
}

/** With norm 1; 0 where it vanishes. */
function normed(gradient: TensorsByPath): TensorsByPath {
  const norm = maximum(globalNorm(Object.values(gradient)), 2 ** -60)
  return mapped(gradient, (own) => divide(own, norm))
}

/**
 * The gradient of Σₜ zₜ(yₜ), the outputs of one row for its labels. Of a model that predicts numbers it is
 * that of the sum of the outputs.
 */
function gradientOf(model: Model, sample: Batch, row: number): TensorsByPath {
  const one = rowsBetween(sample, row, row + 1)
  return scope(() => {
    const { inputs, targets } = batchTensors(model.device, one, model.predicts)
    const outputs = (w: TensorsByPath): Tensor => {
      const found = model.forward(inputs, w) // [T, C]
      if (model.predicts === 'numbers') return sum(found)
      return sum(multiply(found, oneHot(targets, found.shape[1])))
    }
    return grad(outputs)(model.parameters.tensors())
  })
}

function requireShapes(
  directions: readonly TensorMirror[],
  gradients: TensorsByPath,
  paths: readonly string[],
): void {
  for (const path of paths) {
    for (const slot of directions) {
      const own = slot.get(path)
      if (own === undefined || sameShape(own.shape, gradients[path].shape)) continue
      throw new ParameterError(
        `orthogonalGradientDescent: got the gradient ${formatShape(gradients[path].shape)} of ${path}, and the ` +
          `directions are ${formatShape(own.shape)}; expected one shape. Did it grow without the mirrors of this projection?`,
      )
    }
  }
}
