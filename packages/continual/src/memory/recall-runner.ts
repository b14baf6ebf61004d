/** Has a recall read and remember what a GPT learns, in the tokens that there are then. */
import type { Gpt, GrowingTokenizer } from '@burgeon/gpt'
import type { StepContext } from '../journal/step-context.ts'
import type { Recall } from './recall.ts'
import { type Spelling, spellingOf } from './spelling.ts'
import { textsOf } from './texts-of.ts'
import { isTokenBatch } from '../stream/batch.ts'

/** A recall beside a model. */
export interface RecallRunner {
  readonly recall: Recall
  /** The tokens that there are now. */
  spelling(): Spelling
  /** Remembers the new rows of a step. Returns how many nats less they cost with it, all together. */
  remember(context: StepContext): number
}

/** @param tokenizer Every token is a byte unless given. */
export function recallRunner(
  recall: Recall,
  model: Gpt,
  tokenizer: GrowingTokenizer | undefined,
): RecallRunner {
  let known: Spelling | undefined
  const spelling = (): Spelling => {
    const size = model.config.vocabulary
    if (known?.vocabulary !== size) known = spellingOf(size, tokenizer)
    return known
  }
  return {
    recall,
    spelling,
    remember({ fresh, tokenLosses }) {
      const texts = isTokenBatch(fresh) ? textsOf(fresh, tokenLosses) : []
      const mixed = recall.remember(texts, spelling())
      return texts.reduce((total, { losses }, i) => total + sumOf(losses) - sumOf(mixed[i]), 0)
    },
  }
}

const sumOf = (numbers: ArrayLike<number>): number => Array.from(numbers).reduce((a, b) => a + b, 0)
