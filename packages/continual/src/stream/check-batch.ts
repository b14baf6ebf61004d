/** Checks that a batch can be learnt, before anything of it is. */
import type { GptConfig } from '@burgeon/gpt'
import { checks, OptionError } from '@burgeon/tensor'
import { type Batch, padding, rowOf, trimmed } from './batch.ts'

/**
 * Throws OptionError unless every row of a batch has something to predict, holds tokens that there are and
 * then padding, and fits into the context.
 */
export function checkBatch(data: unknown, { vocabulary, context }: GptConfig): asserts data is Batch {
  const { rows, length, tokens, domains } = (data ?? {}) as Partial<Batch>
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
  if (length > context) throw refused(`got rows of ${length} predictions`, `at most the context, ${context}`)
  if (tokens.length !== rows * (length + 1)) {
    throw refused(`got ${tokens.length} tokens`, `${rows * (length + 1)}, rows × (length + 1)`)
  }
  if (domains.length !== rows || !domains.every((domain) => typeof domain === 'string')) {
    throw refused(`got ${domains.length} domains`, `${rows} names, one for each row`)
  }
  for (let row = 0; row < rows; row++) {
    const own = trimmed(rowOf(data as Batch, row))
    if (own.length < 2) throw refused(`row ${row} has ${own.length} tokens`, 'one to read and one to predict')
    const at = own.findIndex((token) => token < 0 || token >= vocabulary)
    if (at < 0) continue
    const where = `at place ${at} of row ${row}`
    if (own[at] === padding) throw refused(`got padding ${where}`, 'it at the end of a row only')
    throw refused(`got token ${own[at]}`, `an integer from 0 to ${vocabulary - 1} ${where}`)
  }
}

const atLeastOne = checks.integer({ from: 1 })

function refused(got: string, expected: string): OptionError {
  return new OptionError(`learner: ${got}; expected ${expected}. Nothing was learnt.`)
}

function describe(data: unknown): string {
  if (typeof data !== 'object' || data === null) return data === null ? 'null' : `a ${typeof data}`
  const { rows, length, tokens } = data as Partial<Record<keyof Batch, unknown>>
  const number = (n: unknown): string => (typeof n === 'number' ? `${n}` : `a ${typeof n}`)
  return `rows ${number(rows)}, length ${number(length)} and tokens that are ${tokens instanceof Int32Array ? 'an Int32Array' : `a ${typeof tokens}`}`
}
