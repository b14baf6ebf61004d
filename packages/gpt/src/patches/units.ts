/**
 * Units: what the block stack reads at one position, a token or a patch of bytes.
 *
 * A row of tokens says itself where its patches are: the token of a sense comes before a piece, whose bytes
 * follow, cut as the sense says; behind its last frame, or at a token that is no byte, text goes on. So rows
 * are remembered, mixed, held back and forgotten like any others, and no batch carries a layout.
 */
import { checkArgument, checks } from '@burgeon/tensor'
import { aConfig, type GptConfig, type PatchConfig, type SenseConfig } from '../config/gpt-config.ts'

/** Where a patch is in its piece. */
export interface PatchPlace {
  /** From 0; −1 for a header, which so comes before the first frame. */
  readonly frame: number
  readonly row: number
  readonly column: number
  /** Whether its frame has others beside it. */
  readonly isInGrid: boolean
}

/** A position of the block stack. */
export interface Unit {
  /** Place in the row of its first token. */
  readonly start: number
  /** Tokens. Of a patch at the end of a row more than the row has, where it goes on behind. */
  readonly length: number
  /** Where a patch is; absent for a token. */
  readonly at?: PatchPlace
}

/** The bytes, which are the first tokens. */
const bytes = 256

/**
 * The units of a row, in order. The last one may be a patch that begins at the end of the row, of which
 * nothing has been read: the next token is the first of it.
 *
 * @param to Tokens of the row that are looked at.
 */
export function unitsOf({ senses }: PatchConfig, row: ArrayLike<number>, to: number = row.length): Unit[] {
  const units: Unit[] = []
  let [sense, patch]: [SenseConfig | undefined, number] = [undefined, 0]
  let start = 0
  while (start < to) {
    const token = row[start]
    if (token >= bytes || sense === undefined) {
      units.push({ start, length: 1 })
      sense = token >= bytes ? senses.find((each) => each.token === token) : undefined
      patch = 0
      start++
    } else {
      const length = bytesFrom(
        row,
        start,
        Math.min(to, start + lengthOf(sense, patch)),
        lengthOf(sense, patch),
      )
      units.push({ start, length, at: placeOf(sense, patch) })
      start += length
      patch++
    }
    if (sense !== undefined && isDone(sense, patch)) sense = undefined
  }
  if (sense !== undefined && start === to) {
    units.push({ start, length: lengthOf(sense, patch), at: placeOf(sense, patch) })
  }
  return units
}

/** Bytes of a patch, fewer where another token comes before it is whole. */
function bytesFrom(row: ArrayLike<number>, start: number, end: number, length: number): number {
  for (let i = start; i < end; i++) if (row[i] >= bytes) return i - start
  return length
}

const hasHeader = ({ header }: SenseConfig): number => (header === undefined ? 0 : 1)

function lengthOf(sense: SenseConfig, patch: number): number {
  const { header, patches } = sense
  if (header !== undefined && patch === 0) return header
  return patches[(patch - hasHeader(sense)) % patches.length]
}

function placeOf(sense: SenseConfig, patch: number): PatchPlace {
  const { patches, columns } = sense
  const own = patch - hasHeader(sense)
  const within = Math.max(0, own) % patches.length
  return {
    frame: Math.floor(own / patches.length),
    row: Math.floor(within / columns),
    column: within % columns,
    isInGrid: patches.length > 1,
  }
}

const isDone = (sense: SenseConfig, patch: number): boolean =>
  sense.frames !== undefined && patch - hasHeader(sense) >= sense.frames * sense.patches.length

/**
 * How many of a row's tokens fit into the context of a model, the one that is only predicted included. A
 * patch takes the place of one token.
 *
 * @param row Tokens, without padding.
 * @param context Places, a positive integer; those of the model unless given.
 */
export function tokensWithin(
  config: GptConfig,
  row: ArrayLike<number>,
  context: number = config?.context,
): number {
  checkArgument('tokensWithin', 'config', config, aConfig)
  checkArgument('tokensWithin', 'row', row, checks.tokens)
  checkArgument('tokensWithin', 'context', context, checks.integer({ from: 1, infinite: true }))
  const { patches } = config
  if (row.length - 1 <= context) return row.length
  const unit = patches && unitsOf(patches, row, row.length - 1).at(context)
  if (patches !== undefined && unit === undefined) return row.length
  // The unit that no longer fits is predicted, and not read.
  const { start, length, at } = unit ?? { start: context, length: 1 }
  return Math.min(row.length, at === undefined ? start + 1 : start + length)
}
