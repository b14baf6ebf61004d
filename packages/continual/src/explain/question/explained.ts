/** What is explained: a model by itself, or that of a learner with its adapter and its tokens. */
import {
  aGrowingTokenizer,
  type AppliedAdapter,
  BytePairTokenizer,
  type ForwardOptions,
  Gpt,
  type GrowingTokenizer,
} from '@burgeon/gpt'
import { type Check, checkArgument, checks, fields, type Tensor, type TensorsByPath } from '@burgeon/tensor'
import { Learner } from '../../learner.ts'

/** A GPT and the tokens that it reads. */
export interface TokenizedModel {
  readonly model: Gpt
  readonly tokenizer: GrowingTokenizer
}

/** A GPT, whose tokens are bytes, a GPT with a tokenizer, or a learner of a GPT. */
export type Explained = Gpt | TokenizedModel | Learner

const aTokenizedModel = fields<TokenizedModel>('{ model, tokenizer }', {
  model: checks.instance('a Gpt', Gpt),
  tokenizer: aGrowingTokenizer,
})

/** Any of them. */
export const anExplained: Check<Explained> = checks.either(
  checks.either(checks.instance('a Gpt', Gpt), checks.instance('a Learner', Learner)),
  aTokenizedModel,
)

/** A model that reads tokens, and what they stand for. */
export interface Reader {
  readonly model: Gpt
  readonly tokenizer: GrowingTokenizer
  /**
   * The logits after every token, `[B·T, V]`.
   *
   * @param tokens `i32 [B, T]`.
   */
  logits(tokens: Tensor, options?: Pick<ForwardOptions, 'observe' | 'replace'>): Tensor
  /** The weights that learn: those of the adapter where there is one. */
  readonly weights: TensorsByPath
  /**
   * The loss of every prediction by other weights that learn, in nats, `[B·T]`.
   *
   * @param targets `i32 [B·T]`, negative where nothing is to be predicted.
   */
  losses(tokens: Tensor, targets: Tensor, weights: TensorsByPath): Tensor
}

/** A tokenizer without merges. */
const bytePairs = new BytePairTokenizer()

/** Throws OptionError for what is neither, or a learner of another model than a GPT. */
export function readerOf(who: string, explained: Explained): Reader {
  checkArgument(who, 'explained', explained, anExplained)
  const [model, adapter, tokenizer]: [Gpt, AppliedAdapter | undefined, GrowingTokenizer | undefined] =
    explained instanceof Gpt
      ? [explained, undefined, undefined]
      : explained instanceof Learner
        ? [explained.model, explained.adapter, explained.strategy.vocabulary?.tokenizer]
        : [explained.model, undefined, explained.tokenizer]
  checkArgument(who, 'model', model, checks.instance('a Gpt', Gpt))
  const applied = adapter ? { adapters: adapter } : {}
  const own = { model, tokenizer: tokenizer ?? bytePairs }
  const all = model.parameters.tensors()
  const learns = adapter
    ? {
        weights: adapter.weights,
        losses: (tokens: Tensor, targets: Tensor, weights: TensorsByPath) =>
          model.losses(tokens, targets, all, { adapters: { config: adapter.config, weights } }),
      }
    : {
        weights: all,
        losses: (tokens: Tensor, targets: Tensor, weights: TensorsByPath) =>
          model.losses(tokens, targets, weights),
      }
  return {
    ...own,
    ...learns,
    logits: (tokens, options = {}) => model.forward(tokens, undefined, { ...applied, ...options }),
  }
}
