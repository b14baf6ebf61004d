/** Pure arithmetic of shapes. A shape is a list of non-negative integers, row-major; `[]` is a scalar. */
import { type DType, inWords } from './dtype.ts'
import { ShapeError } from './errors.ts'

/** Sizes from the outermost axis to the innermost. */
export type Shape = readonly number[]

/** Shape and element type: all that shape inference needs to know about a tensor. */
export interface TensorSpec {
  readonly shape: Shape
  readonly dtype: DType
}

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  requireList('sizeOf', shape)
  let size = 1
  for (const n of shape) size *= n
  return size
}

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length)
  let stride = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride
    stride *= shape[i]
  }
  return strides
}

/** Strides for reading a tensor of shape `from` at positions of shape `to`: 0 where it is broadcast. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const own = stridesOf(from)
  const missing = to.length - from.length
  return to.map((_, i) => (i < missing || from[i - missing] === 1 ? 0 : own[i - missing]))
}

/** The common shape of several, by NumPy's rule: aligned at the right, size 1 stretches. */
export function broadcastShapes(op: string, shapes: readonly Shape[]): number[] {
  requireList('broadcastShapes', shapes)
  for (const shape of shapes) requireList(op, shape)
  const rank = Math.max(0, ...shapes.map((shape) => shape.length))
  const result = new Array<number>(rank).fill(1)
  for (const shape of shapes) {
    shape.forEach((n, i) => {
      const at = rank - shape.length + i
      if (result[at] === 1) result[at] = n
      else if (n !== 1 && n !== result[at]) {
        throw new ShapeError(
          `${op}: shapes do not broadcast. Got ${shapes.map(formatShape).join(' and ')}; ` +
            `expected sizes that are equal or 1, counted from the right. Reshape one of them?`,
        )
      }
    })
  }
  return result
}

/** Whether two shapes are equal. */
export function sameShape(a: Shape, b: Shape): boolean {
  requireList('sameShape', a)
  requireList('sameShape', b)
  return a.length === b.length && a.every((n, i) => n === b[i])
}

/** Formats a shape for messages: `[2, 3]`. */
export function formatShape(shape: Shape): string {
  requireList('formatShape', shape)
  return `[${shape.map(String).join(', ')}]`
}

/**
 * Throws ShapeError unless `shape` is a list. Shapes are read very often, so their sizes are checked only
 * where tensors are made.
 */
function requireList(op: string, shape: readonly unknown[]): void {
  if (Array.isArray(shape)) return
  throw new ShapeError(`${op}: got ${inWords(shape)} as a shape; expected an array of sizes, such as [2, 3].`)
}

/** Throws unless every size is a non-negative safe integer and the whole has fewer than 2³¹ elements. */
export function checkShape(op: string, shape: Shape): void {
  requireList(op, shape)
  if (!shape.every((n) => Number.isSafeInteger(n) && n >= 0) || sizeOf(shape) >= 2 ** 31) {
    throw new ShapeError(
      `${op}: not a shape. Got ${formatShape(shape)}; expected non-negative integers whose product is below 2^31.`,
    )
  }
}

/** Normalizes axes as `normalizeAxes`; without any, returns all axes. */
export function axesOrAll(op: string, axes: readonly number[] | undefined, rank: number): number[] {
  return axes === undefined ? Array.from({ length: rank }, (_, i) => i) : normalizeAxes(op, axes, rank)
}

/** Maps axes counted from either end (`-1` is the last) to sorted, distinct, non-negative ones. */
export function normalizeAxes(op: string, axes: readonly number[], rank: number): number[] {
  if (!Array.isArray(axes) || !axes.every((axis) => typeof axis === 'number')) {
    throw new ShapeError(`${op}: got ${inWords(axes)} as axes; expected an array, such as [0].`)
  }
  const result = axes.map((axis: number) => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b)
  const valid = result.every(
    (axis, i) => Number.isInteger(axis) && axis >= 0 && axis < rank && axis !== result[i - 1],
  )
  if (!valid) {
    throw new ShapeError(
      `${op}: axes do not fit. Got ${formatShape(axes)} for a tensor of rank ${rank}; ` +
        `expected distinct integers from ${-rank} to ${rank - 1}.`,
    )
  }
  return result
}
