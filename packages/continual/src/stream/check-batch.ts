/** Checks that a batch can be learnt, before anything of it is. */
import { type GptConfig, tokensWithin } from '@burgeon/gpt'
import { checks, OptionError, shown } from '@burgeon/tensor'
import { type ExampleBatch, padding, rowOf, type TokenBatch, trimmed } from './batch.ts'
import { anOriginOf } from './origin.ts'

/** What rows must fit into. */
export interface RoomForRows extends Pick<GptConfig, 'vocabulary' | 'context'> {
  /** The model itself, whose rows may hold patches that take the place of one token each. */
  readonly model?: GptConfig
}

/**
 * Throws OptionError unless every row of a batch has something to predict, holds tokens that there are and
 * then padding, and fits into the context.
 */
export function checkBatch(
  data: unknown,
  { vocabulary, context, model }: RoomForRows,
): asserts data is TokenBatch {
  const { rows, length, tokens, domains, origins, weights } = (data ?? {}) as Partial<TokenBatch>
  if (
    !atLeastOne.accepts(rows) ||
    !atLeastOne.accepts(length) ||
    !(tokens instanceof Int32Array) ||
    !Array.isArray(domains)
  ) {
    throw refused(
      `got ${describe(data)}`,
      'a text, or a batch: rows and length that are positive integers, an Int32Array of tokens, and a list of domains',
    )
  }
  if (length > context && model?.patches === undefined)
    throw refused(`got rows of ${length} predictions`, `at most the context, ${context}`)
  if (tokens.length !== rows * (length + 1)) {
    throw refused(`got ${tokens.length} tokens`, `${rows * (length + 1)}, rows × (length + 1)`)
  }
  checkDomains(domains, rows)
  checkOrigins(origins, domains)
  checkWeights(weights, rows * length)
  for (let row = 0; row < rows; row++) {
    const own = trimmed(rowOf(data as TokenBatch, row))
    if (own.length < 2) throw refused(`row ${row} has ${own.length} tokens`, 'one to read and one to predict')
    const at = own.findIndex((token) => token < 0 || token >= vocabulary)
    if (at < 0 && (model?.patches === undefined || tokensWithin(model, own, context) === own.length)) continue
    if (at < 0) throw refused(`row ${row} has more than ${context} tokens and patches`, 'at most the context')
    const where = `at place ${at} of row ${row}`
    if (own[at] === padding) throw refused(`got padding ${where}`, 'it at the end of a row only')
    throw refused(`got token ${own[at]}`, `an integer from 0 to ${vocabulary - 1} ${where}`)
  }
}

/** Throws as `checkBatch` for a model whose vocabulary and context nobody knows. */
export const checkTokens = (data: unknown): void =>
  checkBatch(data, { vocabulary: Infinity, context: Infinity })

/**
 * Throws OptionError unless every row of a batch of examples has finite inputs, as many as the others, and
 * targets: one class, or any finite numbers.
 */
export function checkExamples(data: ExampleBatch, predicts: 'classes' | 'numbers' = 'classes'): void {
  const { rows, inputs, targets, domains, origins, weights } = data
  if (!atLeastOne.accepts(rows)) throw refused(`got ${shown(rows)} rows`, 'a positive integer')
  for (const [name, numbers] of Object.entries({ inputs, targets })) {
    const isWhole = numbers instanceof Float32Array && numbers.length > 0 && numbers.length % rows === 0
    if (!isWhole) {
      throw refused(
        `got ${name} of length ${shown(numbers?.length)}`,
        `a Float32Array, as many for each of ${rows} rows`,
      )
    }
    const at = strayIn(numbers)
    if (at >= 0) throw refused(`got ${numbers[at]} among the ${name}`, 'finite numbers')
  }
  checkDomains(domains, rows)
  checkOrigins(origins, domains)
  checkWeights(weights, rows)
  if (predicts === 'numbers') return
  const isClass = (target: number): boolean => Number.isInteger(target) && target >= 0
  const wrong = targets.find((target) => !isClass(target))
  if (targets.length !== rows)
    throw refused(`got ${targets.length} targets`, `${rows}, one class for each row`)
  if (wrong !== undefined) throw refused(`got ${wrong} as a class`, 'an integer from 0')
}

/** Place of the first number that is not finite; −1 where there is none. A plain loop: examples are large. */
function strayIn(numbers: Float32Array): number {
  for (let i = 0; i < numbers.length; i++) if (!Number.isFinite(numbers[i])) return i
  return -1
}

function checkDomains(domains: unknown, rows: number): void {
  const isList = Array.isArray(domains)
  if (isList && domains.length === rows && domains.every((domain) => typeof domain === 'string')) return
  throw refused(`got ${isList ? domains.length : shown(domains)} domains`, `${rows} names, one for each row`)
}

/** Throws unless there are none, or one for each row that has the domain of the row. */
function checkOrigins(origins: unknown, domains: readonly string[]): void {
  if (origins === undefined) return
  if (!Array.isArray(origins) || origins.length !== domains.length) {
    const got = Array.isArray(origins) ? origins.length : shown(origins)
    throw refused(`got ${got} origins`, `${domains.length}, one for each row`)
  }
  domains.forEach((domain, row) => {
    const check = anOriginOf(domain)
    const origin: unknown = origins[row]
    if (origin === null || check.accepts(origin)) return
    throw refused(`got ${shown(origin)} as the origin of row ${row}`, check.expected)
  })
}

/** Throws unless there are none, or a finite one for each prediction, that of padding included. */
function checkWeights(weights: unknown, predictions: number): void {
  if (weights === undefined) return
  const expected = `a Float32Array of ${predictions} finite numbers, one for each prediction`
  if (!(weights instanceof Float32Array)) throw refused(`got ${shown(weights)} as weights`, expected)
  if (weights.length !== predictions) throw refused(`got ${weights.length} weights`, expected)
  const at = strayIn(weights)
  if (at >= 0) throw refused(`got ${weights[at]} as weights[${at}]`, expected)
}

const atLeastOne = checks.integer({ from: 1 })

function refused(got: string, expected: string): OptionError {
  return new OptionError(`learner: ${got}; expected ${expected}. Nothing was learnt.`)
}

function describe(data: unknown): string {
  if (typeof data !== 'object' || data === null) return data === null ? 'null' : `a ${typeof data}`
  const { rows, length, tokens } = data as Partial<Record<keyof TokenBatch, unknown>>
  const number = (n: unknown): string => (typeof n === 'number' ? `${n}` : `a ${typeof n}`)
  return `rows ${number(rows)}, length ${number(length)} and tokens that are ${tokens instanceof Int32Array ? 'an Int32Array' : `a ${typeof tokens}`}`
}
