/** Gradients of scalar functions of tensors. */
import {
  AsyncCallbackError,
  checkArgument,
  checks,
  DisposedTensorError,
  fill,
  formatShape,
  reshape,
  scope,
  ShapeError,
  Tensor,
  tensorsIn,
} from '@burgeon/tensor'
import { NotDifferentiableError } from './errors.ts'
import { pullBack, recordTape } from './gradients.ts'

/** The argument a function is differentiated by: a tensor, or an array or object of tensors. */
export type TensorTree = Tensor | readonly Tensor[] | Readonly<Record<string, Tensor>>

/** The same structure with a gradient in every place. */
export type GradientOf<T extends TensorTree> = T extends Tensor
  ? Tensor
  : { -readonly [K in keyof T]: Tensor }

/** A function's value, its gradient, and whatever else it returned. */
export interface ValueAndGradient<T extends TensorTree, A> {
  readonly value: Tensor
  readonly gradient: GradientOf<T>
  readonly aux: A
}

/**
 * Returns a function that computes value and gradient of `f` together.
 *
 * @param f Takes a tensor, an array or an object of tensors, and returns a scalar, or `[scalar, aux]`. It
 *   must be synchronous.
 * @returns The gradient has the structure of the argument. An input without influence gets zeros, and so does
 *   every input of a function that returns a constant.
 * @throws ShapeError if the result is not a scalar, NotDifferentiableError for integer arguments, for a
 *   result that is not a tensor or holds integers, and for ops that write in place what the gradient needs,
 *   AsyncCallbackError if `f` returns a promise, DisposedTensorError if `f` disposed of a tensor that the
 *   gradient needs.
 * @example
 * ```ts
 * const { value, gradient } = valueAndGrad((x: Tensor) => sum(multiply(x, x)))(tensor([1, 2]))
 * ```
 */
export function valueAndGrad<T extends TensorTree, A = undefined>(
  f: (x: T) => Tensor | readonly [Tensor, A],
): (x: T) => ValueAndGradient<T, A> {
  checkFunction('valueAndGrad', f)
  return (x) =>
    scope(() => {
      checkTree('grad', 'x', x)
      const argument = withoutRepeats(x)
      const leaves = [...tensorsIn(argument)]
      checkLeaves('grad', leaves)
      using recorded = recordTape(leaves, () => f(argument))
      const [returned, aux] = Array.isArray(recorded.result) ? recorded.result : [recorded.result, undefined]
      const value = scalarFrom('grad', returned)
      const gradients = pullBack(recorded.tape, [value], [fill(value.device, value.shape, 1)])
      const own = ownTensors(leaves)
      const gradient = mapTree(argument, (leaf) =>
        own(gradients.get(leaf.id) ?? fill(leaf.device, leaf.shape, 0)),
      )
      return { value: own(value), gradient, aux: aux as A }
    })
}

/**
 * Returns a function that computes the gradient of `f` alone; nest it for higher derivatives. See
 * `valueAndGrad`.
 */
export function grad<T extends TensorTree>(f: (x: T) => Tensor): (x: T) => GradientOf<T> {
  checkFunction('grad', f)
  const both = valueAndGrad<T>(f)
  return (x) => scope(() => both(x).gradient)
}

const aTree = checks.either(checks.tensor, checks.either(checks.tensors, checks.tensorsByPath))

/** Throws OptionError unless `tree` is a tensor, or an array or object of tensors. */
export function checkTree(op: string, name: string, tree: unknown): void {
  checkArgument(op, name, tree, aTree)
}

/** Throws OptionError unless `f` is a function. */
export function checkFunction(op: string, f: unknown): void {
  checkArgument(op, 'f', f, checks.callback('a function of tensors'))
}

/** Throws NotDifferentiableError if a leaf is not f32. */
export function checkLeaves(op: string, leaves: readonly Tensor[]): void {
  const whole = leaves.find((leaf) => leaf.dtype !== 'f32')
  if (whole !== undefined) {
    throw new NotDifferentiableError(
      `${op}: got an integer tensor ${formatShape(whole.shape)}; expected f32. Close over it instead of passing it.`,
    )
  }
}

/**
 * Gives each place of the argument a tensor of its own: a tensor that stands in two places is two arguments,
 * and each gets the gradient of its own use.
 */
export function withoutRepeats<T extends TensorTree>(tree: T): T {
  const seen = new Set<Tensor>()
  const leaves = [...tensorsIn(tree)]
  if (new Set(leaves).size === leaves.length) return tree
  return mapTree(tree, (leaf) =>
    seen.has(leaf) ? reshape(leaf, leaf.shape) : (seen.add(leaf), leaf),
  ) as unknown as T
}

/**
 * Makes each result a tensor of its own, so that disposing or writing to one leaves the others and the
 * arguments alone: a sum passes one and the same gradient on to both its terms, and a function may return its
 * argument.
 *
 * @param given The arguments.
 */
export function ownTensors(given: readonly Tensor[]): (result: Tensor) => Tensor {
  const taken = new Set(given)
  return (result) => {
    const own = taken.has(result) ? reshape(result, result.shape) : result
    taken.add(own)
    return own
  }
}

/**
 * Returns what a function returned, checked to be a tensor that has gradients.
 *
 * @throws AsyncCallbackError for a promise, DisposedTensorError for a disposed tensor, NotDifferentiableError
 *   for anything that is not a tensor, and for integers.
 */
export function differentiableFrom(op: string, returned: unknown): Tensor {
  if (returned instanceof Promise) {
    throw new AsyncCallbackError(
      `${op}: the function returned a promise; expected it to be synchronous. Await before it is called or after.`,
    )
  }
  if (!(returned instanceof Tensor)) {
    throw new NotDifferentiableError(
      `${op}: the function returned ${returned === null ? 'null' : `a value of type ${typeof returned}`}; expected a tensor. ` +
        'Return the result of an op; a number that was read from a tensor has lost its history.',
    )
  }
  if (returned.isDisposed) {
    throw new DisposedTensorError(
      `${op}: the function returned a tensor ${formatShape(returned.shape)} that it had disposed of; expected one that still exists. ` +
        'Leave disposing to the scope.',
    )
  }
  if (returned.dtype !== 'f32') {
    throw new NotDifferentiableError(
      `${op}: the function returned integers ${formatShape(returned.shape)}; expected f32. Integers have no gradient.`,
    )
  }
  return returned
}

/**
 * Returns the scalar that a function returned. Throws as `differentiableFrom`, and ShapeError unless it is a
 * single number.
 */
export function scalarFrom(op: string, returned: unknown): Tensor {
  const value = differentiableFrom(op, returned)
  if (value.size !== 1) {
    throw new ShapeError(
      `${op}: the function returned ${formatShape(value.shape)}; expected a scalar. Take its sum or mean.`,
    )
  }
  return value
}

/** Returns the same structure with every tensor replaced by `f` of it. */
export function mapTree<T extends TensorTree>(tree: T, f: (leaf: Tensor) => Tensor): GradientOf<T> {
  if (tree instanceof Tensor) return f(tree) as GradientOf<T>
  if (Array.isArray(tree)) return tree.map(f) as GradientOf<T>
  return Object.fromEntries(Object.entries(tree).map(([key, leaf]) => [key, f(leaf)])) as GradientOf<T>
}
