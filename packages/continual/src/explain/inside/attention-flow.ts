/** Attention, head by head, and how it flows from the answer down to what was read. */
import type { BlockConfig } from '@burgeon/gpt'
import {
  add,
  checkArgument,
  type Device,
  matmul,
  multiply,
  permute,
  repeat,
  reshape,
  scope,
  softmax,
  type Tensor,
} from '@burgeon/tensor'
import { ExplanationError } from '../../errors.ts'
import { type Explained, type Reader, readerOf } from '../question/explained.ts'
import {
  askedOf,
  type Question,
  readTokens,
  type ReadToken,
  textOrTokens,
  type TextOrTokens,
  tokensOf,
  tokensOn,
} from '../question/question.ts'

/** What one head attends to. Plain data. */
export interface HeadAttention {
  readonly block: string
  /** Number of the head, from 0. */
  readonly head: number
  /** From each token to each before it and to itself, `[T, T]`, row after row; each row sums to 1. */
  readonly weights: Float32Array
}

/** A token that was read, and its share. Plain data. */
export interface FlowToken extends ReadToken {
  /** From 0 to 1; the shares of all sum to 1. */
  readonly share: number
}

/** Where the attention of an answer comes to rest. Plain data. */
export interface AttentionFlow {
  readonly tokens: readonly FlowToken[]
  /** |Σ shares − 1|. */
  readonly gap: number
}

/** Largest gap: rounding of as many products as there are blocks. */
const maxGap = 1e-4

/**
 * What every head of every block attends to while a text is read: the softmax of the scores of its
 * queries and keys as they meet.
 *
 * @param text At most as many tokens as the context holds.
 * @throws OptionError for an empty or too long text.
 */
export async function attentionPatterns(explained: Explained, text: TextOrTokens): Promise<HeadAttention[]> {
  const who = 'attentionPatterns'
  const reader = readerOf(who, explained)
  checkArgument(who, 'text', text, textOrTokens)
  return patternsOf(reader, tokensOf(who, reader, 'text', text))
}

async function patternsOf(reader: Reader, read: Int32Array): Promise<HeadAttention[]> {
  const { blocks } = reader.model.config
  const found = scope(() => {
    const seen = new Map<string, Tensor>()
    reader.logits(tokensOn(reader, { read }), {
      observe: (block, what, x) => {
        if (what === 'query' || what === 'key') seen.set(`${block} ${what}`, x)
      },
    })
    return blocks.map((block) =>
      weightsOf(block, seen.get(`${block.id} query`) as Tensor, seen.get(`${block.id} key`) as Tensor),
    )
  })
  const all: HeadAttention[] = []
  for (const [i, tensor] of found.entries()) {
    using own = tensor
    const [numbers, size] = [Float32Array.from(await own.read()), read.length ** 2]
    for (let head = 0; head < blocks[i].heads; head++) {
      all.push({ block: blocks[i].id, head, weights: numbers.slice(head * size, (head + 1) * size) })
    }
  }
  return all
}

/** The attention weights of a block, `[H, T, T]`. */
function weightsOf(
  { heads: H, kvHeads: G, headDim: D, scoreWidth = D, window }: BlockConfig,
  query: Tensor,
  key: Tensor,
): Tensor {
  const T = query.shape[1]
  const byHead = (x: Tensor, N: number): Tensor => permute(reshape(x, [T, N, D]), [1, 0, 2]) // [N, T, D]
  const scores = matmul(byHead(query, H), repeat(byHead(key, G), H / G), { transposeB: true })
  return softmax(add(multiply(scores, 1 / Math.sqrt(scoreWidth)), unseen(query.device, T, window)))
}

/** Far below 0 where a query sees no key, `[T, T]`. */
function unseen(device: Device, T: number, window: number = T): Tensor {
  const values = Float32Array.from({ length: T * T }, (_, i) => {
    const distance = Math.floor(i / T) - (i % T)
    return distance >= 0 && distance < window ? 0 : -1e30
  })
  return device.tensor(values, { shape: [T, T], dtype: 'f32' }, 'explain')
}

/**
 * Attention rollout (Abnar & Zuidema 2020, section 3): the mean attention of each block, half of it and half
 * the residual stream, multiplied from the top to the bottom; of the places that predict the answer, on
 * average. Attention says where a model looks and not what it makes of that: `integratedGradients` and
 * `patch` do.
 *
 * @throws OptionError for a question that cannot be asked.
 */
export async function attentionFlow(explained: Explained, question: Question): Promise<AttentionFlow> {
  const who = 'attentionFlow'
  const reader = readerOf(who, explained)
  const asked = askedOf(who, reader, question)
  const T = asked.read.length
  const patterns = await patternsOf(reader, asked.read)
  let flow = new Float64Array(T)
  for (let t = asked.from; t < T; t++) flow[t] = 1 / asked.answer.length
  for (const { id, heads } of reader.model.config.blocks.toReversed()) {
    const below = flow.map((share) => share / 2)
    for (const { weights } of patterns.filter(({ block }) => block === id)) {
      for (let t = 0; t < T; t++) {
        if (flow[t] === 0) continue
        for (let s = 0; s <= t; s++) below[s] += (flow[t] * weights[t * T + s]) / (2 * heads)
      }
    }
    flow = below
  }
  const gap = Math.abs(flow.reduce((a, b) => a + b, 0) - 1)
  if (!(gap <= maxGap)) {
    throw new ExplanationError(
      `attentionFlow: the shares sum to 1 but for ${gap}; expected a gap of at most ${maxGap}.`,
    )
  }
  return { tokens: readTokens(reader, asked).map((token, t) => ({ ...token, share: flow[t] })), gap }
}
