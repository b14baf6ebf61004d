/** Who owns a tensor and when it dies. A scope per step owns everything made inside it. */
import { AsyncCallbackError } from './errors.ts'
import { Tensor } from './tensor.ts'

const stack: Scope[] = []

/** Owns the tensors made while it is the innermost open scope, until it is closed. */
export class Scope {
  readonly #owned = new Set<Tensor>()

  /** Takes a share in the ownership of a tensor. */
  own(tensor: Tensor): void {
    if (this.#owned.has(tensor)) return
    this.#owned.add(tensor)
    tensor.retain()
  }

  /**
   * Hands everything in `value` (tensors, and arrays, maps and plain objects of them) to the enclosing scope; where
   * there is none, to whoever holds it, who frees it with `dispose()`.
   */
  keep<R>(value: R): R {
    const outer = stack[stack.indexOf(this) - 1]
    for (const tensor of tensorsIn(value)) {
      if (!this.#owned.delete(tensor) || outer === undefined) continue
      outer.own(tensor)
      tensor.release()
    }
    return value
  }

  /** Ends the scope: what was not kept is freed. */
  [Symbol.dispose](): void {
    const at = stack.indexOf(this)
    if (at < 0) return
    stack.splice(at, 1)
    for (const tensor of this.#owned) tensor.release()
    this.#owned.clear()
  }
}

/** Opens a scope that ends with the block: `using step = openScope()`. */
export function openScope(): Scope {
  const opened = new Scope()
  stack.push(opened)
  return opened
}

/**
 * Runs `body`; everything it made dies at its end, except the tensors in what it returns.
 *
 * @param body Must be synchronous: queueing work is, and reading a result belongs outside.
 * @throws AsyncCallbackError if `body` returns a promise.
 * @example
 * ```ts
 * const norm = scope(() => sqrt(sum(multiply(x, x))))
 * ```
 */
export function scope<R>(body: () => R): R {
  using opened = openScope()
  const result = body()
  if (result instanceof Promise) {
    throw new AsyncCallbackError(
      'scope: the callback returned a promise; expected it to be synchronous. Await outside, or use openScope().',
    )
  }
  return opened.keep(result)
}

/** A tensor that belongs to the caller alone, whatever scope is open; it lives until the caller calls `release`. */
export function owned(make: () => Tensor): Tensor {
  using _ = openScope()
  return make().retain()
}

/** Gives a fresh tensor its first owner: the innermost open scope or, where there is none, whoever made it. */
export function adopt(tensor: Tensor): Tensor {
  const innermost = stack.at(-1)
  if (innermost === undefined) return tensor.retain()
  innermost.own(tensor)
  return tensor
}

/** Every tensor in a value, looking into arrays, maps and plain objects. */
export function* tensorsIn(value: unknown): Generator<Tensor> {
  if (value instanceof Tensor) yield value
  else if (Array.isArray(value)) for (const item of value) yield* tensorsIn(item)
  else if (value instanceof Map) for (const item of value.values()) yield* tensorsIn(item)
  else if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    for (const item of Object.values(value)) yield* tensorsIn(item)
  }
}
