/** Whether something is a growth request at all: requests come from policies, configurations and files, in JavaScript as in TypeScript. */
import { OptionError, shown } from '@burgeon/tensor'
import { checkLimit, sizeLimits } from '../../config/size-limits.ts'
import type { GrowthRequest } from './growth-request.ts'

/** Lists of a request can be so long. */
const longest = sizeLimits.vocabulary

const isNumber = (value: unknown): boolean => typeof value === 'number'
const isText = (value: unknown): boolean => typeof value === 'string'
const isListOf =
  (isItem: (item: unknown) => boolean) =>
  (value: unknown): boolean =>
    Array.isArray(value) && value.length <= longest && Array.from<unknown>(value).every(isItem)
const isToken = (value: unknown): boolean => {
  if (!isPlain(value)) return false
  const { parts, share, takes, ...others } = value
  return (
    isListOf(isNumber)(parts) &&
    (share === undefined || isNumber(share)) &&
    (takes === undefined || isListOf(isNumber)(takes)) &&
    Object.values(others).every((other) => other === undefined)
  )
}

interface Field {
  readonly expected: string
  readonly fits: (value: unknown) => boolean
  readonly isOptional?: boolean
  /** The size of a model that it sets. */
  readonly limit?: string
}

const number: Field = { expected: 'a number', fits: isNumber }
const text: Field = { expected: 'a string', fits: isText }
const numbers: Field = { expected: 'a list of numbers', fits: isListOf(isNumber) }
const optional = (field: Field): Field => ({ ...field, isOptional: true })
const size = (limit: string): Field => ({ ...number, limit })

const fields: Readonly<Record<GrowthRequest['axis'], Readonly<Record<string, Field>>>> = {
  mlpHidden: { block: text, to: size('mlpHidden'), how: optional(text) },
  head: { block: text, to: size('heads') },
  kvHead: { block: text, to: size('kvHeads') },
  headDim: { block: text, to: size('headDim') },
  layer: { at: number, mlpHidden: optional(size('mlpHidden')), how: optional(text) },
  stack: {
    of: optional({ expected: 'a list of block ids', fits: isListOf(isText) }),
    copies: optional(size('blocks')),
    order: optional(text),
    writes: optional(text),
  },
  embed: { to: size('embed') },
  vocabulary: {
    tokens: { expected: 'a list of tokens, each with a list of parts', fits: isListOf(isToken) },
  },
  context: { to: size('context'), how: optional(text) },
  adapter: { block: text, to: size('rank'), alpha: optional(number) },
  experts: { block: text, to: size('experts') },
  pruneHidden: { block: text, drop: numbers },
  pruneHead: { block: text, drop: numbers },
  pruneLayer: { block: text },
}

/**
 * The same request with the fields of its axis and no others.
 *
 * @throws OptionError for anything else: another type, an unknown axis, a field that is missing, unknown, of another type, or a size above
 *   every limit.
 */
export function requestOf(value: unknown): GrowthRequest {
  const { axis, ...given } = plainOf(value)
  if (typeof axis !== 'string' || !Object.hasOwn(fields, axis)) {
    throw new OptionError(
      `grow: got axis ${shown(axis)}; expected one of ${Object.keys(fields).join(', ')}, those of GrowthRequest.`,
    )
  }
  const known = fields[axis as GrowthRequest['axis']]
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(known, name) && given[name] !== undefined)
  if (unknown !== undefined) {
    throw new OptionError(`grow ${axis}: got a field ${unknown}; expected ${Object.keys(known).join(', ')}.`)
  }
  for (const [name, { expected, fits, isOptional, limit }] of Object.entries(known)) {
    const own = given[name]
    if (own === undefined && isOptional) continue
    if (!fits(own)) {
      throw new OptionError(`grow ${axis}: got ${name} = ${shown(own)}; expected ${expected}.`)
    }
    if (limit !== undefined && (own as number) > 0) checkLimit(`grow ${axis}`, limit, own as number)
  }
  const present = Object.entries(given).filter(([, own]) => own !== undefined)
  return { axis, ...Object.fromEntries(present) } as unknown as GrowthRequest
}

/** A copy, which stays what it is when the original changes. Reading a field may run code of whoever made the object. */
function plainOf(value: unknown): Record<string, unknown> {
  try {
    const copy: unknown = structuredClone(value)
    if (isPlain(copy) && !Array.isArray(copy)) return copy
  } catch {
    // Falls through: what cannot be copied is no plain data.
  }
  throw new OptionError(`grow: got ${shown(value)}; expected a GrowthRequest, plain data with an axis.`)
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
