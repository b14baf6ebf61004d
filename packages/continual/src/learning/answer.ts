/** Answers of a learner: text, with what feedback on it will need. */
import {
  type AppliedAdapter,
  BytePairTokenizer,
  type GenerateOptions,
  type Gpt,
  type GrowingTokenizer,
} from '@burgeon/gpt'
import { checkArgument, checks, OptionError } from '@burgeon/tensor'
import type { Answer } from '../rehearsal/feedback/answer.ts'

export type { Answer }

/** How it is written: as `model.generate` writes. */
export type AnswerOptions = Omit<GenerateOptions, 'tokenizer' | 'logProbabilities' | 'adapters'>

/** What writes. */
interface Writer {
  readonly model: Gpt
  readonly adapter: AppliedAdapter | undefined
  readonly strategy: { readonly vocabulary?: { readonly tokenizer: GrowingTokenizer } }
}

/** A tokenizer without merges. */
const bytePairs = new BytePairTokenizer()

/**
 * Has a model answer.
 *
 * @throws OptionError for an empty prompt, or where nothing is written; and as `model.generate`.
 */
export async function answerOf(
  { model, adapter, strategy }: Writer,
  prompt: string,
  options: AnswerOptions,
): Promise<Answer> {
  checkArgument('Learner: answer', 'prompt', prompt, checks.text)
  const tokenizer = strategy.vocabulary?.tokenizer ?? bytePairs
  const read = tokenizer.encode(prompt)
  if (read.length === 0) {
    throw new OptionError('Learner: answer: got an empty prompt; expected one byte or more.')
  }
  const {
    tokens,
    text = '',
    logProbabilities = [],
  } = await model.generate(prompt, {
    ...options,
    ...{ tokenizer, logProbabilities: 0, ...(adapter && { adapters: adapter }) },
  })
  if (tokens.length === 0) {
    throw new OptionError('Learner: answer: nothing was written; expected options that allow a token.')
  }
  const logProbability = logProbabilities.reduce((sum, { logProbability: own = 0 }) => sum + own, 0)
  return { prompt: [...read], tokens: [...tokens], text, logProbability }
}
