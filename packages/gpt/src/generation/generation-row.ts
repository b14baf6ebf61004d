/** One text that is being written: what it has, what may come next, and when it ends. */
import { checks, keyFromSeed, NonFiniteError, OptionError, RandomStream, shown } from '@burgeon/tensor'
import type { GptConfig } from '../config/gpt-config.ts'
import { placesFrom, startOfEnd } from '../patches/window.ts'
import type { GenerateOptions, TextFilter } from './generate-options.ts'
import { hasPenalty, penalizeCounted, TokenCounts } from './sampling/penalties.ts'
import { candidatesOf, type Candidates, chooseToken } from './sampling/sampling.ts'
import { TextPieces } from './text-pieces.ts'
import { topTokens } from './sampling/top-tokens.ts'

/** Why a text ended: `aborted` also where nobody took what would have come. */
export type FinishReason = 'tokens' | 'stopToken' | 'stopText' | 'context' | 'noToken' | 'aborted'

/** A token and the logarithm of its probability, in nats. */
export interface TokenLogProbability {
  readonly token: number
  readonly logProbability: number
}

/** A token that was written. */
export interface GeneratedToken {
  /** Which prompt of a batch it belongs to; 0 of a single one. */
  readonly row: number
  /** Undefined where only text comes that was held back, at the end of a row. */
  readonly token: number | undefined
  /** With a tokenizer, the text that has become certain with it. */
  readonly text?: string
  /** If wanted, the model's log-probability of it, in nats. */
  readonly logProbability?: number
  /** If wanted, the likeliest tokens in its place, the likeliest first. */
  readonly alternatives?: readonly TokenLogProbability[]
}

/** A text that was written. */
export interface Generated {
  /** Without the prompt and without a token that ended it. */
  readonly tokens: readonly number[]
  /** With a tokenizer: what the tokens add to the text of the prompt, up to a text that ended it. */
  readonly text?: string
  readonly finish: FinishReason
  /** If wanted, of each token. */
  readonly logProbabilities?: readonly GeneratedToken[]
  /** With a draft: tokens that it drafted, and how many of them were accepted. */
  readonly drafted?: number
  readonly accepted?: number
}

/** A row of a generation. */
export class GenerationRow {
  readonly index: number
  /** Prompt and what was written. */
  readonly text: number[]
  readonly written: number[] = []
  readonly random: RandomStream
  finish: FinishReason | undefined
  drafted = 0
  accepted = 0
  /** Where in `text` the window begins that the model reads. */
  start: number
  readonly #options: GenerateOptions
  readonly #counts: TokenCounts
  readonly #pieces: TextPieces | undefined
  readonly #filter: TextFilter | undefined
  readonly #steps: GeneratedToken[] = []
  #decoded = ''

  constructor(index: number, prompt: readonly number[], config: GptConfig, options: GenerateOptions) {
    this.index = index
    this.text = [...prompt]
    this.start = startOfEnd(config, this.text, config.context) ?? 0
    this.random = new RandomStream(keyFromSeed((options.seed ?? 0) + index)).named('generate')
    this.#options = options
    this.#counts = new TokenCounts(prompt)
    this.#pieces = options.tokenizer && new TextPieces(options.tokenizer, options.stopTexts ?? [], prompt)
    this.#filter = options.textFilter?.(index)
    if (options.tokens === 0) this.finish = 'tokens'
  }

  /** Tokens that the model has to know. */
  get window(): number {
    return this.text.length - this.start
  }

  /** Places of the context that they take. */
  places(config: GptConfig): number {
    return placesFrom(config, this.text, this.start)
  }

  /**
   * What may come next; undefined where nothing may.
   *
   * @param drafted Tokens that would have been written before.
   * @param given As the model gives them.
   * @throws NonFiniteError unless all logits are finite.
   */
  candidates(given: ArrayLike<number>, drafted: readonly number[] = []): Candidates | undefined {
    checkFinite(given)
    const logits = this.#processed(given, drafted)
    const allowed = this.#options.allowedTokens?.([...this.written, ...drafted], this.index)
    const known = this.#known
    const isChanged = allowed !== undefined || hasPenalty(this.#options) || known < logits.length
    if (!isChanged) return candidatesOf(logits, this.#options)
    let changed = Float64Array.from(logits)
    if (hasPenalty(this.#options)) {
      const counts = this.#counts.with(drafted)
      penalizeCounted(changed, counts, this.#options)
    }
    changed.fill(-Infinity, known)
    if (allowed !== undefined) {
      checkIterable(allowed)
      const penalized = changed
      changed = new Float64Array(logits.length).fill(-Infinity)
      let isEmpty = true
      for (const token of allowed) {
        checkAllowed(token, logits.length)
        changed[token] = penalized[token]
        isEmpty = false
      }
      if (isEmpty) return undefined
    }
    return candidatesOf(changed, this.#options)
  }

  /** Tokens that text can have: those behind them, such as tokens of senses, are never written into one. */
  get #known(): number {
    return this.#options.tokenizer?.vocabulary ?? Infinity
  }

  #processed(logits: ArrayLike<number>, drafted: readonly number[]): ArrayLike<number> {
    const { logitsProcessor } = this.#options
    if (logitsProcessor === undefined) return logits
    const text = drafted.length === 0 ? this.text : [...this.text, ...drafted]
    const processed: unknown = logitsProcessor(logits, text, this.index)
    if (checks.numbers.accepts(processed) && processed.length === logits.length) return processed
    throw new OptionError(
      `generate: got ${shown(processed)} from logitsProcessor; expected ${logits.length} logits, as many as there were.`,
    )
  }

  /**
   * Writes a token, unless it ends the row.
   *
   * @param logits From which it was chosen.
   * @param config Of the model.
   * @returns What was written.
   */
  write(token: number, logits: ArrayLike<number>, config: GptConfig): GeneratedToken | undefined {
    if (this.#options.stopTokens?.includes(token)) {
      this.finish = 'stopToken'
      return undefined
    }
    this.text.push(token)
    this.written.push(token)
    this.#counts.add(token)
    let text = this.#pieces?.add(token)
    if (this.#pieces?.isStopped) this.finish = 'stopText'
    else if (this.written.length >= this.#options.tokens) this.finish = 'tokens'
    else if (this.#options.onContextFull === 'stop' && this.places(config) > config.context)
      this.finish = 'context'
    if (this.finish !== undefined) text = this.#pieces && (text ?? '') + this.#pieces.end()
    text = this.#seen(text, this.finish !== undefined)
    this.#decoded += text ?? ''
    const { logProbabilities } = this.#options
    const step = {
      row: this.index,
      token,
      ...(text !== undefined && { text }),
      ...(logProbabilities !== undefined && logProbabilitiesOf(logits, token, logProbabilities, this.#known)),
    }
    if (logProbabilities !== undefined) this.#steps.push(step)
    return step
  }

  /**
   * Chooses and writes the next token, and what was held back where that ends the row.
   *
   * @param logits After the last token.
   * @param config Of the model.
   * @throws As `candidates`.
   */
  next(logits: ArrayLike<number>, config: GptConfig): GeneratedToken[] {
    const candidates = this.candidates(logits)
    if (candidates === undefined) this.finish = 'noToken'
    const step = candidates && this.write(chooseToken(candidates, this.random, this.#options), logits, config)
    return [...(step ? [step] : []), ...this.ending()]
  }

  /** The text that was held back, if the row has ended without a token for it. */
  ending(): GeneratedToken[] {
    const text = this.finish === undefined ? '' : this.rest()
    return text === '' ? [] : [{ row: this.index, token: undefined, text }]
  }

  /** All of it, also before its end. */
  result(): Generated {
    this.finish ??= 'aborted'
    this.rest()
    return {
      tokens: this.written,
      ...(this.#pieces && { text: this.#decoded }),
      finish: this.finish,
      ...(this.#options.logProbabilities !== undefined && { logProbabilities: this.#steps }),
      ...(this.#options.draft && { drafted: this.drafted, accepted: this.accepted }),
    }
  }

  /** What may be seen of a text by now. */
  #seen(text: string | undefined, isEnd: boolean): string | undefined {
    if (text === undefined || this.#filter === undefined) return text
    return this.#filter.push(text) + (isEnd ? this.#filter.end() : '')
  }

  /** Text that was held back when the row ended with no token of its own. */
  rest(): string {
    const rest = this.#seen(this.#pieces?.end(), true) ?? ''
    this.#decoded += rest
    return rest
  }
}

function checkFinite(logits: ArrayLike<number>): void {
  for (let token = 0; token < logits.length; token++) {
    if (Number.isFinite(logits[token])) continue
    throw new NonFiniteError(
      `generate: the model returned a logit of ${logits[token]}; expected finite numbers. Its weights are ruined: go back to an earlier ` +
        'checkpoint.',
    )
  }
}

function checkIterable(allowed: unknown): void {
  if (typeof allowed === 'object' && allowed !== null && Symbol.iterator in allowed) return
  throw new OptionError(
    `generate: got ${shown(allowed)} from allowedTokens; expected a list or set of tokens, or undefined.`,
  )
}

function checkAllowed(token: unknown, vocabulary: number): void {
  if (Number.isInteger(token) && (token as number) >= 0 && (token as number) < vocabulary) return
  throw new OptionError(
    `generate: got ${shown(token)} from allowedTokens; expected tokens from 0 to ${vocabulary - 1}.`,
  )
}

function logProbabilitiesOf(
  logits: ArrayLike<number>,
  token: number,
  count: number,
  known: number,
): Pick<GeneratedToken, 'logProbability' | 'alternatives'> {
  let top = -Infinity
  for (let i = 0; i < logits.length; i++) top = Math.max(top, logits[i])
  let sum = 0
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i] - top)
  const of = (each: number): number => logits[each] - top - Math.log(sum)
  const choice = known < logits.length ? Float64Array.from(logits).subarray(0, known) : logits
  const alternatives = Array.from(topTokens(choice, count), (each) => ({
    token: each,
    logProbability: of(each),
  }))
  return { logProbability: of(token), alternatives }
}
