/** How much of a text a model has to know, in places of its context, and where to cut it. */
import type { GptConfig } from '../config/gpt-config.ts'
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
