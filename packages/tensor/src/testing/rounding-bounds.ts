/**
 * An engine that computes, for every number, how far f32 arithmetic may be from it.
 *
 * It runs on the reference device and keeps beside each result a tensor of error bounds: numbers from outside
 * are exact, and each op adds its own rounding. A short sum may be added up in any order, a long one in
 * blocks of blocks only: see `roundingsOfSum`. Fused ops go through their definition.
 */
import { checkArgument } from '../checks/check-options.ts'
import { checkTensor } from '../checks/check-tensor.ts'
import * as checks from '../checks/checks.ts'
import type { Check } from '../checks/checks.ts'
import { type Engine, runOp, withoutEngines } from '../engine.ts'
import type { OpDefinition } from '../op.ts'
import { type Attrs, type OpName, opTable } from '../op-table.ts'
import { assign } from '../ops/assign/assign.ts'
import { abs, add, multiply, subtract } from '../ops/elementwise/arithmetic.ts'
import { fill } from '../ops/fill/fill.ts'
import { matmul } from '../ops/matmul/matmul.ts'
import { roundedActivations } from '../ops/packed-matmul/packed-matmul.ts'
import { max, sum } from '../ops/reduce/reduce.ts'
import { reshape } from '../ops/reshape/reshape.ts'
import { scatterAdd } from '../ops/scatter-add/scatter-add.ts'
import { slice } from '../ops/slice/slice.ts'
import { unpackRows } from '../ops/unpack-rows/unpack-rows.ts'
import { makeOwned } from '../scope.ts'
import { broadcastStrides, sizeOf } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import {
  type Rounded,
  roundedToF32,
  roundingEvaluator,
  roundoff,
  smallestNormal,
} from './expression-rounding.ts'
import { roundingsOfProduct, roundingsOfSum } from './sum-rounding.ts'

/** The name of an op of the table. */
export const anOp: Check<OpName> = checks.oneOf(...(Object.keys(opTable) as OpName[]))
const anEngine = checks.role<Engine>('an engine', 'run')

/** Error bounds of every result that passes through it. */
export class RoundingBounds implements Engine {
  readonly #below: Engine
  readonly #bounds = new Map<number, Tensor>()

  /**
   * @param below The engine that computes the results, from `withEngine`. Throws OptionError if it is not an
   *   engine.
   */
  constructor(below: Engine) {
    checkArgument('RoundingBounds', 'below', below, anEngine)
    this.#below = below
  }

  /**
   * Returns how far f32 arithmetic may be from each element of `tensor`; ∞ where any number is allowed.
   * Throws OptionError unless it is a tensor.
   */
  of(tensor: Tensor): Tensor {
    checkTensor('RoundingBounds.of', 'tensor', tensor)
    return this.#bounds.get(tensor.id) ?? withoutEngines(() => fill(tensor.device, tensor.shape, 0))
  }

  run<K extends OpName>(op: K, inputs: readonly Tensor[], attrs: Attrs<K>): readonly Tensor[] {
    checkArgument('RoundingBounds.run', 'op', op, anOp)
    checkArgument('RoundingBounds.run', 'inputs', inputs, checks.tensors)
    checkArgument('RoundingBounds.run', 'attrs', attrs, checks.object('an object'))
    const { definition, infer, movement } = opTable[op] as OpDefinition<Attrs<K>>
    // A definition relies on the checks of the op.
    infer(inputs, attrs)
    const rule = (rules as Readonly<Partial<Record<OpName, unknown>>>)[op] as Rule<K> | undefined
    if (definition !== undefined && rule === undefined) return definition(inputs, attrs)
    const bounds = inputs.map((input) => this.of(input))
    const outputs = this.#below.run(op, inputs, attrs)
    const boundOf = rule ?? (movement ? moveBounds(op) : exact)
    const results = outputs.length > 0 ? outputs : [inputs[0]]
    for (const result of results) {
      this.#bounds.set(
        result.id,
        // Functions made of ops have scopes of their own, but the bounds are still needed after these end.
        makeOwned(() =>
          withoutEngines(() => settle(boundOf({ inputs, bounds, result, attrs }), result, bounds)),
        ),
      )
    }
    return outputs
  }
}

/** One call that has run. `result` is its output, or one of them, or the input it wrote into. */
interface Call<K extends OpName> {
  readonly inputs: readonly Tensor[]
  readonly bounds: readonly Tensor[]
  readonly result: Tensor
  readonly attrs: Attrs<K>
}

/** The bound of a result. */
type Rule<K extends OpName> = (call: Call<K>) => Tensor

/**
 * Rules of the ops whose results are rounded. All others must be exact: ops that only move numbers move the
 * bounds with them, a fused op goes through its definition, and the rest computes no numbers that need
 * rounding.
 *
 * Two fused ops have a rule nevertheless. The bias of `linear` may be added before, between or after the
 * products; the squares of `globalNorm` may not overflow or vanish as those of its definition would.
 */
const rules: { readonly [K in OpName]?: Rule<K> } = {
  elementwise: elementwiseBound,
  reduce: reduceBound,
  cumsum: cumsumBound,
  sort: sortBound,
  matmul: matmulBound,
  gather: ({ inputs: [, ids], bounds: [table], attrs }) => runOp('gather', [table, ids], attrs)[0],
  reorder: ({ inputs: [, indices], bounds: [x], attrs }) => runOp('reorder', [x, indices], attrs)[0],
  scatterAdd: scatterAddBound,
  fill: ({ result, attrs: { value } }) =>
    fill(result.device, result.shape, result.dtype === 'f32' ? roundedToF32(value).error : 0),
  assign: assignBound,
  linear: linearBound,
  globalNorm: normBound,
  packedMatmul: packedMatmulBound,
}

function exact({ result }: { readonly result: Tensor }): Tensor {
  return fill(result.device, result.shape, 0)
}

/** Ops that only move numbers move their errors with them. */
function moveBounds<K extends OpName>(op: K): Rule<K> {
  return ({ bounds, attrs }) => runOp(op, bounds, attrs)[0]
}

/** |x| with the error added: the largest value that a device may compute. */
function magnitude(x: Tensor, bound: Tensor): Tensor {
  return add(abs(x), bound)
}

function reduceBound({ inputs: [x], bounds: [bound], attrs }: Call<'reduce'>): Tensor {
  const options = { axes: attrs.axes, keepDims: attrs.keepDims }
  if (attrs.kind !== 'sum') return max(bound, options)
  const terms = sizeOf(x.shape.filter((_, axis) => attrs.axes.includes(axis)))
  if (x.dtype === 'i32') return sum(bound, options)
  return add(sum(bound, options), sumRounding(terms, sum(magnitude(x, bound), options)))
}

/** Each is a sum of at most all terms. */
function cumsumBound({ inputs: [x], bounds: [bound], attrs }: Call<'cumsum'>): Tensor {
  const runningSums = (of: Tensor): Tensor => runOp('cumsum', [of], attrs)[0]
  if (x.dtype === 'i32') return runningSums(bound)
  return add(runningSums(bound), sumRounding(x.shape[attrs.axis], runningSums(magnitude(x, bound))))
}

/** Numbers that are not exact may come in another order, so any number is allowed. */
function sortBound({ bounds: [bound], result }: Call<'sort'>): Tensor {
  const isExact = bound.readSync().every((error) => error === 0)
  return fill(result.device, result.shape, isExact ? 0 : Infinity)
}

/** The roundings of adding up so many terms of this total magnitude. */
function sumRounding(terms: number, total: Tensor): Tensor {
  return multiply(total, roundingsOfSum(terms) * roundoff)
}

function matmulBound({ inputs: [a, b], bounds: [boundA, boundB], attrs }: Call<'matmul'>): Tensor {
  const k = (attrs.transposeA ? a.shape.at(-2) : a.shape.at(-1)) as number
  const most = matmul(magnitude(a, boundA), magnitude(b, boundB), attrs)
  const inherited = subtract(most, matmul(abs(a), abs(b), attrs))
  return add(inherited, multiply(most, roundingsOfProduct(k) * roundoff))
}

function linearBound({ inputs: [x, w, b], bounds: [boundX, boundW, boundB] }: Call<'linear'>): Tensor {
  const k = x.shape[1]
  const products = matmul(magnitude(x, boundX), magnitude(w, boundW))
  const inherited = add(subtract(products, matmul(abs(x), abs(w))), boundB)
  return add(inherited, multiply(add(products, magnitude(b, boundB)), (roundingsOfProduct(k) + 1) * roundoff))
}

/**
 * Both factors are rounded exactly, so their errors are those of the sum. Minima and scales may be summed
 * apart: terms are at most three times the largest number of a row.
 */
function packedMatmulBound({ inputs: [x, packed], attrs, result }: Call<'packedMatmul'>): Tensor {
  const { format, group, activations } = attrs
  const [M, K] = x.shape
  const rounded = abs(roundedActivations(x, activations))
  const weights = abs(unpackRows(packed, { format, group, width: K }))
  if (K === 0) return fill(x.device, result.shape, 0)
  const largest = max(weights, { axes: [1], keepDims: true })
  const terms = format === 'int4' ? add(weights, multiply(largest, 3)) : weights
  const total = matmul(rounded, terms, { transposeB: true })
  return M === 0 ? total : multiply(total, (roundingsOfProduct(K) + 8) * roundoff)
}

function scatterAddBound({
  inputs: [ids, values],
  bounds: [, bound],
  attrs: { rows },
}: Call<'scatterAdd'>): Tensor {
  const terms = scatterAdd(ids, fill(ids.device, ids.shape, 1), rows)
  const perRow = reshape(terms, [rows, ...values.shape.slice(ids.shape.length).map(() => 1)])
  const counts = Float64Array.from(perRow.readSync(), (count) => roundingsOfSum(count) * roundoff)
  const roundings = perRow.device.tensor(counts, { shape: perRow.shape, dtype: 'f32' })
  return add(
    scatterAdd(ids, bound, rows),
    multiply(scatterAdd(ids, magnitude(values, bound), rows), roundings),
  )
}

/** ‖x + δ‖ is at most ‖δ‖ away from ‖x‖; the relative error of a root is half that of the sum of squares. */
function normBound({ inputs, bounds, result }: Call<'globalNorm'>): Tensor {
  const terms = inputs.reduce((all, x) => all + x.size, 0)
  const square = (numbers: ArrayLike<number>): number =>
    Array.from(numbers).reduce((all, x) => all + x * x, 0)
  const norm = Math.sqrt(inputs.reduce((all, x) => all + square(x.readSync()), 0))
  const [value] = result.readSync()
  const inherited = Math.sqrt(bounds.reduce((all, x) => all + square(x.readSync()), 0))
  const own = ((roundingsOfSum(terms) + 1) / 2 + 4) * roundoff * norm
  // Subnormal numbers, and a subnormal result, may be taken for 0.
  const subnormal = smallestNormal * Math.sqrt(terms)
  const scale = norm > 0 && Number.isFinite(norm) ? value / norm : 1
  const bound = scale * (inherited + own + subnormal) + (norm > 0 ? smallestNormal : 0)
  return fill(result.device, result.shape, bound)
}

function assignBound({ inputs: [target, source], bounds: [before, coming], attrs }: Call<'assign'>): Tensor {
  const { start, mode } = attrs
  const bound = add(before, 0)
  const stop = source.shape.map((n, i) => start[i] + n)
  const sums = multiply(abs(slice(target, start, stop)), target.dtype === 'f32' ? roundoff : 0)
  if (mode === 'set') assign(bound, coming, start)
  else runOp('assign', [bound, add(coming, sums)], attrs)
  return bound
}

function elementwiseBound({ inputs, bounds, result, attrs }: Call<'elementwise'>): Tensor {
  const evaluate = roundingEvaluator(attrs.expression)
  const values = inputs.map((x) => x.readSync())
  const errors = bounds.map((bound) => bound.readSync())
  const at = inputs.map((x) => positions(x.shape, result.shape))
  const found = result.readSync()
  const bound = Float64Array.from(found, (value, i) => {
    const arguments_ = inputs.map((x, k): Rounded => {
      const own = { value: values[k][at[k][i]], error: errors[k][at[k][i]] }
      return x.dtype === 'f32' ? own : { ...own, error: own.error + roundedToF32(own.value).error }
    })
    const rounded = evaluate(arguments_, attrs.scalars)
    if (attrs.dtype === 'i32') return truncationError(rounded)
    // Where f32 overflows and double precision does not, the difference is part of the allowed error.
    return Number.isFinite(Math.fround(value))
      ? rounded.error + Math.abs(rounded.value - value)
      : rounded.error
  })
  return result.device.tensor(bound, { shape: result.shape, dtype: 'f32' })
}

/** Storing to i32 cuts the fraction off; a value beside an integer may go either way. */
function truncationError({ value, error }: Rounded): number {
  return Math.trunc(value - error) === Math.trunc(value + error) ? 0 : Math.ceil(error)
}

/**
 * For every element of a tensor of shape `to`: its index in a tensor of shape `from` that is broadcast to it.
 */
function positions(from: readonly number[], to: readonly number[]): number[] {
  const strides = broadcastStrides(from, to)
  return Array.from({ length: sizeOf(to) }, (_, i) => {
    let rest = i
    let at = 0
    for (let d = to.length - 1; d >= 0; d--) {
      at += (rest % to[d]) * strides[d]
      rest = Math.floor(rest / to[d])
    }
    return at
  })
}

/** NaN and infinities must be exact, unless the error of an input was infinite: then theirs is, too. */
function settle(bound: Tensor, result: Tensor, from: readonly Tensor[]): Tensor {
  const isOpen = from.some((x) => x.readSync().includes(Infinity))
  const values = result.readSync()
  const numbers = Float64Array.from(bound.readSync(), (error, i) => {
    if (Number.isFinite(values[i]) && !Number.isNaN(error)) return error
    return isOpen || (error === Infinity && Number.isFinite(values[i])) ? Infinity : 0
  })
  return bound.device.tensor(numbers, { shape: bound.shape, dtype: 'f32' })
}
