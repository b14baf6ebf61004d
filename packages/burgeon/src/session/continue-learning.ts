/** Goes on learning from weights that were trained elsewhere. */
import { type TokenBatch, Learner, writeOwnText } from '@burgeon/continual'
import {
  aGrowingTokenizer,
  BytePairTokenizer,
  Gpt,
  type GrowingTokenizer,
  PretrainedTokenizer,
} from '@burgeon/gpt'
import { checkArgument, checkOptions, type ChecksOf, checks, OptionError } from '@burgeon/tensor'
import { partsOf } from './life/build-learner.ts'
import { changeChecks, leastRecall, type LifeSettings } from './life/life-settings.ts'
import { aHeldPolicy, type HeldPolicy } from '../models/held-policy.ts'
import type { GuardSettings } from './guard/guard-settings.ts'
import { beginOf } from './source/text-batches.ts'

/** How a model goes on. */
export interface ContinueOptions {
  /** What makes tokens of text for the model; every token is a byte unless given. */
  readonly tokenizer?: GrowingTokenizer
  /** Rows of the model's own text that are rehearsed; 128 unless given, 0 rehearses none. */
  readonly ownText?: number
  /** EWC's λ: how much it costs to move weights that the model's own text calls important; 0 unless given. */
  readonly protection?: number
  /** 3e-4 unless given. */
  readonly learningRate?: number
  /** Max parameters the model may grow to; half as many again as it has unless given. */
  readonly maxParameters?: number
  /** Max tokens the vocabulary may grow to; it does not grow unless given. */
  readonly vocabulary?: number
  /** Steps over which a plateau is looked for, to grow then, 8 to 2,000; 200 unless given, 0 never grows. */
  readonly plateau?: number
  /** Predictions of a row, of a batch in a stream and of own text; the context unless given, or 256. */
  readonly rowTokens?: number
  /** Bytes that recall takes beside the weights, ≥ 2^18; nothing is recalled unless given. */
  readonly recall?: number
  /** Steps from one sleep to the next, ≥ 1; it never sleeps by itself unless given. */
  readonly sleepEvery?: number
  /** How often sets of tokens are to hold what comes, in (0, 1); no account is kept unless given. */
  readonly coverage?: number
  /** Decay of the average of weights that answers, in [0, 1); the weights as they are answer unless given. */
  readonly average?: number
  /** Guards by name, with their options: what may be learnt at all. Everything is learnt unless given. */
  readonly guard?: GuardSettings
  /** What it may learn, say and grow (`heldPolicy`). Everything unless given. */
  readonly policy?: HeldPolicy
  /** 0 unless given. */
  readonly seed?: number
  /** Ends the writing of own text. */
  readonly signal?: AbortSignal
  /** Is called and awaited while own text is written, with the rows there are. */
  readonly onProgress?: (rows: number) => unknown
}

/** Rows by which importance is judged. */
const judgedRows = 32

/** Most rows of own text that are written unless more are asked for; and predictions of a row. */
const [usualRows, usualLength] = [128, 256]

const optionChecks: ChecksOf<ContinueOptions> = {
  tokenizer: aGrowingTokenizer,
  ownText: checks.integer({ from: 0 }),
  protection: checks.number({ from: 0 }),
  learningRate: checks.number({ from: 0 }),
  maxParameters: checks.number({ from: 0, infinite: true }),
  vocabulary: checks.integer({ from: 1 }),
  plateau: checks.integer({ from: 0 }),
  rowTokens: checks.integer({ from: 1 }),
  recall: checks.integer({ from: leastRecall }),
  sleepEvery: checks.integer({ from: 1 }),
  coverage: checks.number({ above: 0, below: 1 }),
  average: checks.number({ from: 0, below: 1 }),
  guard: changeChecks.guard,
  policy: aHeldPolicy,
  seed: checks.seed,
  signal: checks.role<AbortSignal>('an AbortSignal', 'aborted'),
  onProgress: checks.callback(),
}

/**
 * A learner that goes on from a model's weights, with the strategy of `burgeon learn`: a reservoir of what it
 * learns, feedback on its answers beside that, drift detection, growth where the loss no longer falls. There are none of the data that the model
 * was trained on; it writes text of its own before it learns anything, and rehearses that (Robins 1995).
 *
 * @throws OptionError for options that are none, or a tokenizer that is not the model's.
 * @example
 * ```ts
 * import { openModel } from 'burgeon/session'
 * const { model, tokenizer } = await openModel('models/llama')
 * const learner = await continueLearning(model, { tokenizer })
 * await learner.observe('Text that it has never seen.')
 * ```
 */
export async function continueLearning(model: Gpt, options: ContinueOptions = {}): Promise<Learner> {
  checkArgument('continueLearning', 'model', model, checks.instance('a Gpt', Gpt))
  checkOptions('continueLearning', options, optionChecks)
  return (await begunFrom(model, options)).learner
}

/** The beginning of a life. */
export interface BegunLife {
  readonly settings: LifeSettings
  readonly learner: Learner
  readonly tokenizer: GrowingTokenizer
}

/** As `continueLearning`, with what a checkpoint of the life needs. */
export async function begunFrom(model: Gpt, options: ContinueOptions): Promise<BegunLife> {
  const { tokenizer = new BytePairTokenizer(), ownText = usualRows, protection = 0, seed = 0 } = options
  const { context, vocabulary, embed, blocks } = model.config
  const { rowTokens = Math.min(context, usualLength), signal, onProgress } = options
  if (rowTokens > context) {
    throw new OptionError(
      `continueLearning: got rowTokens ${rowTokens}; expected at most the context of the model, ${context}.`,
    )
  }
  if (tokenizer.vocabulary !== vocabulary) {
    throw new OptionError(
      `continueLearning: got a tokenizer of ${tokenizer.vocabulary} tokens for a model of ${vocabulary}; expected its own.`,
    )
  }
  const [{ heads, mlpHidden }] = blocks
  const settings: LifeSettings = {
    model: { vocabulary, context: rowTokens, embed, heads, layers: blocks.length, mlpHidden },
    seed,
    rows: 2,
    learningRate: options.learningRate ?? 3e-4,
    memoryRows: 2000,
    feedback: 2000,
    rehearsalShare: 1,
    protection,
    plateau: options.plateau ?? 200,
    maxParameters: options.maxParameters ?? Math.ceil(1.5 * model.parameters.size),
    ...(options.vocabulary !== undefined && { vocabulary: options.vocabulary }),
    watchesBytes: true,
    pretrained: true,
    ownText,
    ...(options.recall !== undefined && { recall: options.recall }),
    ...(options.sleepEvery !== undefined && { sleepEvery: options.sleepEvery }),
    ...(options.coverage !== undefined && { coverage: options.coverage }),
    ...(options.average !== undefined && { average: options.average }),
    ...(options.guard !== undefined && { guard: options.guard }),
    ...(options.policy !== undefined && { policy: options.policy }),
  }
  const rows = Math.max(ownText, protection > 0 ? judgedRows : 0)
  const begin = beginOf(tokenizer) ?? endOf(tokenizer)
  const text =
    rows === 0
      ? undefined
      : await writeOwnText(model, {
          ...{ rows, length: rowTokens, seed },
          ...(begin !== undefined && { begin }),
          ...(signal && { signal }),
          ...(onProgress && { onProgress }),
        })
  const parts = partsOf(settings, { tokenizer, ...(text && { text }) })
  const learner = new Learner({ model, ...parts })
  for (const penalty of parts.strategy.penalties ?? []) {
    if (text) penalty.consolidate(model, text.rows > judgedRows ? firstRows(text, judgedRows) : text)
  }
  return { settings, learner, tokenizer }
}

/** GPT-2 and its kin have read `<|endoftext|>` between texts, and so before each. */
function endOf(tokenizer: GrowingTokenizer): number | undefined {
  const end = tokenizer instanceof PretrainedTokenizer ? tokenizer.eosTokenId : null
  return end ?? undefined
}

const firstRows = (batch: TokenBatch, rows: number): TokenBatch => ({
  ...batch,
  rows,
  tokens: batch.tokens.subarray(0, rows * (batch.length + 1)),
  domains: batch.domains.slice(0, rows),
})
