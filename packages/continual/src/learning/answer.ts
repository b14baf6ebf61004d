/** Answers of a learner: text, with what feedback on it will need. */
import {
  type AppliedAdapter,
  BytePairTokenizer,
  type GenerateOptions,
  type Gpt,
  type GrowingTokenizer,
  type LogitsProcessor,
} from '@burgeon/gpt'
import { checkArgument, checks, OptionError } from '@burgeon/tensor'
import type { WeightAverage } from '../averaging/weight-average.ts'
import type { Door } from '../guard/door.ts'
import type { Recall } from '../memory/recall.ts'
import { recallWhileWriting } from '../memory/recall-while-writing.ts'
import type { Recalled } from '../memory/recalled.ts'
import type { Answer } from '../rehearsal/feedback/answer.ts'

/** An answer that a learner wrote. */
export interface WrittenAnswer extends Answer {
  /** The passages that it was written from, in their order. Absent where nothing recalls. */
  readonly recalled?: readonly Recalled[]
}

/** How it is written: as `model.generate` writes. */
export type AnswerOptions = Omit<GenerateOptions, 'tokenizer' | 'logProbabilities' | 'adapters'>

/** What writes. */
interface Writer {
  readonly model: Gpt
  readonly adapter: AppliedAdapter | undefined
  readonly door: Door
  readonly strategy: {
    readonly vocabulary?: { readonly tokenizer: GrowingTokenizer }
    readonly recall?: Recall
    readonly average?: WeightAverage
  }
}

/** A tokenizer without merges. */
const bytePairs = new BytePairTokenizer()

/**
 * Has a model answer, with what comes to mind where there is a recall. The log-probability is the model's
 * own.
 *
 * @throws OptionError for an empty prompt, or where nothing is written; and as `model.generate`.
 */
export async function answerOf(
  { model: learning, adapter, door, strategy }: Writer,
  prompt: string,
  options: AnswerOptions,
): Promise<WrittenAnswer> {
  checkArgument('Learner: answer', 'prompt', prompt, checks.text)
  const model = strategy.average?.modelOf(learning) ?? learning
  const tokenizer = strategy.vocabulary?.tokenizer ?? bytePairs
  const read = tokenizer.encode(prompt)
  if (read.length === 0) {
    throw new OptionError('Learner: answer: got an empty prompt; expected one byte or more.')
  }
  const recalling = strategy.recall && recallWhileWriting(strategy.recall, tokenizer)
  const logitsProcessor = inOrder(recalling?.logitsProcessor, options.logitsProcessor)
  const written = await model.generate(prompt, {
    ...options,
    ...{ tokenizer, logProbabilities: 0, ...(adapter && { adapters: adapter }) },
    ...(logitsProcessor && { logitsProcessor }),
  })
  const { tokens, text = '', logProbabilities = [] } = written
  if (tokens.length === 0) {
    throw new OptionError('Learner: answer: nothing was written; expected options that allow a token.')
  }
  door.noteOwn(text)
  const logProbability = logProbabilities.reduce((sum, { logProbability: own = 0 }) => sum + own, 0)
  return {
    ...{ prompt: [...read], tokens: [...tokens], text, logProbability },
    ...(recalling && { recalled: recalling.recalledIn(0, written) }),
  }
}

/** The second has its say after the first. */
function inOrder(
  first: LogitsProcessor | undefined,
  second: LogitsProcessor | undefined,
): LogitsProcessor | undefined {
  if (first === undefined || second === undefined) return first ?? second
  return (logits, text, row) => second(first(logits, text, row), text, row)
}
