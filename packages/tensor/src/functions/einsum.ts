/**
 * Einstein sums: products of tensors, with axes named by letters, summed over the axes that the result does
 * not name.
 */
import { checkArgument } from '../checks/check-options.ts'
import { checkTensor } from '../checks/check-tensor.ts'
import * as checks from '../checks/checks.ts'
import { input } from '../expression/expression.ts'
import { multiply } from '../ops/elementwise/arithmetic.ts'
import { elementwise } from '../ops/elementwise/elementwise.ts'
import { matmul } from '../ops/matmul/matmul.ts'
import { pad } from '../ops/pad/pad.ts'
import { permute } from '../ops/permute/permute.ts'
import { sum } from '../ops/reduce/reduce.ts'
import { reshape } from '../ops/reshape/reshape.ts'
import { slice } from '../ops/slice/slice.ts'
import { scope } from '../scope.ts'
import { sizeOf } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { einsumSpec, type Label } from './einsum-spec.ts'

/** A tensor and a name for each of its axes. */
interface Named {
  readonly x: Tensor
  readonly labels: readonly Label[]
}

/**
 * Computes the sum of products that a specification names, as in NumPy and PyTorch: `bij,bjk->bik` is a
 * product of matrices, `ii` a trace, `...ij->...ji` a transpose, `i,j->ij` an outer product. A letter twice
 * in one term is a diagonal. Axes that the result does not name are summed over, and so is an ellipsis that
 * it leaves out. Without an arrow the result has the ellipsis and the letters that occur once, in
 * alphabetical order.
 *
 * Operands are joined one after another from the left, each pair by `matmul`; the order of several is up to
 * the caller.
 *
 * @param operands One tensor for each term, of either element type. An axis of size 1 stretches to that of
 *   the same letter elsewhere.
 * @returns `f32`.
 * @throws OptionError for a specification that cannot be read, ShapeError where it does not fit the tensors.
 * @example
 * ```ts
 * const [q, k] = [ones([1, 2, 4, 8]), ones([1, 3, 4, 8])]
 * const scores = einsum('bthd,bshd->bhts', q, k) // [1, 4, 2, 3]
 * ```
 */
export function einsum(spec: string, ...operands: readonly Tensor[]): Tensor {
  checkArgument('einsum', 'spec', spec, checks.text)
  operands.forEach((x, i) => checkTensor('einsum', `operand ${i}`, x))
  const shapes = operands.map(({ shape }) => shape)
  const { operands: labels, output } = einsumSpec(spec, shapes)
  return scope(() => {
    const named = operands.map((x, i) =>
      onceEach({ x: x.dtype === 'f32' ? x : asFloat(x), labels: labels[i] }),
    )
    const result = named.reduce((before, next, i) => {
      const needed = new Set([...output, ...named.slice(i + 1).flatMap((one) => one.labels)])
      return join(before, next, needed)
    })
    return permuteTo(sumOver(result, new Set(output)), output)
  })
}

const asFloat = (x: Tensor): Tensor => elementwise(input(0), [x])

/** Replaces axes of one name by their diagonal. */
function onceEach(named: Named): Named {
  const { x, labels } = named
  const twice = labels.find((label, i) => labels.indexOf(label) !== i)
  if (twice === undefined) return named
  const [first, second] = [labels.indexOf(twice), labels.lastIndexOf(twice)]
  const rest = [...labels.keys()].filter((i) => i !== first && i !== second)
  const others = rest.map((i) => x.shape[i])
  const n = x.shape[first]
  // In a row of n·n numbers those of the diagonal are n + 1 apart.
  const inRow = reshape(permute(x, [first, second, ...rest]), [n * n, ...others])
  const none = others.map(() => 0)
  const rows = reshape(pad(inRow, [0, ...none], [n, ...none]), [n, n + 1, ...others])
  const diagonal = reshape(slice(rows, [0, 0], [n, 1]), [n, ...others])
  return onceEach({ x: diagonal, labels: [twice, ...rest.map((i) => labels[i])] })
}

/** Sums over all axes but those that are needed. */
function sumOver({ x, labels }: Named, needed: ReadonlySet<Label>): Named {
  const axes = labels.flatMap((label, i) => (needed.has(label) ? [] : [i]))
  if (axes.length === 0) return { x, labels }
  return { x: sum(x, { axes }), labels: labels.filter((label) => needed.has(label)) }
}

/** Puts the axes in another order. */
function permuteTo({ x, labels }: Named, wanted: readonly Label[]): Tensor {
  if (wanted.every((label, i) => label === labels[i])) return reshape(x, x.shape)
  return permute(
    x,
    wanted.map((label) => labels.indexOf(label)),
  )
}

/** Removes axes of size 1 that stretch to those of another tensor. */
function squeezeStretched({ x, labels }: Named, other: Named): Named {
  const stretches = (label: Label, i: number): boolean => {
    const at = other.labels.indexOf(label)
    return at >= 0 && x.shape[i] === 1 && other.x.shape[at] !== 1
  }
  const kept = [...labels.keys()].filter((i) => !stretches(labels[i], i))
  if (kept.length === labels.length) return { x, labels }
  return {
    x: reshape(
      x,
      kept.map((i) => x.shape[i]),
    ),
    labels: kept.map((i) => labels[i]),
  }
}

/** Multiplies two tensors and sums over the axes that both have and that are not needed any more. */
function join(first: Named, second: Named, needed: ReadonlySet<Label>): Named {
  const [left, right] = [squeezeStretched(first, second), squeezeStretched(second, first)]
  const a = sumOver(left, new Set([...needed, ...right.labels]))
  const b = sumOver(right, new Set([...needed, ...left.labels]))
  const shared = a.labels.filter((label) => b.labels.includes(label))
  const batch = shared.filter((label) => needed.has(label))
  const summed = shared.filter((label) => !needed.has(label))
  const rows = a.labels.filter((label) => !shared.includes(label))
  const columns = b.labels.filter((label) => !shared.includes(label))
  const sizes = (of: Named, labels: readonly Label[]): number[] =>
    labels.map((label) => of.x.shape[of.labels.indexOf(label)])
  const labels = [...batch, ...rows, ...columns]
  const shape = [...sizes(a, [...batch, ...rows]), ...sizes(b, columns)]
  if (summed.length === 0) {
    const ones = (count: number): number[] => new Array<number>(count).fill(1)
    const x = permuteTo(a, [...batch, ...rows])
    const y = permuteTo(b, [...batch, ...columns])
    const spread = reshape(x, [...x.shape, ...ones(columns.length)])
    const facing = reshape(y, [...sizes(b, batch), ...ones(rows.length), ...sizes(b, columns)])
    return { x: multiply(spread, facing), labels }
  }
  const [m, n, k] = [sizes(a, rows), sizes(b, columns), sizes(a, summed)].map(sizeOf)
  const transposeA = isInOrder(a, [...batch, ...summed, ...rows])
  const transposeB = isInOrder(b, [...batch, ...columns, ...summed])
  const x = permuteTo(a, transposeA ? a.labels : [...batch, ...rows, ...summed])
  const y = permuteTo(b, transposeB ? b.labels : [...batch, ...summed, ...columns])
  const product = matmul(
    reshape(x, [...sizes(a, batch), ...(transposeA ? [k, m] : [m, k])]),
    reshape(y, [...sizes(b, batch), ...(transposeB ? [n, k] : [k, n])]),
    { transposeA, transposeB },
  )
  return { x: reshape(product, shape), labels }
}

const isInOrder = ({ labels }: Named, wanted: readonly Label[]): boolean =>
  labels.every((label, i) => label === wanted[i])
