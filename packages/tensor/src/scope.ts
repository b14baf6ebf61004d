/**
 * Who owns a tensor and when it dies. A scope per step owns everything made inside it.
 *
 * Which scope is the innermost is a fact of the thread, and a thread changes hands at every `await`. So no
 * scope may be open across one: `scope` takes no asynchronous body, `openScope` is noticed, and `scopeAsync`
 * is inside only while a part of its body runs.
 */
import { checkTensor } from './checks/check-tensor.ts'
import { checkArgument } from './checks/check-options.ts'
import * as checks from './checks/checks.ts'
import { disposeSymbol } from './dispose-symbol.ts'
import { AsyncCallbackError, OptionError } from './errors.ts'
import { Tensor } from './tensor.ts'

const stack: Scope[] = []
/** The scopes on the stack that `openScope` put there. */
const unguarded = new Set<Scope>()
let willLook = false

/** Owns the tensors made while it is the innermost open scope, until it is closed. */
export class Scope {
  readonly #owned = new Set<Tensor>()
  #wasLeft = false

  /** Takes a share in the ownership of a tensor. */
  own(tensor: Tensor): void {
    checkTensor('Scope.own', 'tensor', tensor)
    if (this.#owned.has(tensor)) return
    this.#owned.add(tensor)
    tensor.retain()
  }

  /**
   * Gives everything in `value` (tensors, and arrays, maps and plain objects of them) to the enclosing scope.
   * Without an enclosing scope it belongs to the caller, who frees it with `dispose()`.
   *
   * @throws AsyncCallbackError if something was awaited since the scope was opened.
   */
  keep<R>(value: R): R {
    this.#refuseIfLeft()
    const outer = stack[stack.indexOf(this) - 1]
    for (const tensor of tensorsIn(value)) {
      if (!this.#owned.delete(tensor) || outer === undefined) continue
      outer.own(tensor)
      tensor.release()
    }
    return value
  }

  /**
   * Ends the scope and frees everything that was not kept. A second call does nothing.
   *
   * @throws AsyncCallbackError if something was awaited since the scope was opened: it may then own tensors
   *   of others, so nothing is freed.
   */
  close(): void {
    const at = stack.indexOf(this)
    if (at >= 0) stack.splice(at, 1)
    unguarded.delete(this)
    this.#refuseIfLeft()
    for (const tensor of this.#owned) tensor.release()
    this.#owned.clear()
  }

  /**
   * Leaves the scope: it owns nothing that is made from now on, and its tensors already belong to the caller.
   */
  leave(): void {
    stack.splice(stack.indexOf(this), 1)
    this.#owned.clear()
    this.#wasLeft = true
  }

  /** Throws only once: an error thrown while another is under way would hide that one. */
  #refuseIfLeft(): void {
    if (!this.#wasLeft) return
    this.#wasLeft = false
    throw new AsyncCallbackError(
      'openScope: something was awaited while the scope was open; expected it to end before, because what other tasks make meanwhile ' +
        'would belong to it. Use scopeAsync, or end the scope first and await outside of it.',
    )
  }

  [disposeSymbol](): void {
    this.close()
  }
}

/**
 * Opens a scope that ends with the block: `using step = openScope()`, or `step.close()`. Nothing may be
 * awaited in between: after an `await` the scope owns nothing any more, and closing it throws
 * AsyncCallbackError. See `scopeAsync`.
 */
export function openScope(): Scope {
  const opened = new Scope()
  stack.push(opened)
  unguarded.add(opened)
  if (!willLook) {
    willLook = true
    void leaveAfterTurn()
  }
  return opened
}

/**
 * Leaves the scopes that are open at the end of the turn. Code that awaits something continues later, because
 * this function waits already.
 */
async function leaveAfterTurn(): Promise<void> {
  await Promise.resolve()
  willLook = false
  for (const left of unguarded) left.leave()
  unguarded.clear()
}

/** Runs `part` with `owner` as the innermost scope. */
function within<R>(owner: Scope, part: () => R, name: string): R {
  stack.push(owner)
  let result: R
  try {
    result = part()
  } finally {
    stack.splice(stack.lastIndexOf(owner), 1)
  }
  if (result instanceof Promise) {
    // Nobody awaits the promise any more, so its failure must not be reported as unhandled.
    result.catch(() => {})
    throw new AsyncCallbackError(
      `${name}: the callback returned a promise; expected it to be synchronous. Await outside, or use scopeAsync.`,
    )
  }
  return result
}

/**
 * Runs `body` and frees everything it made at its end, except the tensors in its result.
 *
 * @param body Must be synchronous: queueing work is, and reading a result belongs outside. See `scopeAsync`.
 * @throws AsyncCallbackError if `body` returns a promise.
 * @example
 * ```ts
 * const norm = scope(() => sqrt(sum(multiply(x, x))))
 * ```
 */
export function scope<R>(body: () => R): R {
  checkArgument('scope', 'body', body, checks.callback())
  const opened = new Scope()
  stack.push(opened)
  try {
    return opened.keep(within(opened, body, 'scope'))
  } finally {
    opened.close()
  }
}

/** Runs a synchronous part of the body of `scopeAsync`: the tensors it makes belong to that scope. */
export type ScopedPart = <R>(part: () => R) => R

/**
 * Runs an asynchronous body in a scope. The tensors that its parts make are freed when it ends, except those
 * in its result, which belong to the caller, who frees them with `dispose()`. Any number of such bodies may
 * run at once.
 *
 * @param body Takes `part`, which runs a synchronous function inside the scope. Tensors made outside of all
 *   parts do not belong to the scope.
 * @throws AsyncCallbackError from `part` if its function returns a promise, OptionError if the scope has
 *   ended.
 * @example
 * ```ts
 * const losses = await scopeAsync(async (part) => {
 *   const first = part(() => sum(multiply(x, x)))
 *   const [size] = await first.read()
 *   return part(() => divide(first, size))
 * })
 * ```
 */
export async function scopeAsync<R>(body: (part: ScopedPart) => Promise<R>): Promise<R> {
  checkArgument('scopeAsync', 'body', body, checks.callback())
  const owner = new Scope()
  let hasEnded = false
  const part: ScopedPart = (run) => {
    if (!hasEnded) return within(owner, run, 'scopeAsync')
    throw new OptionError(
      'scopeAsync: got a part after the scope had ended; expected its body to wait for all of them.',
    )
  }
  try {
    return owner.keep(await body(part))
  } finally {
    hasEnded = true
    owner.close()
  }
}

/**
 * Makes a tensor that belongs to the caller alone, whatever scope is open; it exists until the caller calls
 * `release`.
 */
export function makeOwned(make: () => Tensor): Tensor {
  checkArgument('makeOwned', 'make', make, checks.callback())
  const owner = new Scope()
  try {
    return within(
      owner,
      () => {
        const made = make()
        checkArgument('makeOwned', 'what make returned,', made, checks.tensor)
        return made.retain()
      },
      'makeOwned',
    )
  } finally {
    owner.close()
  }
}

/** Gives a fresh tensor its first owner: the innermost open scope or, without one, the caller. */
export function adoptTensor(tensor: Tensor): Tensor {
  checkTensor('adoptTensor', 'tensor', tensor)
  const innermost = stack.at(-1)
  if (innermost === undefined) return tensor.retain()
  innermost.own(tensor)
  return tensor
}

/** Yields every tensor in a value, looking into arrays, maps and plain objects. */
export function* tensorsIn(value: unknown): Generator<Tensor> {
  if (value instanceof Tensor) yield value
  else if (Array.isArray(value)) for (const item of value) yield* tensorsIn(item)
  else if (value instanceof Map) for (const item of value.values()) yield* tensorsIn(item)
  else if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    for (const item of Object.values(value)) yield* tensorsIn(item)
  }
}
