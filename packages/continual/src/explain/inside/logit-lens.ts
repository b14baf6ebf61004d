/** Logit lens: what the model would say if it ended after each block. */
import { readout } from '@burgeon/gpt'
import { checkOptions, checks, logSoftmax, scope, type Tensor } from '@burgeon/tensor'
import { type Explained, readerOf } from '../question/explained.ts'
import { askedOf, type Question, rowsOfAnswer, textOf, tokensOn } from '../question/question.ts'

/** How much is told. */
export interface LogitLensOptions {
  /** Likeliest tokens of each layer, from 0. 3 unless given. */
  readonly likeliest?: number
}

/** A token that a layer expects. Plain data. */
export interface ExpectedToken {
  readonly token: number
  readonly text: string
  /** From 0 to 1. */
  readonly probability: number
}

/** What a layer says of the answer. Plain data. */
export interface LensLayer {
  /** Id of the block, or `embed` for the stream below the first. */
  readonly block: string
  /** Log-probability of the answer, in nats: the sum over its tokens, each after those before it. */
  readonly logProbability: number
  /** How many tokens the layer expects more than each of the answer: 0 for the likeliest. */
  readonly ranks: readonly number[]
  /** What it expects most where the answer begins, the likeliest first. */
  readonly likeliest: readonly ExpectedToken[]
}

/**
 * Reads the residual stream below the first block and above each as the head would (nostalgebraist 2020), the
 * final norm computed for each: the last layer says what the model says.
 *
 * @throws OptionError for a question that cannot be asked.
 */
export async function logitLens(
  explained: Explained,
  question: Question,
  options: LogitLensOptions = {},
): Promise<LensLayer[]> {
  const who = 'logitLens'
  const reader = readerOf(who, explained)
  const asked = askedOf(who, reader, question)
  checkOptions(who, options, { likeliest: checks.count })
  const { likeliest = 3 } = options
  const { model, tokenizer } = reader
  const layers = scope(() => {
    const streams: (readonly [string, Tensor])[] = []
    reader.logits(tokensOn(reader, asked), {
      observe: (block, what, x) => {
        if (what === 'embedded' || what === 'output') streams.push([block, rowsOfAnswer(asked, x)])
      },
    })
    const w = model.parameters.tensors()
    return streams.map(([block, x]) => ({ block, logits: logSoftmax(readout(model.config, w, x)) }))
  })
  const told: LensLayer[] = []
  for (const { block, logits } of layers) {
    using own = logits
    const [all, V] = [await own.read(), own.shape[1]]
    const rowAt = (a: number): number[] => Array.from({ length: V }, (_, v) => all[a * V + v])
    const first = rowAt(0)
    const order = first.map((_, token) => token).toSorted((a, b) => first[b] - first[a])
    told.push({
      block,
      logProbability: asked.answer.reduce((total, token, a) => total + all[a * V + token], 0),
      ranks: Array.from(asked.answer, (token, a) => {
        const row = rowAt(a)
        return row.filter((value) => value > row[token]).length
      }),
      likeliest: order.slice(0, likeliest).map((token) => ({
        token,
        text: textOf(tokenizer, token),
        probability: Math.exp(first[token]),
      })),
    })
  }
  return told
}
