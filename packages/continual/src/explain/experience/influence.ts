/** Influence: which rows that were learnt speak for an answer, by gradients at checkpoints. */
import { valueAndGrad } from '@burgeon/autograd'
import type { GrowingTokenizer } from '@burgeon/gpt'
import {
  add,
  checkArgument,
  checkOptions,
  checks,
  globalNorm,
  multiply,
  OptionError,
  scope,
  sum,
  type Tensor,
  type TensorsByPath,
  tensorsIn,
} from '@burgeon/tensor'
import { ExplanationError } from '../../errors.ts'
import { Learner } from '../../learner.ts'
import { aTokenBatch, rowsBetween, type TokenBatch, withinContext } from '../../stream/batch.ts'
import { batchTensors } from '../../stream/batch-tensors.ts'
import type { Origin } from '../../stream/origin.ts'
import { batchFromRows, recoded, type Row, rowAt } from '../../stream/row.ts'
import { encodedRow, rowInEarlier } from '../../vocabulary/encode-batch.ts'
import { anExplained, type Explained, type Reader, readerOf } from '../question/explained.ts'
import { type Asked, askedOf, type Question } from '../question/question.ts'

/** How many rows are looked at closely. */
export interface InfluenceOptions {
  /**
   * Rows whose own gradients are taken, one by one: those that seem to matter most, ≥ 1. 256 unless given.
   */
  readonly closely?: number
}

/** The influence of a row. Plain data. */
export interface RowInfluence {
  /** Its number in the batch that was given. */
  readonly row: number
  /** Which experience it is; null where nobody said. */
  readonly origin: Origin | null
  readonly domain: string
  /**
   * TracIn: the sum over the checkpoints of ∇loss(question)·∇loss(row). Learning the row at a rate η
   * makes the loss of the answer smaller by η times this, to first order; where it is negative, larger.
   */
  readonly influence: number
  /**
   * The same by the root of both self-influences, from −1 to 1: rows of a large loss lead no list of these.
   */
  readonly score: number
}

/** Which rows speak for an answer. Plain data. */
export interface Influence {
  /** Those looked at closely, the largest scores first. */
  readonly rows: readonly RowInfluence[]
  readonly checkpoints: number
  /**
   * Largest error, on the rows looked at closely and as a share of the product of the norms, of the
   * difference quotient that has chosen them.
   */
  readonly gap: number
}

/** Length of the step along the gradient of the question, as a share of the norm of the weights. */
const step = 2e-4
const longestStep = 1e-2
/** Change of a loss, in nats, that stands out of its rounding. */
const smallestChange = 5e-3
/** Largest error of the difference quotient: what it chooses by would be noise. */
const maxGap = 0.05
/** Tokens that are predicted at a time. */
const atOnce = 2 ** 12

/**
 * TracIn (Pruthi et al. 2020, eq. 1 over checkpoints): the products of the gradient of the answer's loss with
 * those of many rows. For all rows at once they are the change of each row's loss along the gradient of the
 * question, by central differences, one backward pass and two forward passes for a checkpoint. The rows that
 * matter most by that, and by that for their loss, have their gradients taken by themselves, which gives
 * products and norms exactly.
 *
 * @param checkpoints The learner as it was at several times, or as it is.
 * @param rows Of bytes or tokens, all of which one of the checkpoints knows; a learner with a vocabulary
 *   reads them in its own.
 * @throws OptionError for no checkpoint, rows that are no batch, or a question that cannot be asked;
 *   ExplanationError if the difference quotient is far from the products.
 */
export async function influence(
  checkpoints: readonly Explained[],
  question: Question,
  rows: TokenBatch,
  options: InfluenceOptions = {},
): Promise<Influence> {
  const who = 'influence'
  checkArgument(who, 'checkpoints', checkpoints, checks.list('a list of models or learners', anExplained))
  checkArgument(who, 'rows', rows, aTokenBatch)
  checkOptions(who, options, { closely: checks.integer({ from: 1 }) })
  if (checkpoints.length === 0) throw new OptionError(`${who}: got no checkpoints; expected one or more.`)
  const { closely = 256 } = options
  const readers = checkpoints.map((explained) => readerOf(who, explained))
  // What a tokenizer has learnt it knows for good: of one life, the largest has every token.
  const richest = readers.reduce((most, one) =>
    one.tokenizer.vocabulary > most.tokenizer.vocabulary ? one : most,
  )
  const points = checkpoints.map((explained, i) => {
    const reader = readers[i]
    const own = rowsFor(explained, reader, rows, richest.tokenizer)
    return { reader, asked: askedOf(who, reader, question), rows: own }
  })
  const quotients = new Float64Array(rows.rows)
  const losses = new Float64Array(rows.rows)
  for (const point of points) {
    const found = await alongQuestion(point.reader, point.asked, point.rows)
    found.forEach(({ change, loss }, row) => {
      quotients[row] += change
      losses[row] += loss
    })
  }
  const chosen = mostInfluential(quotients, losses, closely)
  const own = new Map(chosen.map((row) => [row, { product: 0, square: 0 }]))
  let questionSquare = 0
  for (const point of points) {
    const direction = scope(() => gradientOf(point.reader, ...questionTensors(point.reader, point.asked)))
    try {
      questionSquare += (await normOf(direction)) ** 2
      for (const [row, sums] of own) {
        const { product, square } = await productsOf(
          point.reader,
          rowsBetween(point.rows, row, row + 1),
          direction,
        )
        sums.product += product
        sums.square += square
      }
    } finally {
      for (const tensor of Object.values(direction)) tensor.dispose()
    }
  }
  const scale = (square: number): number => Math.sqrt(square * questionSquare)
  const share = (value: number, square: number): number => (scale(square) === 0 ? 0 : value / scale(square))
  const told = chosen.map((row): RowInfluence => {
    const { product, square } = own.get(row) as { product: number; square: number }
    const [domain, origin] = [rows.domains[row], rows.origins?.[row] ?? null]
    return { row, origin, domain, influence: product, score: share(product, square) }
  })
  const gap = Math.max(
    ...told.map(({ row, influence: exact }) =>
      Math.abs(share(exact - quotients[row], own.get(row)?.square ?? 0)),
    ),
  )
  if (!(gap <= maxGap)) {
    throw new ExplanationError(
      `influence: the difference quotient is wrong by ${gap} of the norms; expected at most ${maxGap}.`,
    )
  }
  return { rows: told.toSorted((a, b) => b.score - a.score), checkpoints: points.length, gap }
}

/** The rows in the tokens of a checkpoint, and no longer than its context. */
function rowsFor(
  explained: Explained,
  { model, tokenizer }: Reader,
  rows: TokenBatch,
  richest: GrowingTokenizer,
): TokenBatch {
  const hasVocabulary =
    explained instanceof Learner ? explained.strategy.vocabulary !== undefined : 'tokenizer' in explained
  const all = Array.from({ length: rows.rows }, (_, row) => rowAt(rows, row))
  const ofToday = (row: Row): Row => {
    const isKnown = !('tokens' in row) || row.tokens.every((token) => token < tokenizer.vocabulary)
    return isKnown
      ? recoded(row, (tokens) => encodedRow(tokens, tokenizer))
      : { domain: row.domain, origin: row.origin, tokens: rowInEarlier(row.tokens, richest, tokenizer) }
  }
  const own = hasVocabulary ? all.map(ofToday) : all
  const batch = withinContext(batchFromRows(own) as TokenBatch, model.config)
  const strange = batch.tokens.find((token) => token >= model.config.vocabulary)
  if (strange === undefined) return batch
  throw new OptionError(
    `influence: got the token ${strange} in rows; expected less than ${model.config.vocabulary}.`,
  )
}

/** What the question reads, and what it is to predict: the answer alone. */
function questionTensors({ model: { device } }: Reader, { read, answer, from }: Asked): [Tensor, Tensor] {
  const targets = new Int32Array(read.length).fill(-1)
  targets.set(answer, from)
  return [
    device.tensor(read, { shape: [1, read.length], dtype: 'i32' }, 'explain'),
    device.tensor(targets, { shape: [read.length], dtype: 'i32' }, 'explain'),
  ]
}

/** The gradient of the summed loss by the weights that learn. */
function gradientOf(reader: Reader, inputs: Tensor, targets: Tensor): TensorsByPath {
  const loss = (w: TensorsByPath): readonly [Tensor, object] => [sum(reader.losses(inputs, targets, w)), {}]
  return valueAndGrad(loss)(reader.weights).gradient
}

/** Of every row its summed loss, and g·∇loss(row) with g the gradient of the question. */
async function alongQuestion(
  reader: Reader,
  asked: Asked,
  rows: TokenBatch,
): Promise<{ readonly change: number; readonly loss: number }[]> {
  const { weights } = reader
  const gradient = scope(() => gradientOf(reader, ...questionTensors(reader, asked)))
  const [length, size] = [await normOf(gradient), await normOf(weights)]
  if (length === 0) return Array.from({ length: rows.rows }, () => ({ change: 0, loss: 1 }))
  // As far as a loss can be told from its rounding, and no farther than the weights are large.
  const h = Math.min(longestStep * size, Math.max(step * size, smallestChange / length))
  const moved = scope(() => [h, -h].map((distance) => displaced(weights, gradient, distance / length)))
  try {
    const [ahead, behind] = [await rowLosses(reader, moved[0], rows), await rowLosses(reader, moved[1], rows)]
    return Array.from(ahead, (loss, row) => ({
      change: ((loss - behind[row]) / (2 * h)) * length,
      loss: (loss + behind[row]) / 2,
    }))
  } finally {
    for (const tensor of tensorsIn([moved, gradient])) tensor.dispose()
  }
}

const displaced = (weights: TensorsByPath, gradient: TensorsByPath, factor: number): TensorsByPath =>
  Object.fromEntries(
    Object.entries(weights).map(([path, weight]) => [path, add(weight, multiply(gradient[path], factor))]),
  )

async function normOf(tensors: TensorsByPath): Promise<number> {
  using norm = scope(() => globalNorm(Object.values(tensors)))
  return (await norm.read())[0]
}

/** The summed loss of every row. */
async function rowLosses(reader: Reader, weights: TensorsByPath, rows: TokenBatch): Promise<Float64Array> {
  const totals = new Float64Array(rows.rows)
  const each = Math.max(1, Math.floor(atOnce / rows.length))
  for (let from = 0; from < rows.rows; from += each) {
    const part = rowsBetween(rows, from, Math.min(rows.rows, from + each))
    using losses = scope(() => {
      const { inputs, targets } = batchTensors(reader.model.device, part)
      return reader.losses(inputs, targets, weights)
    })
    const values = await losses.read()
    for (let i = 0; i < values.length; i++) totals[from + Math.floor(i / rows.length)] += values[i]
  }
  return totals
}

/** The product of a row's gradient with another, and with itself. */
async function productsOf(
  reader: Reader,
  row: TokenBatch,
  other: TensorsByPath,
): Promise<{ readonly product: number; readonly square: number }> {
  const both = scope(() => {
    const { inputs, targets } = batchTensors(reader.model.device, row)
    const gradient = gradientOf(reader, inputs, targets)
    const product = Object.entries(gradient)
      .map(([path, own]) => sum(multiply(own, other[path])))
      .reduce((a, b) => add(a, b))
    return { product, norm: globalNorm(Object.values(gradient)) }
  })
  using product = both.product
  using norm = both.norm
  return { product: (await product.read())[0], square: (await norm.read())[0] ** 2 }
}

/** Rows by what the quotients say, and by what they say for the loss of the row, in turn. */
function mostInfluential(quotients: Float64Array, losses: Float64Array, count: number): number[] {
  const all = Array.from(quotients.keys())
  const by = (value: (row: number) => number): number[] => all.toSorted((a, b) => value(b) - value(a))
  const [plain, relative] = [
    by((row) => Math.abs(quotients[row])),
    by((row) => Math.abs(quotients[row]) / Math.max(losses[row], 1e-6)),
  ]
  const chosen = new Set<number>()
  for (let i = 0; i < all.length && chosen.size < count; i++) {
    chosen.add(relative[i])
    if (chosen.size < count) chosen.add(plain[i])
  }
  return [...chosen]
}
