/**
 * Sums of squared per-example gradients, Σₙ (∇ lossₙ)², from one backward pass: a per-example gradient of a
 * weight matrix is a small product of numbers that the pass has computed anyway (Goodfellow 2015, "Efficient
 * Per-Example Gradient Computations", for layers; here for every op).
 */
import { add, checkOptions, checks, fill, scope, square, sum, type Tensor, tensorsIn } from '@burgeon/tensor'
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
  checkFunction('sumOfSquaredGradients', f)
  checkOptions('sumOfSquaredGradients', options, {
    examples: checks.required(checks.integer({ from: 1 })),
    numbersAtOnce: checks.number({ from: 1, to: 2 ** 24 }),
  })
  const { examples, numbersAtOnce = 2 ** 22 } = options
  return (x) =>
    scope(() => {
      checkTree('sumOfSquaredGradients', 'x', x)
      if (examples === 1) return ofOneExample(f, x)
      const argument = withoutRepeats(x)
      const leaves = [...tensorsIn(argument)]
      checkLeaves('sumOfSquaredGradients', leaves)
      using recorded = recordTape(leaves, () => f(argument))
      const value = scalarFrom('sumOfSquaredGradients', recorded.result)
      using walk = new ExampleWalk(examples)
      walk.pullBack(recorded.tape, value, fill(value.device, value.shape, 1))
      const squares = mapTree(argument, (leaf) => squaresOf(walk, leaf, examples, numbersAtOnce))
      return { value, squares }
    })
}

/** Squares the one gradient of a single example. */
function ofOneExample<T extends TensorTree>(f: (x: T) => Tensor, x: T): ValueAndSquares<T> {
  const { value, gradient } = valueAndGrad<T>(f)(x)
  return { value, squares: mapTree(gradient as unknown as T, square) }
}

function squaresOf(walk: ExampleWalk, leaf: Tensor, examples: number, numbersAtOnce: number): Tensor {
  if (walk.isTornApart(leaf)) {
    throw new NotDifferentiableError(
      'sumOfSquaredGradients: a term of the loss belongs to no example, or takes the first axis of an argument for the examples. ' +
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
      return sum(square(walk.gradientsOf(leaf, { from, to, known: new Map() })), { axes: [0] })
    })
  return between(0, examples)
}
