/**
 * Speculative decoding (Leviathan et al. 2023, algorithm 1): a small model drafts tokens one by one, the
 * large one reads them at once, and keeps as many as leave its own distribution as it is.
 */
import type { RandomStream } from '@burgeon/tensor'
import type { GenerateOptions } from './generate-options.ts'
import type { GeneratedToken, GenerationRow } from './generation-row.ts'
import { type Candidates, chooseToken, drawFrom, probabilitiesOf } from './sampling/sampling.ts'
import type { RowGroup, TokenReader } from './token-reader.ts'

/** A model and what it remembers of one row. */
export interface RowReader {
  readonly reader: TokenReader
  readonly group: RowGroup
}

/** Writes the tokens of the draft that are accepted, and one more, unless the row ends before. */
export async function* speculate(
  row: GenerationRow,
  target: RowReader,
  draft: RowReader,
  options: GenerateOptions,
): AsyncGenerator<GeneratedToken, void, void> {
  const { tokens, draftTokens = 4, temperature } = options
  const { config } = target.reader
  const room = Math.min(config.context, draft.reader.config.context) - row.places(config)
  const count = Math.max(0, Math.min(draftTokens, room, tokens - row.written.length - 1))
  const drafted: number[] = []
  const expected: Candidates[] = []
  while (drafted.length < count) {
    const [logits] = await draft.reader.read([draft.group], drafted)
    const candidates = row.candidates(logits, drafted)
    if (candidates === undefined) break
    drafted.push(chooseToken(candidates, row.random, options))
    expected.push(candidates)
  }
  const logits = await target.reader.readAhead(target.group, drafted)
  row.drafted += drafted.length
  for (let i = 0; i <= drafted.length && row.finish === undefined; i++) {
    const candidates = row.candidates(logits[i])
    if (candidates === undefined) {
      row.finish = 'noToken'
      break
    }
    const V = logits[i].length
    const token =
      i < drafted.length && temperature !== 0
        ? accepted(candidates, expected[i], drafted[i], V, row.random)
        : chooseToken(candidates, row.random, options)
    const isAccepted = token === drafted[i]
    if (isAccepted) row.accepted++
    const step = row.write(token, logits[i], config)
    if (step) yield step
    if (!isAccepted) break
  }
  // What was read of refused tokens is forgotten; the last token is read with what comes next.
  for (const { cache } of [target.group, draft.group]) cache.rewind(row.window - 1)
}

/** The drafted token with probability min(1, p/q), otherwise one by what p has more than q. */
function accepted(
  candidates: Candidates,
  expected: Candidates,
  token: number,
  V: number,
  random: RandomStream,
): number {
  const [p, q] = [probabilitiesOf(candidates, V), probabilitiesOf(expected, V)]
  if (random.uniform() < p[token] / q[token]) return token
  const left = p.map((probability, i) => Math.max(0, probability - q[i]))
  return drawFrom({ tokens: undefined, weights: left }, random)
}
