/**
 * Checks that something is a growth request at all: requests come from policies, configurations and files, in
 * JavaScript as in TypeScript.
 */
import { type Check, OptionError, shown } from '@burgeon/tensor'
import { checkLimit, sizeLimits } from '../../config/size-limits.ts'
import type { GrowthKind, GrowthRequest } from './growth-request.ts'
import { kindOfAxis } from './request-from-state.ts'

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

/** Anything that may be a request; the fields of its kind are looked at by `requestOf`. */
export const aRequest: Check<GrowthRequest> = {
  expected: 'a growth request (an object with kind)',
  // What calls its kind axis, as versions before 0.2 did, gets an error of its own.
  accepts: (value): value is GrowthRequest =>
    typeof value === 'object' && value !== null && ('kind' in value || 'axis' in value),
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

const fields: Readonly<Record<GrowthKind, Readonly<Record<string, Field>>>> = {
  widenMlp: {
    block: text,
    to: size('mlpHidden'),
    how: optional(text),
    outgoing: optional(numbers),
    gate: optional(numbers),
  },
  addHeads: { block: text, to: size('heads') },
  addKvHeads: { block: text, to: size('kvHeads') },
  widenHeads: { block: text, to: size('headDim') },
  addLayer: { at: number, mlpHidden: optional(size('mlpHidden')), how: optional(text) },
  copyLayers: {
    of: optional({ expected: 'a list of block ids', fits: isListOf(isText) }),
    copies: optional(size('blocks')),
    order: optional(text),
    writes: optional(text),
  },
  widenEmbed: { to: size('embed') },
  growVocabulary: {
    tokens: { expected: 'a list of tokens, each with a list of parts', fits: isListOf(isToken) },
  },
  addSense: {
    name: text,
    patches: numbers,
    columns: number,
    header: optional(number),
    frames: optional(number),
    share: optional(number),
    byteEmbed: optional(number),
    localEmbed: optional(size('embed')),
    localLayers: optional(size('blocks')),
    besideEmbed: optional(number),
    mixing: optional(number),
  },
  growContext: { to: size('context'), how: optional(text) },
  addAdapter: { block: text, to: size('rank'), alpha: optional(number) },
  addExperts: { block: text, to: size('experts') },
  pruneUnits: { block: text, drop: numbers },
  pruneHeads: { block: text, drop: numbers },
  pruneLayer: { block: text },
}

/** Every kind of request. */
export const growthKinds: readonly GrowthKind[] = Object.keys(fields) as GrowthKind[]

/**
 * The same request with the fields of its kind and no others.
 *
 * @throws OptionError for anything else: another type, an unknown kind, a field that is missing, unknown, of
 *   another type, or a size above every limit.
 */
export function requestOf(value: unknown): GrowthRequest {
  const { kind, ...given } = plainOf(value)
  const renamed = kind === undefined ? kindOfAxis(given['axis']) : undefined
  if (renamed !== undefined) {
    throw new OptionError(
      `grow: got a request with axis ${shown(given['axis'])}, as requests were before 0.2; expected kind: '${renamed}' in its place.`,
    )
  }
  if (typeof kind !== 'string' || !Object.hasOwn(fields, kind)) {
    throw new OptionError(
      `grow: got kind ${shown(kind)}; expected one of ${Object.keys(fields).join(', ')}, those of GrowthRequest.`,
    )
  }
  const known = fields[kind as GrowthKind]
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(known, name) && given[name] !== undefined)
  if (unknown !== undefined) {
    throw new OptionError(`grow ${kind}: got a field ${unknown}; expected ${Object.keys(known).join(', ')}.`)
  }
  for (const [name, { expected, fits, isOptional, limit }] of Object.entries(known)) {
    const own = given[name]
    if (own === undefined && isOptional) continue
    if (!fits(own)) {
      throw new OptionError(`grow ${kind}: got ${name} = ${shown(own)}; expected ${expected}.`)
    }
    if (limit !== undefined && (own as number) > 0) checkLimit(`grow ${kind}`, limit, own as number)
  }
  const present = Object.entries(given).filter(([, own]) => own !== undefined)
  return { kind, ...Object.fromEntries(present) } as unknown as GrowthRequest
}

/**
 * A copy, which stays what it is when the original changes. Reading a field may run code of whoever made the
 * object.
 */
function plainOf(value: unknown): Record<string, unknown> {
  try {
    const copy: unknown = structuredClone(value)
    if (isPlain(copy) && !Array.isArray(copy)) return copy
  } catch {
    // Falls through: what cannot be copied is not plain data.
  }
  throw new OptionError(`grow: got ${shown(value)}; expected a GrowthRequest, plain data with a kind.`)
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
