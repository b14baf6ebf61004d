/** Checks the patch front of a saved configuration. */
import { OptionError, shown } from '@burgeon/tensor'
import type { GptConfig, PatchConfig, SenseConfig } from './gpt-config.ts'

/** The largest patch, and the most patches of one frame, that a model can have. */
const [maxPatch, maxPatches] = [2 ** 12, 2 ** 16]

/**
 * Throws OptionError for a patch front that cannot be, or senses that do not fit it.
 *
 * @param owner What messages begin with.
 */
export function checkPatches(owner: string, { vocabulary }: GptConfig, patches: PatchConfig): void {
  const { byteEmbed, bytes, rows, columns, beside = 1, mixing = 1, local, senses } = patches
  for (const [name, size] of Object.entries({ byteEmbed, bytes, rows, columns, beside, mixing })) {
    if (isSize(size, maxPatches)) continue
    throw new OptionError(
      `${owner}: got ${name} of patches ${shown(size)}; expected an integer from 1 to ${maxPatches}.`,
    )
  }
  const { patches: nested, context, vocabulary: localTokens, positions } = local
  if (nested !== undefined || context !== bytes || localTokens !== 256 || positions !== 'learned') {
    throw new OptionError(
      `${owner}: got a local decoder of ${localTokens} tokens and ${context} positions; expected 256 and ${bytes}, learned, and no patches of its own.`,
    )
  }
  if (!Array.isArray(senses) || senses.length === 0) {
    throw new OptionError(`${owner}: got senses ${shown(senses)}; expected one at least.`)
  }
  for (const sense of senses) checkSense(owner, vocabulary, patches, sense)
  for (const what of ['name', 'token'] as const) {
    if (new Set(senses.map((sense) => sense[what])).size === senses.length) continue
    throw new OptionError(`${owner}: got two senses of one ${what}; expected one for each.`)
  }
}

function checkSense(owner: string, vocabulary: number, front: PatchConfig, sense: SenseConfig): void {
  const { name, token, header = 1, patches, rows, columns, frames, end } = sense
  if (typeof name !== 'string' || name === '') throw wrongIn(owner, name, 'a name', 'a text')
  const isToken = (value: unknown): boolean =>
    Number.isSafeInteger(value) && (value as number) >= 256 && (value as number) < vocabulary
  if (!isToken(token))
    throw wrongIn(owner, name, `token ${shown(token)}`, `one from 256 to ${vocabulary - 1}`)
  if (
    frames === undefined ? !isToken(end) || end === token : end !== undefined || !isSize(frames, maxPatches)
  ) {
    throw wrongIn(
      owner,
      name,
      `${shown(frames)} frames and the end ${shown(end)}`,
      'a positive integer, or the token behind a piece',
    )
  }
  if (!isSize(rows, front.rows) || !isSize(columns, front.columns)) {
    throw wrongIn(
      owner,
      name,
      `${shown(rows)} rows and ${shown(columns)} columns`,
      `up to ${front.rows} and ${front.columns}`,
    )
  }
  const areSizes = Array.isArray(patches) && patches.every((size) => isSize(size, front.bytes))
  if (!areSizes || patches.length !== rows * columns) {
    throw wrongIn(
      owner,
      name,
      'patches',
      `${rows * columns} numbers from 1 to ${front.bytes}, one for each row and column`,
    )
  }
  if (!isSize(header, front.bytes))
    throw wrongIn(owner, name, `a header of ${shown(header)}`, `1 to ${front.bytes} bytes`)
}

/** What is wrong with a sense. */
function wrongIn(owner: string, name: unknown, what: string, expected: string): OptionError {
  return new OptionError(`${owner}: got ${what} of sense ${shown(name)}; expected ${expected}.`)
}

const isSize = (value: unknown, most: number): boolean =>
  Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= Math.min(most, maxPatches)

/** Largest patch that a sense may have, in bytes. */
export const largestPatch: number = maxPatch
