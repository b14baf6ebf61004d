/** Nested arrays of numbers, as one writes down a matrix. */
import { inWords, isTyped } from '../dtype.ts'
import { OptionError, ShapeError } from '../errors.ts'
import { formatShape } from '../shape.ts'

/** Numbers in an array, or in arrays of arrays that all have one length at each depth. */
export type NestedNumbers = ArrayLike<number> | readonly NestedNumbers[]

/** The numbers of nested arrays in one array, in row-major order. */
export interface Flattened {
  readonly numbers: ArrayLike<number>
  readonly shape: readonly number[]
  /** Whether every number came in an Int32Array. */
  readonly isInt32: boolean
}

/**
 * Flattens nested arrays and finds the shape that the nesting gives them. A flat array is not copied, and its
 * elements are not checked.
 *
 * @throws OptionError for data that is not an array, ShapeError for arrays that differ in length or depth.
 */
export function flattenNested(op: string, data: NestedNumbers): Flattened {
  if (!isArray(data)) {
    throw new OptionError(
      `${op}: got ${inWords(data)}; expected an array of numbers as data, which may be nested, or a typed array. ` +
        'For a single number: tensor([x], { shape: [] }).',
    )
  }
  const shape = shapeOf(data)
  if (shape.length === 1) {
    const isInt32 = data instanceof Int32Array
    return { numbers: data as ArrayLike<number>, shape, isInt32 }
  }
  const numbers: number[] = []
  let isInt32 = true
  const collect = (part: unknown, depth: number): void => {
    if (!isArray(part) || part.length !== shape[depth] || (depth === shape.length - 1 && isArray(part[0]))) {
      const got = isArray(part) ? formatShape(shapeOf(part)) : inWords(part)
      throw new ShapeError(
        `${op}: got nested arrays that differ in length or depth: ${got} where ${formatShape(shape.slice(depth))} was ` +
          'expected, as in the first place. Pad the shorter ones.',
      )
    }
    if (depth < shape.length - 1) for (let i = 0; i < part.length; i++) collect(part[i], depth + 1)
    else {
      isInt32 &&= part instanceof Int32Array
      for (let i = 0; i < part.length; i++) numbers.push(part[i] as number)
    }
  }
  collect(data, 0)
  return { numbers, shape, isInt32: isInt32 && numbers.length > 0 }
}

/** The lengths along the first element of every depth. */
function shapeOf(data: ArrayLike<unknown>): number[] {
  const shape: number[] = []
  for (let part: unknown = data; isArray(part); part = part[0]) {
    shape.push(part.length)
    if (isTyped(part)) break
  }
  return shape
}

function isArray(x: unknown): x is ArrayLike<unknown> {
  if (typeof x !== 'object' || x === null) return false
  const { length } = x as { length?: unknown }
  return Number.isSafeInteger(length) && (length as number) >= 0
}
