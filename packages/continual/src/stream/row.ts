/** One row of a batch by itself: what a rehearsal keeps. */
import { type Batch, batchOfRows, isTokenBatch, joinBatches, padding, rowOf, trimmed } from './batch.ts'
import { type Origin, withOrigins } from './origin.ts'
import { weightsAt, withWeights } from './row-weights.ts'

/** What is known of a row beside its numbers. */
export interface RowSource {
  readonly domain: string
  /** Where it came from; null where nobody said. */
  readonly origin: Origin | null
  /** Weight of each prediction, that of padding included; 1 each unless given. */
  readonly weights?: Float32Array
}

/** A sequence of tokens. */
export interface TokenRow extends RowSource {
  /** Those that are read and predicted; `padding` may follow. */
  readonly tokens: Int32Array
}

/** An example: what is read, and what is to be predicted from it. */
export interface ExampleRow extends RowSource {
  readonly inputs: Float32Array
  readonly targets: Float32Array
}

/** A row of either form. */
export type Row = TokenRow | ExampleRow

/** Copy of a row of a batch, padding included. */
export function rowAt(batch: Batch, index: number): Row {
  const weights = weightsAt(batch, index)
  const source = {
    ...{ domain: batch.domains[index], origin: batch.origins?.[index] ?? null },
    ...(weights && { weights }),
  }
  if (isTokenBatch(batch)) return { tokens: rowOf(batch, index), ...source }
  const own = (numbers: Float32Array): Float32Array => {
    const each = numbers.length / batch.rows
    return numbers.slice(index * each, (index + 1) * each)
  }
  return { inputs: own(batch.inputs), targets: own(batch.targets), ...source }
}

/** The row without the padding at its end. */
export function withoutPadding(row: Row): Row {
  if (!isTokenRow(row)) return row
  const tokens = trimmed(row.tokens)
  const { weights } = row
  return { ...row, tokens, ...(weights && { weights: weights.slice(0, tokens.length - 1) }) }
}

/** Whether a row is one of tokens. */
export const isTokenRow = (row: Row): row is TokenRow => 'tokens' in row

/**
 * The batch of some rows of one form, one at least; the shorter ones of tokens are padded at their end.
 *
 * @throws OptionError as `joinBatches`.
 */
export const batchFromRows = (rows: readonly Row[]): Batch => joinBatches(rows.map(alone))

function alone(row: Row): Batch {
  const { domain, origin, weights = null } = row
  if (isTokenRow(row)) {
    return batchOfRows([row.tokens], [domain], row.tokens.length - 1, [origin], [weights])
  }
  const { inputs, targets } = row
  const also = { ...withOrigins([origin]), ...withWeights([weights], 1) }
  return { rows: 1, inputs, targets, domains: [domain], ...also }
}

/**
 * The row in the tokens that there are now (see `Part.recode`), and its weights with it; an example stays as
 * it is.
 */
export function recoded(row: Row, encoded: (tokens: Int32Array) => Int32Array): Row {
  if (!isTokenRow(row)) return row
  const { tokens, weights } = row
  return weights === undefined
    ? { ...row, tokens: encoded(tokens) }
    : { ...row, ...encodedByWeight({ tokens, weights }, encoded) }
}

type WeightedTokens = Required<Pick<TokenRow, 'tokens' | 'weights'>>

/**
 * The row in other tokens, as long as it was. Predictions of equal weight that follow each other are encoded
 * together, and no others: so no token stands for bytes of two weights.
 *
 * @param encoded As of `Part.recode`: the first token, which is only read, has one in its place.
 */
function encodedByWeight(
  { tokens, weights }: WeightedTokens,
  encoded: (row: Int32Array) => Int32Array,
): WeightedTokens {
  const own = trimmed(tokens)
  const result = { tokens: tokens.slice().fill(padding), weights: weights.slice().fill(1) }
  let end = 0
  for (let from = 1; from < own.length; ) {
    const weight = weights[from - 1]
    let to = from + 1
    while (to < own.length && weights[to - 1] === weight) to++
    const run = trimmed(encoded(own.slice(from - 1, to)))
    if (end === 0) result.tokens[end++] = run[0]
    result.tokens.set(run.subarray(1), end)
    result.weights.fill(weight, end - 1, end + run.length - 2)
    end += run.length - 1
    from = to
  }
  return result
}
