/** Reads a policy, and says of a wrong one where it is wrong. */
import { growthKinds } from '@burgeon/gpt/growth'
import { type Check, checkArgument, checks, OptionError, shown } from '@burgeon/tensor'
import { PolicyError } from '../../errors.ts'
import { boundedPattern } from '../output/bounded-pattern.ts'
import { aPhrase } from '../output/output-filter.ts'
import { type JsonStep, lineOf, requireJson } from './json-lines.ts'
import type { Policy } from './policy.ts'

/** Longest file that is read. */
const longest = 1 << 20

/** What a field may be: a check, or the fields of an object, or what each of a list may be. */
type Shape = Check<unknown> | { readonly each: Check<unknown> } | { readonly [field: string]: Shape }

const aName = nonEmpty('a name')
const names: Shape = { allow: { each: aName }, refuse: { each: aName } }
const phrases: Shape = { each: aPhrase }
const patterns: Shape = { each: { expected: 'a pattern that is bounded', accepts: isBounded } }
const count = checks.integer({ from: 1 })

const shape: Shape = {
  learn: {
    sources: names,
    domains: names,
    ...{ phrases, patterns },
    personalData: checks.oneOf('redact', 'quarantine', 'refuse'),
  },
  say: { phrases, patterns, personalData: checks.boolean },
  grow: { kinds: { each: checks.oneOf(...growthKinds) }, maxParameters: count },
  approve: {
    growthAbove: checks.integer({ from: 0 }),
    ...{ forget: checks.boolean, policy: checks.boolean, budget: checks.boolean },
  },
}

/**
 * The policy of a text of JSON, as a file `policy.json` has it.
 *
 * @throws PolicyError for what is no JSON or no policy, with the line and the field, such as
 *   `say.patterns[2]`; OptionError for what is no text.
 * @example
 * ```ts
 * const policy = readPolicy(`{ "say": { "phrases": ["blue falcon"] } }`)
 * ```
 */
export function readPolicy(json: string): Policy {
  checkArgument('readPolicy', 'json', json, checks.text)
  if (json.length > longest) {
    throw new PolicyError(`policy: got ${json.length} characters; expected at most ${longest}.`)
  }
  requireJson(json)
  const value: unknown = JSON.parse(json)
  const fault = faultIn(value, shape, [])
  if (fault === null) return value as Policy
  throw new PolicyError(`policy: line ${lineOf(json, fault.path)}: ${fault.message}`)
}

/** A policy that is there already, as plain data. Throws PolicyError with the field. */
export function checkPolicy(value: unknown): Policy {
  const fault = faultIn(value, shape, [])
  if (fault === null) return value as Policy
  throw new PolicyError(`policy: ${fault.message}`)
}

interface Fault {
  readonly path: readonly JsonStep[]
  readonly message: string
}

function faultIn(value: unknown, own: Shape, path: readonly JsonStep[]): Fault | null {
  const wrong = (expected: string): Fault => ({
    path,
    message: `${fieldOf(path)}: got ${shown(value)}; expected ${expected}.`,
  })
  if (isCheck(own)) return own.accepts(value) ? null : (patternFault(value, own, path) ?? wrong(own.expected))
  if ('each' in own) {
    if (!Array.isArray(value)) return wrong('a list')
    return firstFault(value.map((one, i) => () => faultIn(one, own.each, [...path, i])))
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong('an object')
  return firstFault(
    Object.entries(value).map(([field, one]) => () => {
      const at = [...path, field]
      if (Object.hasOwn(own, field)) return faultIn(one, own[field], at)
      const known = Object.keys(own).join(', ')
      return { path: at, message: `${fieldOf(at)}: there is no such field; expected one of ${known}.` }
    }),
  )
}

/** Why a pattern is not bounded, in its own words. */
function patternFault(value: unknown, own: Check<unknown>, path: readonly JsonStep[]): Fault | null {
  if (own.accepts !== isBounded || typeof value !== 'string') return null
  try {
    boundedPattern(fieldOf(path), value)
    return null
  } catch (error) {
    return { path, message: (error as Error).message }
  }
}

function firstFault(tries: readonly (() => Fault | null)[]): Fault | null {
  for (const one of tries) {
    const fault = one()
    if (fault !== null) return fault
  }
  return null
}

const isCheck = (own: Shape): own is Check<unknown> => 'accepts' in own

function isBounded(value: unknown): value is string {
  if (typeof value !== 'string') return false
  try {
    boundedPattern('policy', value)
    return true
  } catch (error) {
    if (error instanceof OptionError) return false
    throw error
  }
}

function nonEmpty(expected: string): Check<string> {
  return { expected, accepts: (value): value is string => typeof value === 'string' && value !== '' }
}

/** `say.patterns[2]`. */
const fieldOf = (path: readonly JsonStep[]): string =>
  path.length === 0
    ? 'the whole'
    : path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('')
