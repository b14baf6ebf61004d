/** Products with Jacobians and Hessians, without ever holding the matrices: reverse mode once or twice. */
import {
  add,
  checkArgument,
  checks,
  concatenate,
  fill,
  formatShape,
  multiply,
  OptionError,
  reshape,
  sameShape,
  scope,
  ShapeError,
  sum,
  type Tensor,
  tensorFrom,
  tensorsIn,
  zerosLike,
} from '@burgeon/tensor'
import {
  checkFunction,
  checkLeaves,
  checkTree,
  grad,
  type GradientOf,
  mapTree,
  ownTensors,
  differentiableFrom,
  type TensorTree,
  withoutRepeats,
} from './grad.ts'
import { pullBack, recordTape } from './gradients.ts'

/** A function's value and the product of its Jacobian with a vector. */
export interface ValueAndProduct<P> {
  readonly value: Tensor
  readonly product: P
}

/**
 * Vector-Jacobian product: `product` is Jᵀ·cotangent, in the structure of the argument.
 *
 * @param f Returns one tensor of any shape, synchronously.
 * @returns A function of the argument and a cotangent of the value's shape.
 * @throws ShapeError if the cotangent is of another shape; for arguments and results without gradients, as
 *   `grad`.
 * @example
 * ```ts
 * const { product } = vjp((y: Tensor) => multiply(y, y))(x, x) // 2x²
 * ```
 */
export function vjp<T extends TensorTree>(
  f: (x: T) => Tensor,
): (x: T, cotangent: Tensor) => ValueAndProduct<GradientOf<T>> {
  checkFunction('vjp', f)
  return (x, cotangent) =>
    scope(() => {
      checkTree('vjp', 'x', x)
      checkArgument('vjp', 'cotangent', cotangent, checks.tensor)
      const argument = withoutRepeats(x)
      const leaves = [...tensorsIn(argument)]
      checkLeaves('vjp', leaves)
      using recorded = recordTape(leaves, () => f(argument))
      const value = differentiableFrom('vjp', recorded.result)
      checkShapes('vjp', 'cotangent', cotangent, value)
      const gradients = pullBack(recorded.tape, [value], [cotangent])
      const own = ownTensors([...leaves, cotangent])
      const product = mapTree(argument, (leaf) => own(gradients.get(leaf.id) ?? zerosLike(leaf)))
      return { value: own(value), product }
    })
}

/**
 * Jacobian-vector product: `product` is J·tangent, the derivative of `f` in that direction. Made of two
 * backward passes, for the first is linear in its cotangent (Townsend 2017), so it costs about three times
 * `f`.
 *
 * @param f Returns one tensor of any shape, synchronously.
 * @returns A function of the argument and a tangent of the argument's structure and shapes.
 * @throws As `vjp`.
 */
export function jvp<T extends TensorTree>(
  f: (x: T) => Tensor,
): (x: T, tangent: T) => ValueAndProduct<Tensor> {
  checkFunction('jvp', f)
  return (x, tangent) =>
    scope(() => {
      checkTree('jvp', 'x', x)
      checkTree('jvp', 'tangent', tangent)
      const argument = withoutRepeats(x)
      const leaves = [...tensorsIn(argument)]
      const directions = [...tensorsIn(tangent)]
      checkLeaves('jvp', leaves)
      if (directions.length !== leaves.length) {
        throw new ShapeError(
          `jvp: got ${directions.length} tangents for ${leaves.length} tensors; expected the argument's structure.`,
        )
      }
      leaves.forEach((leaf, i) => checkShapes('jvp', 'tangent', directions[i], leaf))
      using forward = recordTape(leaves, () => f(argument))
      const value = differentiableFrom('jvp', forward.result)
      const cotangent = zerosLike(value)
      using backward = recordTape([cotangent], () => pullBack(forward.tape, [value], [cotangent]))
      const reached = leaves.flatMap((leaf, i) => {
        const gradient = backward.result.get(leaf.id)
        return gradient === undefined ? [] : [[gradient, directions[i]] as const]
      })
      const gradients = pullBack(
        backward.tape,
        reached.map(([gradient]) => gradient),
        reached.map(([, direction]) => direction),
      )
      const own = ownTensors([...leaves, ...directions])
      return { value: own(value), product: own(gradients.get(cotangent.id) ?? zerosLike(value)) }
    })
}

/**
 * Hessian-vector product of a scalar function: ∇(∇f·v) (Pearlmutter 1994), at the cost of a few gradients.
 *
 * @returns A function of the argument and a vector of the argument's structure; it returns H·v in that
 *   structure.
 * @throws As `grad`.
 */
export function hvp<T extends TensorTree>(f: (x: T) => Tensor): (x: T, vector: T) => GradientOf<T> {
  checkFunction('hvp', f)
  return (x, vector) =>
    scope(() => {
      checkTree('hvp', 'x', x)
      checkTree('hvp', 'vector', vector)
      const directions = [...tensorsIn(vector)]
      if (directions.length === 0 || [...tensorsIn(x)].length === 0) {
        throw new OptionError('hvp: got x or vector without tensors; expected one or more in each.')
      }
      return grad<T>((y) => {
        const gradients = [...tensorsIn(grad(f)(y))]
        gradients.forEach((gradient, i) => checkShapes('hvp', 'vector', directions[i], gradient))
        return gradients
          .map((gradient, i) => sum(multiply(gradient, directions[i])))
          .reduce((a, b) => add(a, b))
      })(x)
    })
}

/**
 * Returns a function that computes the whole Jacobian of `f`, a row for each number of the value: as many
 * backward passes as the value has numbers.
 *
 * @returns `f32 [value's shape…, argument's shape…]`.
 * @throws As `vjp`.
 */
export function jacobian(f: (x: Tensor) => Tensor): (x: Tensor) => Tensor {
  checkFunction('jacobian', f)
  return (x) =>
    scope(() => {
      checkArgument('jacobian', 'x', x, checks.tensor)
      checkLeaves('jacobian', [x])
      using recorded = recordTape([x], () => f(x))
      const value = differentiableFrom('jacobian', recorded.result)
      const rows = Array.from({ length: value.size }, (_, i) => {
        const one = tensorFrom(value.shape, (k) => Number(k === i), value.device)
        const row = pullBack(recorded.tape, [value], [one]).get(x.id) ?? zerosLike(x)
        return reshape(row, [1, x.size])
      })
      const shape = [...value.shape, ...x.shape]
      return rows.length === 0 ? fill(x.device, shape, 0) : reshape(concatenate(rows, 0), shape)
    })
}

function checkShapes(op: string, what: string, got: Tensor | undefined, wanted: Tensor): void {
  if (got !== undefined && sameShape(got.shape, wanted.shape)) return
  throw new ShapeError(
    `${op}: got a ${what} ${got ? formatShape(got.shape) : 'that is missing'}; expected ${formatShape(wanted.shape)}.`,
  )
}
