/** Log-probabilities of tokens, in the two forms of OpenAI. */
import type { GeneratedToken, GrowingTokenizer } from '@burgeon/gpt'

/** The form of completions. */
export interface CompletionLogProbs {
  readonly tokens: readonly string[]
  readonly token_logprobs: readonly number[]
  readonly top_logprobs: readonly Readonly<Record<string, number>>[]
  readonly text_offset: readonly number[]
}

/** A token in the form of chats. */
export interface ChatLogProb {
  readonly token: string
  readonly logprob: number
  readonly bytes: readonly number[]
  readonly top_logprobs: readonly Omit<ChatLogProb, 'top_logprobs'>[]
}

/** JSON has no −Infinity; OpenAI says −9999 for what cannot be. */
const finite = (x: number): number => Math.max(x, -9999)

export function completionLogProbs(
  steps: readonly GeneratedToken[],
  tokenizer: GrowingTokenizer,
): CompletionLogProbs {
  const known = steps.filter(isToken)
  const tokens = known.map(({ token }) => tokenizer.decode([token]))
  let at = 0
  return {
    tokens,
    token_logprobs: known.map(({ logProbability = 0 }) => finite(logProbability)),
    top_logprobs: known.map(({ alternatives = [] }) =>
      Object.fromEntries(
        alternatives.map(({ token, logProbability }) => [tokenizer.decode([token]), finite(logProbability)]),
      ),
    ),
    text_offset: tokens.map(({ length }) => (at += length) - length),
  }
}

export function chatLogProbs(steps: readonly GeneratedToken[], tokenizer: GrowingTokenizer): ChatLogProb[] {
  const told = (token: number, logProbability: number): Omit<ChatLogProb, 'top_logprobs'> => ({
    token: tokenizer.decode([token]),
    logprob: finite(logProbability),
    bytes: [...tokenizer.bytesOf(token)],
  })
  return steps.filter(isToken).map(({ token, logProbability = 0, alternatives = [] }) => ({
    ...told(token, logProbability),
    top_logprobs: alternatives.map((one) => told(one.token, one.logProbability)),
  }))
}

const isToken = (step: GeneratedToken): step is GeneratedToken & { readonly token: number } =>
  step.token !== undefined
