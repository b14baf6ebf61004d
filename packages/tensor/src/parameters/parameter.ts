/** Parameters: the numbers that learn, known by a stable path and by what each of their dimensions means. */
import { checkTensor } from '../checks/check-tensor.ts'
import { checkArgument } from '../checks/check-options.ts'
import * as checks from '../checks/checks.ts'
import { BurgeonError } from '../errors.ts'
import { reshape } from '../ops/reshape/reshape.ts'
import { openScope } from '../scope.ts'
import { formatShape, sizeOf } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

/**
 * The meaning of a dimension of a parameter. Axes are the unit of growth: to widen `mlpHidden` is to widen
 * every dimension that carries this label in the block.
 */
export type Axis =
  | 'vocabulary'
  | 'context'
  | 'embed'
  | 'head'
  | 'kvHead'
  | 'headDim'
  | 'mlpHidden'
  | 'rank'
  | 'expert'
  | 'input'
  | 'output'

/** A tensor with an identity: the path and the labels survive when its numbers or its shape change. */
export interface Parameter {
  /** For example `blocks.b0.mlp.up.weight`. */
  readonly path: string
  /** One label per dimension. */
  readonly axes: readonly Axis[]
  readonly tensor: Tensor
}

/** Tensors by parameter path. */
export type TensorsByPath = Readonly<Record<string, Tensor>>

/** A parameter was asked for, added or removed against the rules of the store. */
export class ParameterError extends BurgeonError {
  override readonly name = 'ParameterError'
}

/** All parameters of a model, in a stable order. Owns their tensors. */
export class ParameterStore {
  readonly #byPath = new Map<string, Parameter>()

  /**
   * Adds a parameter; the store becomes an owner of its tensor.
   *
   * @param before Path of the parameter that the new one precedes, if that exists; else it is the last.
   */
  add(path: string, axes: readonly Axis[], tensor: Tensor, before?: string): void {
    checkArgument('ParameterStore.add', 'path', path, checks.text)
    checkArgument('ParameterStore.add', 'axes', axes, checks.list('a list of axes', checks.text))
    checkTensor('ParameterStore.add', 'tensor', tensor)
    if (before !== undefined) checkArgument('ParameterStore.add', 'before', before, checks.text)
    if (this.#byPath.has(path))
      throw new ParameterError(`parameter ${path} exists already; expected a new path.`)
    if (axes.length !== tensor.shape.length) {
      throw new ParameterError(
        `parameter ${path}: got ${axes.length} axes for shape ${formatShape(tensor.shape)}; expected one per dimension.`,
      )
    }
    const others = [...this.#byPath]
    const at = others.findIndex(([other]) => other === before)
    this.#byPath.set(path, { path, axes, tensor: tensor.retain() })
    if (at < 0) return
    // A map keeps its order: what comes after is taken out and put back.
    for (const [other, parameter] of others.slice(at)) {
      this.#byPath.delete(other)
      this.#byPath.set(other, parameter)
    }
  }

  get(path: string): Parameter {
    checkArgument('ParameterStore.get', 'path', path, checks.text)
    const found = this.#byPath.get(path)
    if (found === undefined) {
      throw new ParameterError(`no parameter ${path}; this model has ${[...this.#byPath.keys()].join(', ')}.`)
    }
    return found
  }

  has(path: string): boolean {
    checkArgument('ParameterStore.has', 'path', path, checks.text)
    return this.#byPath.has(path)
  }

  /** Replaces the numbers of a parameter, perhaps by some of another shape; the old ones are freed. */
  replace(path: string, tensor: Tensor): void {
    checkTensor('ParameterStore.replace', 'tensor', tensor)
    const old = this.get(path)
    this.#byPath.set(path, { path, axes: old.axes, tensor: tensor.retain() })
    old.tensor.release()
  }

  remove(path: string): void {
    this.get(path).tensor.release()
    this.#byPath.delete(path)
  }

  /** Yields every parameter, in the order in which they were added, except those added before another. */
  [Symbol.iterator](): IterableIterator<Parameter> {
    return this.#byPath.values()
  }

  /** The tensors alone, by path: the argument of a forward pass, and the structure of its gradient. */
  tensors(): Record<string, Tensor> {
    return Object.fromEntries([...this].map(({ path, tensor }) => [path, tensor]))
  }

  /** Number of learned numbers. */
  get size(): number {
    return [...this].reduce((total, { tensor }) => total + sizeOf(tensor.shape), 0)
  }

  /** Frees every tensor. */
  dispose(): void {
    for (const { path } of this) this.remove(path)
  }
}

const aStore = checks.instance('a ParameterStore', ParameterStore)

/**
 * Gives a store the parameters of another in the place of its own, in the same order. Their numbers are
 * shared on the device, and take no room of their own until one of the two stores writes to them.
 *
 * @example
 * ```ts
 * const before = new ParameterStore()
 * shareParameters(before, model.parameters) // a moment is kept
 * shareParameters(model.parameters, before) // and put back
 * before.dispose()
 * ```
 */
export function shareParameters(into: ParameterStore, from: ParameterStore): void {
  checkArgument('shareParameters', 'into', into, aStore)
  checkArgument('shareParameters', 'from', from, aStore)
  if (into === from) return
  using _ = openScope()
  const shared = [...from].map(({ path, axes, tensor }) => ({
    ...{ path, axes, tensor: reshape(tensor, tensor.shape) },
  }))
  into.dispose()
  for (const { path, axes, tensor } of shared) into.add(path, axes, tensor)
}
