/** Which pieces stand in a row. */
import { checkArgument, checks } from '@burgeon/tensor'
import { aConfig, type GptConfig } from '../config/gpt-config.ts'
import { unitsOf } from './units.ts'

/** A piece in a row. */
export interface PlacedPiece {
  /** Name of its sense: codec, version and size. */
  readonly sense: string
  /** Place of the token of the sense, and of the first token behind the bytes, which follow it. */
  readonly start: number
  readonly end: number
}

/**
 * The pieces of a row, in order. The last one may be cut short by its end.
 *
 * @param config Of the model that reads the row; one without a patch front reads none.
 * @param row Tokens.
 */
export function piecesIn(config: GptConfig, row: ArrayLike<number>): PlacedPiece[] {
  checkArgument('piecesIn', 'config', config, aConfig)
  checkArgument('piecesIn', 'row', row, checks.tokens)
  const { patches } = config
  const pieces: PlacedPiece[] = []
  if (patches === undefined) return pieces
  for (const { start, length, at } of unitsOf(patches, row)) {
    const sense = at === undefined && patches.senses.find(({ token }) => token === row[start])
    if (sense) pieces.push({ sense: sense.name, start, end: start + 1 })
    const last = pieces.at(-1)
    if (at !== undefined && last !== undefined) {
      pieces[pieces.length - 1] = { ...last, end: Math.min(row.length, start + length) }
    }
  }
  return pieces
}
