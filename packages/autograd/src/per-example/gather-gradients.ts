/**
 * Per-example rules for rows by index: the tables of N examples are stacked, so that one call fills or reads
 * all of them.
 */
import { elementwise, expression, gather, reshape, scatterAdd, sizeOf, type Tensor } from '@burgeon/tensor'
import { NotDifferentiableError } from '../errors.ts'
import type { ExampleGradients } from './example-rules.ts'

const sum = expression.add(expression.input(0), expression.input(1))

export const gatherGradients: ExampleGradients<'gather'> = ({ inputs: [table, ids], count, dy }) => {
  const [rows, ...row] = table.shape
  const stacked = scatterAdd(idsInStack(ids, count, rows, dy.shape.length - row.length), dy, count * rows)
  return reshape(stacked, [count, rows, ...row])
}

export const scatterAddGradients: ExampleGradients<'scatterAdd'> = ({
  inputs: [ids],
  attrs: { rows },
  count,
  dy,
}) => {
  const row = dy.shape.slice(2)
  const stacked = reshape(dy, [count * rows, ...row])
  return gather(stacked, idsInStack(ids, count, rows, ids.shape.length + 1))
}

/** Returns ids `[N, …]`, or shared ids `[…]`, as rows of N tables under one another. */
function idsInStack(ids: Tensor, count: number, rows: number, rank: number): Tensor {
  // Formulas hold integers as floats, exactly up to 2²⁴.
  if (count * rows > 2 ** 24) {
    throw new NotDifferentiableError(
      `sumOfSquaredGradients: got ${count} tables of ${rows} rows at a time; expected at most 2^24 rows. ` +
        'Take fewer examples at a time.',
    )
  }
  const shape = [count, ...new Array<number>(rank - 1).fill(1)]
  const first = Int32Array.from({ length: sizeOf(shape) }, (_, n) => n * rows)
  return elementwise(sum, [ids, ids.device.tensor(first, { shape, dtype: 'i32' })], [], 'i32')
}
