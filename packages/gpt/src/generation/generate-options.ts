/** What a generation may be told. */
import {
  type Check,
  type ChecksOf,
  checks,
  type Device,
  OptionError,
  type ParameterStore,
} from '@burgeon/tensor'
import { type RowAdapters, rowAdapters } from '../adapters/applied-adapter.ts'
import type { GptConfig } from '../config/gpt-config.ts'
import type { GrowthLog } from '../growth/plan/growth-log.ts'
import { placesFrom, startOfEnd } from '../patches/window.ts'
import { aCacheFormat, type CacheFormat } from '../forward/key-value-cache.ts'
import type { Tokenizer } from '../tokenizer/byte-tokenizer.ts'
import { penaltyChecks, type PenaltyOptions } from './sampling/penalties.ts'
import { samplingChecks, type SamplingOptions } from './sampling/sampling.ts'

/** What generation needs of a model; every `Gpt` has it, and every `QuantizedGpt`. */
export interface GenerativeModel {
  readonly config: GptConfig
  readonly device: Device
  readonly parameters: Pick<ParameterStore, 'tensors' | 'size'>
  /** The changes of its size; of one that never grows there is none. */
  readonly growthLog?: GrowthLog
}

/** Text, for which there must be a tokenizer, or tokens. */
export type Prompt = string | ArrayLike<number>

/**
 * Has its say before penalties, allowed tokens and sampling.
 *
 * @param logits As the model gives them, `[V]`, finite. To be left as they are.
 * @param text Tokens of the prompt and of what was written after it, those of a draft included.
 * @param row Which prompt of a batch it is.
 * @returns The logits that count, `[V]`: the same, or others. −Infinity masks a token.
 */
export type LogitsProcessor = (
  logits: ArrayLike<number>,
  text: readonly number[],
  row: number,
) => ArrayLike<number>

/** Changes the text of a row as it comes, before anybody sees it. */
export interface TextFilter {
  /** Takes what has become certain of the text; returns what may be seen of it by now. */
  push(text: string): string
  /** The rest: nothing comes any more. Called again it returns nothing. */
  end(): string
}

/** How much to write, and how to choose. */
export interface GenerateOptions extends SamplingOptions, PenaltyOptions {
  /** Tokens to write at most, ≥ 0. */
  readonly tokens: number
  /** Same seed, same text; 0 unless given. Row i of a batch draws as a prompt alone with seed + i. */
  readonly seed?: number
  /** Makes tokens of text and text of tokens. A token that it does not know is never written. */
  readonly tokenizer?: Tokenizer
  /** Tokens that end a row; they are not written. */
  readonly stopTokens?: readonly number[]
  /** Texts that end a row, and are not part of its text; they want a tokenizer. */
  readonly stopTexts?: readonly string[]
  /**
   * Makes the model's own log-probability of every token part of what comes, in nats, and those of so many of
   * the likeliest tokens, ≥ 0. They are of the logits as the model gives them, before anything here changes
   * them.
   */
  readonly logProbabilities?: number
  /**
   * Returns the tokens of which the next may be one, after those that the row has written, or undefined where
   * it may be any. A row ends where it may be none.
   */
  readonly allowedTokens?: (written: readonly number[], row: number) => Iterable<number> | undefined
  /**
   * Changes the logits of each next token before all else, such as `recallWhileWriting` of
   * `@burgeon/continual` does. Log-probabilities are of the model's own.
   */
  readonly logitsProcessor?: LogitsProcessor
  /**
   * Makes the filter of each row: what comes, and `text` of the whole, is what it lets pass. Tokens stay as
   * they were drawn. Wants a tokenizer.
   */
  readonly textFilter?: (row: number) => TextFilter
  /**
   * What happens when a row has filled the context: it ends (`stop`), goes on with the second half of what it
   * has (`slide`, unless given), or ContextFullError is thrown (`error`).
   */
  readonly onContextFull?: 'stop' | 'slide' | 'error'
  /**
   * Which weights are read. `snapshot`, unless given: those of the first token, whatever the model learns
   * meanwhile; they share memory with the model's until it changes them. `live`: those that the model has by
   * then. What was read is remembered as it was understood then, through learning and exact growth, after
   * which a text goes on as if nothing had happened; new heads find nothing in it. After other growth, and
   * where one is taken back, it is read once more.
   */
  readonly weights?: 'snapshot' | 'live'
  /**
   * What keys and values of the tokens read are rounded to while they are remembered: `f32` (unless given)
   * not at all, `f16` for half of that memory, `int8` for little more than a quarter.
   */
  readonly cacheFormat?: CacheFormat
  /** Ends every row when it is aborted; what was written stays. */
  readonly signal?: AbortSignal
  /**
   * A model with the same vocabulary, smaller and faster, such as an ancestor of this one. It drafts tokens
   * of which this one reads several at a time (Leviathan et al. 2023). Greedy text stays the same, and drawn
   * text comes from the same distribution.
   */
  readonly draft?: GenerativeModel
  /** Tokens that are drafted at a time, positive; 4 unless given. */
  readonly draftTokens?: number
  /**
   * Low-rank adapters beside the model: one for all rows, or one for each, null where a row is written by the
   * model alone. A draft goes without.
   */
  readonly adapters?: RowAdapters
}

/** Check of a model that writes. */
export const modelCheck: Check<GenerativeModel> = checks.role('a Gpt', 'config', 'device', 'parameters')

/** Checks of all options of generation. */
export const generateChecks: ChecksOf<GenerateOptions> = {
  ...samplingChecks,
  ...penaltyChecks,
  tokens: checks.required(checks.integer({ from: 0, infinite: true })),
  seed: checks.seed,
  tokenizer: checks.role<Tokenizer>('a Tokenizer', 'encode', 'decode'),
  stopTokens: checks.list('a list of tokens (integers ≥ 0)', checks.integer({ from: 0 })),
  stopTexts: checks.list('a list of texts of one character or more', {
    ...checks.text,
    accepts: (value): value is string => typeof value === 'string' && value.length > 0,
  }),
  logProbabilities: checks.integer({ from: 0 }),
  allowedTokens: checks.callback(),
  logitsProcessor: checks.callback('a function of logits, the text so far and its row'),
  textFilter: checks.callback('a function that makes the filter of a row'),
  onContextFull: checks.oneOf('stop', 'slide', 'error'),
  weights: checks.oneOf('snapshot', 'live'),
  cacheFormat: aCacheFormat,
  signal: checks.role<AbortSignal>('an AbortSignal', 'aborted'),
  draft: modelCheck,
  draftTokens: checks.integer({ from: 1 }),
  adapters: rowAdapters,
}

/** The tokens of prompts, checked with what depends on them. */
export function tokensOfPrompts(
  { config }: Pick<GenerativeModel, 'config'>,
  prompts: readonly Prompt[],
  options: GenerateOptions,
): number[][] {
  const {
    tokenizer,
    stopTexts,
    textFilter,
    onContextFull = 'slide',
    draft,
    draftTokens,
    adapters,
    seed = 0,
  } = options
  const last = seed + prompts.length - 1
  if (!Number.isSafeInteger(last)) {
    throw new OptionError(`generate: got seed ${seed} for ${prompts.length} rows; expected a smaller one.`)
  }
  if (Array.isArray(adapters) && adapters.length !== prompts.length) {
    throw new OptionError(
      `generate: got ${adapters.length} adapters for ${prompts.length} rows; expected one for each, null where there is none.`,
    )
  }
  if (stopTexts !== undefined && tokenizer === undefined) {
    throw new OptionError('generate: got stopTexts and no tokenizer; expected one that makes text of tokens.')
  }
  if (textFilter !== undefined && tokenizer === undefined) {
    throw new OptionError(
      'generate: got textFilter and no tokenizer; expected one that makes text of tokens.',
    )
  }
  if (draftTokens !== undefined && draft === undefined) {
    throw new OptionError('generate: got draftTokens and no draft; expected a model that drafts them.')
  }
  if (draft !== undefined && draft.config.vocabulary !== config.vocabulary) {
    throw new OptionError(
      `generate: got a draft with ${draft.config.vocabulary} tokens for a model with ${config.vocabulary}; ` +
        'expected the same vocabulary.',
    )
  }
  return prompts.map((prompt) => {
    const tokens = Array.from(typeof prompt === 'string' ? encoded(prompt, tokenizer) : prompt)
    if (tokens.length === 0) {
      throw new OptionError('generate: got an empty prompt; expected at least one token.')
    }
    const places = placesFrom(config, tokens, 0)
    if (onContextFull !== 'slide' && places > config.context) {
      const what = places === tokens.length ? 'tokens' : 'tokens and patches'
      throw new OptionError(
        `generate: got a prompt of ${places} ${what} for a context of ${config.context}; ` +
          "expected one that fits, or onContextFull: 'slide'.",
      )
    }
    if (startOfEnd(config, tokens, config.context) === undefined) {
      throw new OptionError(
        `generate: got a prompt whose last piece takes more places than the context, ${config.context}; expected a shorter piece.`,
      )
    }
    return tokens
  })
}

function encoded(prompt: string, tokenizer: Tokenizer | undefined): ArrayLike<number> {
  if (tokenizer !== undefined) return tokenizer.encode(prompt)
  throw new OptionError('generate: got a prompt of text and no tokenizer; expected one that encodes it.')
}
