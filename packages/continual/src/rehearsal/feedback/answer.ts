/** Answer: what a model wrote, with all that later feedback needs to know of it. */
import { aGrowingTokenizer, BytePairTokenizer, type GrowingTokenizer } from '@burgeon/gpt'
import { type Check, checkArgument, checks, OptionError } from '@burgeon/tensor'

/** What was written after a prompt. Plain data: feedback may come days later. */
export interface Answer {
  /** Tokens of the prompt, one at least. */
  readonly prompt: readonly number[]
  /** Tokens that were written, one at least. */
  readonly tokens: readonly number[]
  readonly text: string
  /**
   * Log-probability of the tokens by the model that wrote them, in nats; null where nobody noted it, and then
   * feedback goes by that of the model which first learns from it.
   */
  readonly logProbability: number | null
}

const someTokens = checks.each('tokens', checks.integer({ from: 0, to: 2 ** 31 - 1 }))

/** An object of this form. */
export const anAnswer: Check<Answer> = {
  expected: 'an answer: { prompt, tokens, text, logProbability }, with a token or more of prompt and answer',
  accepts: (value): value is Answer => {
    if (typeof value !== 'object' || value === null) return false
    const { prompt, tokens, text, logProbability } = value as Partial<Record<keyof Answer, unknown>>
    return (
      someTokens.accepts(prompt) &&
      prompt.length > 0 &&
      someTokens.accepts(tokens) &&
      tokens.length > 0 &&
      checks.text.accepts(text) &&
      (logProbability === null || checks.number({ to: 0 }).accepts(logProbability))
    )
  },
}

/** A tokenizer without merges. */
const bytePairs = new BytePairTokenizer()

/**
 * An answer that is known as text alone.
 *
 * @param tokenizer Every token is a byte unless given.
 * @throws OptionError for an empty prompt or answer.
 */
export function answerFromText(
  prompt: string,
  text: string,
  tokenizer: GrowingTokenizer = bytePairs,
): Answer {
  checkArgument('answerFromText', 'prompt', prompt, checks.text)
  checkArgument('answerFromText', 'text', text, checks.text)
  checkArgument('answerFromText', 'tokenizer', tokenizer, aGrowingTokenizer)
  const [read, written] = [tokenizer.encode(prompt), tokenizer.encode(text)]
  if (read.length === 0 || written.length === 0) {
    throw new OptionError(
      `answerFromText: got ${read.length === 0 ? 'an empty prompt' : 'an empty text'}; expected a byte or more of both.`,
    )
  }
  return { prompt: [...read], tokens: [...written], text, logProbability: null }
}
