/**
 * Sums of functions of per-example gradients, such as Σₙ (∇ lossₙ)², from one backward pass: a per-example
 * gradient of a weight matrix is a small product of numbers that the pass has computed anyway (Goodfellow
 * 2015, "Efficient Per-Example Gradient Computations", for layers; here for every op).
 */
import {
  abs,
  add,
  checkOptions,
  checks,
  fill,
  scope,
  square,
  sum,
  type Tensor,
  tensorsIn,
} from '@burgeon/tensor'
import { NotDifferentiableError } from '../errors.ts'
import {
  checkFunction,
  checkLeaves,
  checkTree,
  type GradientOf,
  mapTree,
  scalarFrom,
  type TensorTree,
  valueAndGrad,
  withoutRepeats,
} from '../grad.ts'
import { recordTape } from '../gradients.ts'
import { ExampleWalk } from './example-walk.ts'

/** How the examples make up a function's loss. */
export interface ExampleOptions {
  /** B, the number of examples that the function adds up; an integer, 1 or more. */
  readonly examples: number
  /**
   * How many numbers of per-example gradients may be held at a time, for each tensor in turn. Default 2²² (16
   * MiB), at most 2²⁴. One example is always taken, however large.
   */
  readonly numbersAtOnce?: number
}

/** A function's value and its squared gradients. */
export interface ValueAndSquares<T extends TensorTree> {
  readonly value: Tensor
  /** Σₙ (∇ lossₙ)², element by element, in the structure of the argument. */
  readonly squares: GradientOf<T>
}

/** A function's value and the absolute values of its gradients. */
export interface ValueAndMagnitudes<T extends TensorTree> {
  readonly value: Tensor
  /** Σₙ |∇ lossₙ|, element by element, in the structure of the argument. */
  readonly magnitudes: GradientOf<T>
}

/**
 * Returns a function that computes Σₙ (∇ lossₙ)², the squares of B gradients instead of the square of their
 * sum, without a loop over examples. It is the diagonal of the empirical Fisher information, times B.
 *
 * @param f Returns the sum of the losses of B examples, or a multiple of it. Tensors that depend on data hold
 *   the examples in order along their first axis (`[B·T, C]`, `[B, T, …]`) until that last sum. Every other
 *   tensor, such as a weight, a table or positions `[T, C]`, counts as shared by all of them.
 * @returns A function of the argument. An input without influence gets zeros.
 * @throws OptionError for options outside their ranges, NotDifferentiableError where an op joins examples or
 *   moves them off the first axis, and where a term of the loss belongs to no example (a penalty); otherwise
 *   as `grad`.
 * @example
 * ```ts
 * const w = tensor([1, -1], { shape: [2, 1] })
 * const loss = (v: Tensor) => sum(square(matmul(x, v))) // x [B, 2]
 * const { squares } = sumOfSquaredGradients(loss, { examples: x.shape[0] })(w)
 * ```
 */
export function sumOfSquaredGradients<T extends TensorTree>(
  f: (x: T) => Tensor,
  options: ExampleOptions,
): (x: T) => ValueAndSquares<T> {
  const both = sumOverExamples('sumOfSquaredGradients', f, square, options)
  return (x) => {
    const { value, sums } = both(x)
    return { value, squares: sums }
  }
}

/**
 * Returns a function that computes Σₙ |∇ lossₙ|, the absolute values of B gradients instead of that of their
 * sum. Otherwise as `sumOfSquaredGradients`: the same arguments, and the same errors.
 *
 * @example
 * ```ts
 * const w = tensor([1, -1], { shape: [2, 1] })
 * const loss = (v: Tensor) => sum(square(matmul(x, v))) // x [B, 2]
 * const { magnitudes } = sumOfAbsoluteGradients(loss, { examples: x.shape[0] })(w)
 * ```
 */
export function sumOfAbsoluteGradients<T extends TensorTree>(
  f: (x: T) => Tensor,
  options: ExampleOptions,
): (x: T) => ValueAndMagnitudes<T> {
  const both = sumOverExamples('sumOfAbsoluteGradients', f, abs, options)
  return (x) => {
    const { value, sums } = both(x)
    return { value, magnitudes: sums }
  }
}

/** Σₙ of(∇ lossₙ), where `of` works element by element. */
function sumOverExamples<T extends TensorTree>(
  who: string,
  f: (x: T) => Tensor,
  of: (gradients: Tensor) => Tensor,
  options: ExampleOptions,
): (x: T) => { readonly value: Tensor; readonly sums: GradientOf<T> } {
  checkFunction(who, f)
  checkOptions(who, options, {
    examples: checks.required(checks.integer({ from: 1 })),
    numbersAtOnce: checks.number({ from: 1, to: 2 ** 24 }),
  })
  const { examples, numbersAtOnce = 2 ** 22 } = options
  return (x) =>
    scope(() => {
      checkTree(who, 'x', x)
      if (examples === 1) {
        const { value, gradient } = valueAndGrad<T>(f)(x)
        return { value, sums: mapTree(gradient as unknown as T, of) }
      }
      const argument = withoutRepeats(x)
      const leaves = [...tensorsIn(argument)]
      checkLeaves(who, leaves)
      using recorded = recordTape(leaves, () => f(argument))
      const value = scalarFrom(who, recorded.result)
      using walk = new ExampleWalk(who, examples)
      walk.pullBack(recorded.tape, value, fill(value.device, value.shape, 1))
      const sums = mapTree(argument, (leaf) => sumOf(who, walk, leaf, of, examples, numbersAtOnce))
      return { value, sums }
    })
}

function sumOf(
  who: string,
  walk: ExampleWalk,
  leaf: Tensor,
  of: (gradients: Tensor) => Tensor,
  examples: number,
  numbersAtOnce: number,
): Tensor {
  if (walk.isTornApart(leaf)) {
    throw new NotDifferentiableError(
      `${who}: a term of the loss belongs to no example, or takes the first axis of an argument for the examples. ` +
        'Leave penalties out, and close over what differs from example to example.',
    )
  }
  if (!walk.hasGradients(leaf)) return fill(leaf.device, leaf.shape, 0)
  const atOnce = Math.max(1, Math.floor(numbersAtOnce / Math.max(1, leaf.size)))
  /** Sums examples `from` to `to − 1`. Halves are added up, so that few sums are alive at a time. */
  const between = (from: number, to: number): Tensor =>
    scope(() => {
      if (to - from > atOnce) {
        const middle = from + atOnce * Math.ceil((to - from) / atOnce / 2)
        return add(between(from, middle), between(middle, to))
      }
      return sum(of(walk.gradientsOf(leaf, { from, to, known: new Map() })), { axes: [0] })
    })
  return between(0, examples)
}
