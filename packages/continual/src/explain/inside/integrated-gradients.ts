/**
 * Integrated gradients of a language model: how much each token that is read adds to the score of an answer.
 */
import {
  add,
  checkOptions,
  gather,
  mean,
  OptionError,
  reshape,
  scope,
  subtract,
  type Tensor,
} from '@burgeon/tensor'
import { type Explained, type Reader, readerOf } from '../question/explained.ts'
import {
  type Asked,
  askedOf,
  type Question,
  readTokens,
  type ReadToken,
  rowsOfAnswer,
  scoresOf,
  textOrTokens,
  type TextOrTokens,
  tokensOf,
  tokensOn,
} from '../question/question.ts'
import { pathAttributions, pathChecks, type PathOptions } from './path-attributions.ts'

/** How they are taken. */
export interface IntegratedGradientsOptions extends PathOptions {
  /**
   * Text, or tokens, of which nothing is to be said: as many tokens as are read, the answer but for its last
   * token included. Otherwise the mean embedding of all tokens, at every place.
   */
  readonly baseline?: TextOrTokens
}

/** A token that was read, and how much of the score is due to it, in logits. Plain data. */
export interface AttributedToken extends ReadToken {
  readonly attribution: number
}

/** What the score of an answer is due to. Plain data. */
export interface IntegratedGradients {
  readonly tokens: readonly AttributedToken[]
  /** Score of the answer after what was read, in logits (see `Question`). */
  readonly score: number
  /** Score after the baseline. */
  readonly baselineScore: number
  /** |Σ attributions − (score − baselineScore)|, in logits: the error of the integral. */
  readonly gap: number
  /** Points of the path at which gradients were taken. */
  readonly nodes: number
}

/**
 * Integrated gradients on the embeddings (Sundararajan et al. 2017, eq. 1), summed over the channels of a
 * token: how much of the score is due to each token that is read, against a baseline.
 *
 * @throws OptionError for a question that cannot be asked, or a baseline of another length; ExplanationError
 *   if the attributions do not sum to the difference of the scores.
 * @example
 * ```ts
 * const { tokens, gap } = await integratedGradients(model, { prompt: 'Once upon a ', answer: 'time' })
 * console.log(tokens.map(({ text, attribution }) => `${text} ${attribution.toFixed(2)}`), gap)
 * ```
 */
export async function integratedGradients(
  explained: Explained,
  question: Question,
  options: IntegratedGradientsOptions = {},
): Promise<IntegratedGradients> {
  const who = 'integratedGradients'
  const reader = readerOf(who, explained)
  const asked = askedOf(who, reader, question)
  checkOptions(who, options, { ...pathChecks, baseline: textOrTokens })
  const { baseline, ...how } = options
  const { read } = asked
  const other = baseline === undefined ? null : tokensOf(who, reader, 'baseline', baseline)
  if (other !== null && other.length !== read.length) {
    throw new OptionError(
      `${who}: got a baseline of ${other.length} tokens; expected ${read.length}, as many as are read.`,
    )
  }
  const ends = scope(() => {
    const to = streamOf(reader, read)
    return { to, from: other === null ? meanStream(reader, read, to) : streamOf(reader, other) }
  })
  using to = ends.to
  using from = ends.from
  const { values, difference, gap, nodes } = await pathAttributions(
    (x) => scoresFrom(reader, asked, x),
    from,
    to,
    how,
  )
  using ownScore = scope(() => scoresFrom(reader, asked, reshape(to, [1, ...to.shape])))
  const [score] = await ownScore.read()
  const C = values.length / read.length
  const tokens = readTokens(reader, asked).map((token, t) => ({
    ...token,
    attribution: values.subarray(t * C, (t + 1) * C).reduce((a, b) => a + b, 0),
  }))
  return { tokens, score, baselineScore: score - difference, gap, nodes }
}

/** The residual stream below the blocks, `[T, C]`: embeddings of tokens and of their places. */
export function streamOf(reader: Reader, read: Int32Array): Tensor {
  let seen: Tensor | undefined
  reader.logits(tokensOn(reader, { read }), {
    observe: (_, what, x) => {
      if (what === 'embedded') seen = x
    },
  })
  return reshape(seen as Tensor, (seen as Tensor).shape)
}

/** The same with the mean embedding in the place of that of each token, `[T, C]`. */
export function meanStream({ model }: Reader, read: Int32Array, stream: Tensor): Tensor {
  const table = model.parameters.get('embed.token.weight').tensor
  const places = table.device.tensor(read, { shape: [read.length], dtype: 'i32' }, 'explain')
  return add(subtract(stream, gather(table, places)), mean(table, { axes: [0] }))
}

/** The scores `[N]` of streams in the place of those of the tokens that are read, `[N, T, C]`. */
function scoresFrom(reader: Reader, asked: Asked, streams: Tensor): Tensor {
  const [N, T, C] = streams.shape
  const stream = reshape(streams, [N * T, C])
  const logits = reader.logits(tokensOn(reader, asked, N), {
    replace: (_, what) => (what === 'embedded' ? stream : undefined),
  })
  return scoresOf(asked, rowsOfAnswer(asked, logits))
}
