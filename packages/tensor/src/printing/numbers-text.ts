/** The numbers of a tensor as text: in nested brackets, shortened as in NumPy where there are many. */
import type { DType, NumericArray } from '../dtype.ts'
import { type Shape, sizeOf, stridesOf, type TensorSpec } from '../shape.ts'

/** Tensors with more numbers than this show `edge` indices at both ends of each long axis. */
const maxWhole = 1000
const edge = 3
/** Maximum of numbers that are shown; tensors with very many short axes would show more. */
const maxShown = 10_000
const columns = 80

/**
 * Formats numbers in nested brackets, each axis in brackets of its own, aligned to the right.
 *
 * @param read Copies out a count of numbers from an index on.
 * @param indent Columns before the first bracket, for the lines that follow.
 */
export function numbersText(
  { shape, dtype }: TensorSpec,
  read: (first: number, count: number) => NumericArray,
  indent: number,
): string {
  const size = sizeOf(shape)
  if (size === 0) return '[]'
  const shown = shape.map((n) => (size > maxWhole ? indicesOf(n) : range(0, n)))
  if (shown.reduce((count, indices) => count * indices.length, 1) > maxShown) return '…'
  const cells = cellsOf(shape, dtype, shown, read)
  if (shape.length === 0) return cells[0]
  const width = Math.max(...cells.map(({ length }) => length))
  let next = 0
  const textFrom = (axis: number): string => {
    const isLast = axis === shape.length - 1
    const parts = shown[axis].map((index) =>
      index === null ? '…' : isLast ? cells[next++].padStart(width) : textFrom(axis + 1),
    )
    const left = indent + axis + 1
    if (isLast) return `[${wrapRow(parts, left)}]`
    return `[${parts.join(`,${'\n'.repeat(shape.length - 1 - axis)}${' '.repeat(left)}`)}]`
  }
  return textFrom(0)
}

type Shown = readonly (number | null)[]

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

/** The first and the last indices of a long axis, with null for those between. */
const indicesOf = (n: number): Shown =>
  n <= 2 * edge ? range(0, n) : [...range(0, edge), null, ...range(n - edge, n)]

/** The texts of the numbers that are shown, row by row. Each run of neighbors is read at once. */
function cellsOf(
  shape: Shape,
  dtype: DType,
  shown: readonly Shown[],
  read: (first: number, count: number) => NumericArray,
): string[] {
  const strides = stridesOf(shape)
  const cells: string[] = []
  const walk = (axis: number, at: number): void => {
    if (axis >= shape.length - 1) {
      const indices = shown[axis] ?? [0]
      const gap = indices.indexOf(null)
      const runs =
        gap < 0
          ? [[0, indices.length]]
          : [
              [0, gap],
              [shape[axis] - edge, edge],
            ]
      for (const [first, count] of runs) {
        for (const number of read(at + first, count)) cells.push(numberText(number, dtype))
      }
      return
    }
    for (const index of shown[axis]) if (index !== null) walk(axis + 1, at + index * strides[axis])
  }
  walk(0, 0)
  return cells
}

/** Formats a number with six significant digits, and a whole number in full. */
function numberText(x: number, dtype: DType): string {
  if (dtype === 'i32' || !Number.isFinite(x)) return String(x)
  if (Object.is(x, -0)) return '-0'
  if (Number.isInteger(x) && Math.abs(x) < 1e9) return String(x)
  return String(Number(x.toPrecision(6)))
}

/** Joins the parts of a row with commas, on several lines where one would be too long. */
function wrapRow(parts: readonly string[], left: number): string {
  let length = left
  return parts
    .map((part, i) => {
      const isLast = i === parts.length - 1
      const text = isLast ? part : `${part},`
      const breaks = i > 0 && length + 1 + text.length > columns
      length = breaks ? left + text.length : length + 1 + text.length
      return i === 0 ? text : `${breaks ? `\n${' '.repeat(left)}` : ' '}${text}`
    })
    .join('')
}
