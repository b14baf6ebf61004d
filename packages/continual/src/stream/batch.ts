/** A mini-batch, of token sequences or of labelled examples, as plain data. */
import { type GptConfig, tokensWithin } from '@burgeon/gpt'
import { type Check, checkArgument, checks, OptionError, shown } from '@burgeon/tensor'
import { joinArrays } from './join-arrays.ts'
import { type Origins, originsOf, withOrigins } from './origin.ts'
import { type RowWeights, weightsOf, withWeights } from './row-weights.ts'

/** Token at the end of a row whose sequence is shorter: never predicted, never counted. */
export const padding = -1

/**
 * Rows of `length + 1` tokens: a model reads the first `length` of a row and predicts the last `length`.
 */
export interface TokenBatch {
  /** Number of rows, B. */
  readonly rows: number
  /** Predictions per row, T. */
  readonly length: number
  /** `B · (T + 1)` tokens; `padding` fills the end of a short row. */
  readonly tokens: Int32Array
  /** Domain of each row, one name per row. */
  readonly domains: readonly string[]
  /** Origin of each row, where it is known; null for a row that has none. None unless given. */
  readonly origins?: Origins
  /**
   * Weight of each prediction in what is learnt, `[B·T]` row after row, finite and of either sign: the loss
   * is Σ w·ℓ divided by the number of predictions that count, also those of weight 0. What stands for padding
   * counts for nothing. 1 each unless given. The prequential loss leaves weights out.
   */
  readonly weights?: Float32Array
  /**
   * Whether the rows are one text, each beginning with the last token of the one before. False unless given.
   */
  readonly isContinuous?: boolean
}

/** Rows of numbers that a model reads, and of those that it is to predict from them. */
export interface ExampleBatch {
  /** Number of rows, B. */
  readonly rows: number
  /** `B × features` numbers, row after row. */
  readonly inputs: Float32Array
  /** `B × outputs` numbers, row after row; for a classifier the number of a class for each row, from 0. */
  readonly targets: Float32Array
  /** Domain of each row, one name per row. */
  readonly domains: readonly string[]
  /** Origin of each row, where it is known; null for a row that has none. None unless given. */
  readonly origins?: Origins
  /** Weight of each row in what is learnt, `[B]`, as in a `TokenBatch`. 1 each unless given. */
  readonly weights?: Float32Array
}

/** Rows of either form, each with its domain. */
export type Batch = TokenBatch | ExampleBatch

/**
 * An object of this form; whether its numbers fit together, and the model, is looked at when it is learnt.
 */
export const aTokenBatch: Check<TokenBatch> = checks.role('a batch', 'rows', 'length', 'tokens', 'domains')

/** An object of this form, as of `aTokenBatch`. */
export const anExampleBatch: Check<ExampleBatch> = checks.role(
  'one of examples',
  ...(['rows', 'inputs', 'targets', 'domains'] as const),
)

/** A batch of either form. */
export const aBatch: Check<Batch> = checks.either(aTokenBatch, anExampleBatch)

/** Whether the rows of a batch are tokens. */
export const isTokenBatch = (batch: Batch): batch is TokenBatch => 'tokens' in batch

/** Predictions of a batch, those of padding included. */
export const predictionsOf = (batch: Batch): number => batch.rows * (isTokenBatch(batch) ? batch.length : 1)

const isExampleBatch = (batch: Batch): batch is ExampleBatch => !isTokenBatch(batch)

/**
 * The rows of several batches of one form, in order. Where some rows of tokens are longer, the others are
 * padded at their end.
 *
 * @throws OptionError for no batch, for batches of both forms, or for examples of several sizes.
 */
export function joinBatches<B extends Batch>(batches: readonly B[]): B
export function joinBatches(batches: readonly Batch[]): Batch {
  checkArgument('joinBatches', 'batches', batches, checks.list('a list of batches', aBatch))
  if (batches.length === 0) throw new OptionError('joinBatches: got no batches; expected one or more.')
  const domains = batches.flatMap((batch) => batch.domains)
  const origins = batches.flatMap(originsOf)
  const weights = batches.flatMap(weightsOf)
  const ofTokens = batches.filter(isTokenBatch)
  if (ofTokens.length < batches.length) {
    return { ...joinExamples(batches), domains, ...withOrigins(origins), ...withWeights(weights, 1) }
  }
  const length = ofTokens.reduce((longest, batch) => Math.max(longest, batch.length), 0)
  return batchOfRows(ofTokens.flatMap(tokenRows), domains, length, origins, weights)
}

function joinExamples(batches: readonly Batch[]): Omit<ExampleBatch, 'domains'> {
  const examples = batches.filter(isExampleBatch)
  const { rows, inputs, targets } = examples[0]
  const isOther = (batch: Batch): boolean =>
    isTokenBatch(batch) ||
    batch.inputs.length * rows !== inputs.length * batch.rows ||
    batch.targets.length * rows !== targets.length * batch.rows
  const other = batches.find(isOther)
  if (other !== undefined) {
    throw new OptionError(
      `joinBatches: got rows of ${sizeOf(examples[0])} and rows of ${sizeOf(other)}; expected rows of one form and size.`,
    )
  }
  return {
    rows: examples.reduce((total, batch) => total + batch.rows, 0),
    inputs: joinArrays(
      Float32Array,
      examples.map((batch) => batch.inputs),
    ),
    targets: joinArrays(
      Float32Array,
      examples.map((batch) => batch.targets),
    ),
  }
}

const sizeOf = (batch: Batch): string =>
  isTokenBatch(batch)
    ? `${batch.length + 1} tokens`
    : `${batch.inputs.length / batch.rows} inputs and ${batch.targets.length / batch.rows} targets`

/**
 * The same rows, of those that are longer than a context the beginning.
 *
 * @param context That of the model unless given.
 */
export function withinContext(
  batch: TokenBatch,
  config: GptConfig,
  context: number = config.context,
): TokenBatch {
  if (batch.length <= context) return batch
  const all = tokenRows(batch)
  const ends = all.map((row) => tokensWithin(config, trimmed(row), context))
  const rows = all.map((row, i) => row.subarray(0, ends[i]))
  const length = Math.max(context, ...ends.map((end) => end - 1))
  return batchOfRows(rows, batch.domains, length, batch.origins, weightsOf(batch))
}

const tokenRows = (batch: TokenBatch): Int32Array[] =>
  Array.from({ length: batch.rows }, (_, row) => rowOf(batch, row))

/** A row without the padding at its end. */
export function trimmed(row: Int32Array): Int32Array {
  let end = row.length
  while (end > 0 && row[end - 1] === padding) end--
  return row.slice(0, end)
}

/** The input of a model, padding included: `B · T` tokens. */
export function readOf({ rows, length, tokens }: TokenBatch): Int32Array {
  return windowOf(rows, length, tokens, 0)
}

/** The targets of a model: `B · T` tokens, negative where nothing is to be predicted. */
export function targetsOf({ rows, length, tokens }: TokenBatch): Int32Array {
  return windowOf(rows, length, tokens, 1)
}

function windowOf(rows: number, length: number, tokens: Int32Array, shift: number): Int32Array {
  const result = new Int32Array(rows * length)
  for (let row = 0; row < rows; row++) {
    for (let t = 0; t < length; t++) result[row * length + t] = tokens[row * (length + 1) + t + shift]
  }
  return result
}

/** Row `index` alone: its `length + 1` tokens. */
export function rowOf({ length, tokens }: TokenBatch, index: number): Int32Array {
  return tokens.slice(index * (length + 1), (index + 1) * (length + 1))
}

/**
 * The rows in order in `count` parts, as equal as can be; in as many as there are rows if those are fewer.
 */
export function partsOf<B extends Batch>(batch: B, count: number): B[]
export function partsOf(batch: Batch, count: number): Batch[] {
  const { rows } = batch
  const parts = Math.min(count, rows)
  const border = (i: number): number => Math.floor((i * rows) / parts)
  return Array.from({ length: parts }, (_, i) => rowsBetween(batch, border(i), border(i + 1)))
}

/** The rows from one up to another, which is not among them. Shares the numbers of the batch. */
export function rowsBetween<B extends Batch>(batch: B, from: number, to: number): B
export function rowsBetween(batch: Batch, from: number, to: number): Batch {
  const own = <A extends Int32Array | Float32Array>(numbers: A): A => {
    const each = numbers.length / batch.rows
    return numbers.subarray(from * each, to * each) as A
  }
  const { domains, origins = [], weights } = batch
  const kept = {
    ...{ rows: to - from, domains: domains.slice(from, to) },
    ...withOrigins(origins.slice(from, to)),
    ...(weights && { weights: own(weights) }),
  }
  return isTokenBatch(batch)
    ? { ...kept, length: batch.length, tokens: own(batch.tokens) }
    : { ...kept, inputs: own(batch.inputs), targets: own(batch.targets) }
}

/**
 * A batch of rows of `length + 1` tokens each; shorter ones are padded at their end.
 *
 * @param weights Of each row, for its predictions; null, or no list, where all are 1.
 */
export function batchOfRows(
  rows: readonly Int32Array[],
  domains: readonly string[],
  length: number,
  origins: Origins = [],
  weights: readonly RowWeights[] = [],
): TokenBatch {
  const tokens = new Int32Array(rows.length * (length + 1)).fill(padding)
  rows.forEach((row, i) => tokens.set(row, i * (length + 1)))
  const also = { ...withOrigins(origins), ...withWeights(weights, length) }
  return { rows: rows.length, length, tokens, domains, ...also }
}

/**
 * Cuts a token sequence into rows, each continuing where the one before ended, the last one padded.
 *
 * @param tokens At least two: one to read and one to predict. Integers from 0.
 * @param length Predictions per row, a positive integer.
 * @throws OptionError for others.
 */
export function batchOfTokens(tokens: ArrayLike<number>, length: number, domain: string): TokenBatch {
  checkArgument('batchOfTokens', 'tokens', tokens, checks.numbers)
  checkArgument('batchOfTokens', 'length', length, checks.integer({ from: 1 }))
  checkArgument('batchOfTokens', 'domain', domain, checks.text)
  if (tokens.length < 2) {
    throw new OptionError(
      `batchOfTokens: got ${tokens.length} tokens; expected at least 2, one to read and one to predict.`,
    )
  }
  for (let i = 0; i < tokens.length; i++) {
    if (Number.isInteger(tokens[i]) && tokens[i] >= 0 && tokens[i] < 2 ** 31) continue
    throw new OptionError(
      `batchOfTokens: got ${shown(tokens[i])} as tokens[${i}]; expected an integer from 0.`,
    )
  }
  const rows = Math.ceil((tokens.length - 1) / length)
  const all = new Int32Array(rows * (length + 1)).fill(padding)
  for (let row = 0; row < rows; row++) {
    for (let t = 0; t <= length && row * length + t < tokens.length; t++) {
      all[row * (length + 1) + t] = tokens[row * length + t]
    }
  }
  return { rows, length, tokens: all, domains: new Array<string>(rows).fill(domain), isContinuous: true }
}
