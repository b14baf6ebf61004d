/** How much of a text a model has to know, in places of its context, and where to cut it. */
import { checkArgument, checks } from '@burgeon/tensor'
import { aConfig, type GptConfig } from '../config/gpt-config.ts'
import { type Unit, unitsOf } from './units.ts'

type Context = Pick<GptConfig, 'patches'>

/** The places that the tokens of a text take from a start on: one for each, or for each whole patch. */
export function placesFrom(config: Context, text: readonly number[], start: number): number {
  return config.patches === undefined ? text.length - start : readUnits(config, text.slice(start)).length
}

/**
 * The first token of the longest end of a text that takes so many places at most. It is not cut inside a
 * piece, so there may be none: undefined.
 */
export function startOfEnd(config: Context, text: readonly number[], most: number): number | undefined {
  if (config.patches === undefined) return Math.max(0, text.length - most)
  const units = readUnits(config, text)
  return units.slice(Math.max(0, units.length - most)).find(({ at }) => at === undefined)?.start
}

/**
 * The first token of the longest end of a row that fits into the context of a model, the last one, which is
 * only predicted, included. A patch takes the place of one token, and no piece is cut: where not even the
 * last one fits, it is the last token of the row.
 *
 * @param row Tokens, without padding, one at least.
 * @param context Places, a positive integer; those of the model unless given.
 */
export function endWithin(
  config: GptConfig,
  row: ArrayLike<number>,
  context: number = config?.context,
): number {
  checkArgument('endWithin', 'config', config, aConfig)
  checkArgument('endWithin', 'row', row, checks.tokens)
  checkArgument('endWithin', 'context', context, checks.integer({ from: 1, infinite: true }))
  const read = Array.from(row).slice(0, -1)
  return startOfEnd(config, read, context) ?? read.length
}

/**
 * What rows that are read together have in common: how long they are and, with a patch front, where their
 * pieces begin and end.
 */
export function formOf(config: Context, text: readonly number[], start: number): string {
  if (config.patches === undefined) return String(text.length - start)
  const marks = text.slice(start).flatMap((token, i) => (token >= 256 ? [`${i}:${token}`] : []))
  return [text.length - start, ...marks].join(' ')
}

const readUnits = ({ patches }: Context, text: readonly number[]): Unit[] =>
  patches === undefined
    ? []
    : unitsOf(patches, text).filter(({ start, length }) => start + length <= text.length)
