/** Direct logit attribution: how much each writer into the residual stream adds to the score of an answer. */
import { type BlockConfig, partialReadout } from '@burgeon/gpt'
import {
  concatenate,
  matmul,
  reshape,
  scope,
  slice,
  subtract,
  sum,
  type Tensor,
  type TensorsByPath,
  tensorsIn,
  tile,
} from '@burgeon/tensor'
import { ExplanationError } from '../../errors.ts'
import { type Explained, readerOf } from '../question/explained.ts'
import { askedOf, type Question, rowsOfAnswer, scoresOf, tokensOn } from '../question/question.ts'

/** What writes into the residual stream. Plain data. */
export interface Writer {
  /** Id of the block; `embed` for the embeddings, `head` for what the head itself adds. */
  readonly block: string
  /**
   * `embedding` of tokens and places, an attention `head`, the `attention` beside its heads (the bias of its
   * output, and what adapters add to it), the `mlp`; and the `bias` of the final norm and the head.
   */
  readonly part: 'embedding' | 'head' | 'attention' | 'mlp' | 'bias'
  /** Number of the head, from 0. */
  readonly head?: number
  /** What it adds to the score, in logits. */
  readonly logits: number
}

/** The score of an answer, writer by writer. Plain data. */
export interface DirectLogits {
  /** From the bottom to the top. */
  readonly writers: readonly Writer[]
  /** Score of the answer, in logits (see `Question`). */
  readonly score: number
  /** |Σ writers − score|, in logits. */
  readonly gap: number
}

/** Largest gap, as a share of the sum of all absolute logits: rounding. */
const maxGap = 1e-5

/**
 * The score as a sum over all that write into the residual stream, with the divisor of the final norm held at
 * what it is (Elhage et al. 2021, "direct logit attribution"): what each adds by itself, not by what others
 * make of it.
 *
 * @throws OptionError for a question that cannot be asked; ExplanationError if the writers do not sum to the
 *   score.
 */
export async function directLogits(explained: Explained, question: Question): Promise<DirectLogits> {
  const who = 'directLogits'
  const reader = readerOf(who, explained)
  const asked = askedOf(who, reader, question)
  const { config, parameters } = reader.model
  const found = scope(() => {
    const seen = new Map<string, Tensor>()
    const w = parameters.tensors()
    const logits = reader.logits(tokensOn(reader, asked), {
      observe: (block, what, x) => {
        const rows = x.shape.length === 4 ? reshape(x, [x.shape[1], x.size / x.shape[1]]) : x
        if (what !== 'query' && what !== 'key' && what !== 'value') {
          seen.set(`${block} ${what}`, rowsOfAnswer(asked, rows))
        }
      },
    })
    const of = (block: string, what: string): Tensor => seen.get(`${block} ${what}`) as Tensor
    const parts: (readonly [Omit<Writer, 'logits'>, Tensor])[] = [
      [{ block: 'embed', part: 'embedding' }, of('embed', 'embedded')],
    ]
    for (const block of config.blocks) {
      const { id } = block
      const heads = headParts(w, block, of(id, 'headOutput'), config.embed)
      heads.forEach((part, head) => parts.push([{ block: id, part: 'head', head }, part]))
      const beside = heads.reduce((left, part) => subtract(left, part), of(id, 'attended'))
      parts.push([{ block: id, part: 'attention' }, beside])
      parts.push([{ block: id, part: 'mlp' }, of(id, 'mlpOutput')])
    }
    const last = config.blocks.at(-1)
    const whole = last === undefined ? of('embed', 'embedded') : of(last.id, 'output')
    const shares = partialReadout(
      config,
      w,
      tile(whole, [parts.length, 1]),
      concatenate(parts.map(([, part]) => part)),
    )
    return {
      writers: parts.map(([writer]) => writer),
      scores: scoresOf(asked, shares),
      own: scoresOf(asked, rowsOfAnswer(asked, logits)),
      unbiased: sum(scoresOf(asked, partialReadout(config, w, whole, whole))),
    }
  })
  try {
    const [scores, [score], [unbiased]] = [
      await found.scores.read(),
      await found.own.read(),
      await found.unbiased.read(),
    ]
    const writers: Writer[] = [
      ...found.writers.map((writer, i) => ({ ...writer, logits: scores[i] })),
      { block: 'head', part: 'bias', logits: score - unbiased },
    ]
    const total = writers.reduce((a, { logits }) => a + logits, 0)
    const size = writers.reduce((a, { logits }) => a + Math.abs(logits), 0)
    const gap = Math.abs(total - score)
    if (!(gap <= maxGap * size)) {
      throw new ExplanationError(
        `directLogits: the writers sum to ${total} logits and the score is ${score}; expected a gap of at most ${maxGap * size}.`,
      )
    }
    return { writers, score, gap }
  } finally {
    for (const tensor of tensorsIn([found.scores, found.own, found.unbiased])) tensor.dispose()
  }
}

/** What each head writes, `[A, C]`, from what it reads out, `[A, H·D]`. */
function headParts(
  w: TensorsByPath,
  { id, heads: H, headDim: D }: BlockConfig,
  outputs: Tensor,
  C: number,
): Tensor[] {
  const A = outputs.shape[0]
  const matrix = reshape(w[`blocks.${id}.attention.output.weight`], [H * D, C])
  return Array.from({ length: H }, (_, h) =>
    matmul(slice(outputs, [0, h * D], [A, (h + 1) * D]), slice(matrix, [h * D], [(h + 1) * D])),
  )
}
