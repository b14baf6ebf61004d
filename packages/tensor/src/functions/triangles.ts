/** Triangles of matrices. */
import { checkArgument } from '../checks/check-options.ts'
import { checkTensor } from '../checks/check-tensor.ts'
import * as checks from '../checks/checks.ts'
import { ShapeError } from '../errors.ts'
import * as e from '../expression/expression.ts'
import { elementwise } from '../ops/elementwise/elementwise.ts'
import { iota } from '../ops/iota/iota.ts'
import { reshape } from '../ops/reshape/reshape.ts'
import { scope } from '../scope.ts'
import { formatShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

const [x, row, column, diagonal] = [e.input(0), e.input(1), e.input(2), e.scalar(0)]
const onDiagonal = e.add(row, diagonal)
const lower = e.select(e.less(onDiagonal, column), e.constant(0), x)
const upper = e.select(e.less(column, onDiagonal), e.constant(0), x)

/**
 * Keeps the lower triangle of `[…, M, N]`, with zeros above a diagonal. Numbers of `i32` must be below 2²⁴ in
 * size.
 *
 * @param offset The diagonal: 0 for the main one, above 0 for those to the right of it, below 0 for those to
 *   the left. Default 0.
 */
export function tril(matrix: Tensor, offset = 0): Tensor {
  return triangle('tril', lower, matrix, offset)
}

/** Keeps the upper triangle of `[…, M, N]`, with zeros below a diagonal; see `tril`. */
export function triu(matrix: Tensor, offset = 0): Tensor {
  return triangle('triu', upper, matrix, offset)
}

function triangle(op: string, formula: e.Expression, matrix: Tensor, offset: number): Tensor {
  checkTensor(op, 'matrix', matrix)
  checkArgument(op, 'offset', offset, checks.integer())
  const { shape, device, dtype } = matrix
  if (shape.length < 2) {
    throw new ShapeError(`${op}: got a matrix ${formatShape(shape)}; expected rank 2 or more.`)
  }
  const [rows, columns] = shape.slice(-2)
  return scope(() => {
    const rowNumbers = reshape(iota(device, rows), [rows, 1])
    return elementwise(formula, [matrix, rowNumbers, iota(device, columns)], [offset], dtype)
  })
}
