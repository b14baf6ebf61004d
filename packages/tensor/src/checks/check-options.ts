/**
 * Checks options and arguments where they come in, so that a mistake is reported at once and in the caller's
 * words.
 */
import { OptionError } from '../errors.ts'
import { Tensor } from '../tensor.ts'
import type { Check, RequiredCheck } from './checks.ts'
import { didYouMean } from './did-you-mean.ts'
import { objectWith } from './object-with.ts'

/**
 * A check for every option: an option without a check does not compile, nor a mandatory one that is not
 * `required`.
 */
export type ChecksOf<Options extends object> = {
  readonly [K in keyof Options]-?: Partial<Pick<Options, K>> extends Pick<Options, K>
    ? Check<Exclude<Options[K], undefined>>
    : RequiredCheck<Options[K]>
}

/**
 * Checks options against their checks. An option that is `undefined` counts as not given.
 *
 * @param who The function that was given them, for the message.
 * @throws OptionError unless `options` is an object, and for an option that does not exist, is missing, or
 *   does not pass its check.
 * @example
 * ```ts
 * interface Options {
 *   readonly learningRate: number
 *   readonly decay?: number
 * }
 * const options: Options = { learningRate: 0.1 }
 * checkOptions('descent', options, {
 *   learningRate: checks.required(checks.number({ above: 0 })),
 *   decay: checks.number({ from: 0, below: 1 }),
 * })
 * ```
 */
export function checkOptions<Options extends object>(
  who: string,
  options: Options,
  checks: ChecksOf<NoInfer<Options>>,
): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const expected = objectWith(Object.keys(checks))
    throw new OptionError(`${who}: got options ${shown(options)}; expected ${expected}.`)
  }
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(checks, name)) continue
    const hint = didYouMean(name, Object.keys(checks))
    throw new OptionError(`${who}: got an option ${name}, which does not exist; ${hint}`)
  }
  for (const name of Object.keys(checks)) {
    const check = (checks as Readonly<Record<string, Check<unknown>>>)[name]
    const value = (options as Readonly<Record<string, unknown>>)[name]
    if (value !== undefined || check.isRequired) checkArgument(who, name, value, check)
  }
}

/** Throws OptionError unless the value of an argument or option passes its check. */
export function checkArgument<T>(
  who: string,
  name: string,
  value: unknown,
  check: Check<T>,
): asserts value is T {
  if (check.accepts(value)) return
  throw new OptionError(
    value === undefined
      ? `${who}: got no ${name}; expected ${check.expected}.`
      : `${who}: got ${name} ${shown(value)}; expected ${check.expected}.`,
  )
}

/** Formats a value as messages quote it, in few words. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return value.length > 40 ? `'${value.slice(0, 40)}…'` : `'${value}'`
  if (typeof value === 'function') return 'a function'
  if (value instanceof Tensor) return `a tensor ${value.dtype}[${value.shape.join(', ')}]`
  if (Array.isArray(value)) {
    const items = value.slice(0, 6).map((item) => (Array.isArray(item) ? '[…]' : shown(item)))
    return `[${items.join(', ')}${value.length > 6 ? ', …' : ''}]`
  }
  if (typeof value !== 'object' || value === null) return String(value)
  const name = (Object.getPrototypeOf(value) as { constructor?: { name?: string } } | null)?.constructor?.name
  if (name !== undefined && name !== 'Object') return `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`
  return `an object with ${Object.keys(value).slice(0, 6).join(', ') || 'nothing'}`
}
