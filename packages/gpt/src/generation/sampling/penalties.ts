/** Penalties on tokens that a text already has. */
import { checkArgument, checkOptions, type ChecksOf, checks } from '@burgeon/tensor'

/** How tokens that stand in the text are made rarer, or more frequent. */
export interface PenaltyOptions {
  /**
   * Divides positive logits of tokens of prompt and output, and multiplies negative ones; above 0, 1 unless
   * given (Keskar et al. 2019, section 4.1).
   */
  readonly repetitionPenalty?: number
  /** Taken from a token's logit for each time that it was written; 0 unless given. */
  readonly frequencyPenalty?: number
  /** Taken from the logit of every token that was written; 0 unless given. */
  readonly presencePenalty?: number
}

/** Checks of all penalties. */
export const penaltyChecks: ChecksOf<PenaltyOptions> = {
  repetitionPenalty: checks.number({ above: 0 }),
  frequencyPenalty: checks.number(),
  presencePenalty: checks.number(),
}

/** Which tokens a text has, kept up to date token by token. */
export class TokenCounts {
  /** Tokens of the prompt. */
  readonly prompt: ReadonlySet<number>
  /** How often each was written. */
  readonly written: Map<number, number> = new Map()

  constructor(prompt: Iterable<number>) {
    this.prompt = prompt instanceof Set ? prompt : new Set(prompt)
  }

  add(token: number): void {
    this.written.set(token, (this.written.get(token) ?? 0) + 1)
  }

  /** These and some more, as a copy. */
  with(tokens: readonly number[]): TokenCounts {
    if (tokens.length === 0) return this
    const counts = new TokenCounts(this.prompt)
    for (const [token, count] of this.written) counts.written.set(token, count)
    for (const token of tokens) counts.add(token)
    return counts
  }
}

/** Whether the options change any logit. */
export function hasPenalty(options: PenaltyOptions): boolean {
  const { repetitionPenalty = 1, frequencyPenalty = 0, presencePenalty = 0 } = options
  return repetitionPenalty !== 1 || frequencyPenalty !== 0 || presencePenalty !== 0
}

/** Changes the logits of the tokens of a text: repetition first, then frequency and presence. */
export function penalizeCounted(
  logits: Float32Array | Float64Array,
  { prompt, written }: TokenCounts,
  { repetitionPenalty = 1, frequencyPenalty = 0, presencePenalty = 0 }: PenaltyOptions,
): void {
  const repeat = (token: number): void => {
    if (token >= logits.length) return
    logits[token] *= logits[token] < 0 ? repetitionPenalty : 1 / repetitionPenalty
  }
  if (repetitionPenalty !== 1) {
    for (const token of prompt) repeat(token)
    for (const token of written.keys()) if (!prompt.has(token)) repeat(token)
  }
  for (const [token, count] of written) {
    if (token < logits.length) logits[token] -= frequencyPenalty * count + presencePenalty
  }
}

/**
 * Logits with penalties, as `generate` makes them before it draws: a copy in double precision.
 *
 * @param logits One number per token.
 * @param prompt Tokens that were given: they count as repeated, not as written.
 * @param written Tokens that were written since.
 * @throws OptionError for a penalty outside its range.
 */
export function penalize(
  logits: ArrayLike<number>,
  prompt: ArrayLike<number>,
  written: ArrayLike<number>,
  options: PenaltyOptions,
): Float64Array {
  checkArgument('penalize', 'logits', logits, checks.numbers)
  checkArgument('penalize', 'prompt', prompt, checks.tokens)
  checkArgument('penalize', 'written', written, checks.tokens)
  checkOptions('penalize', options, penaltyChecks)
  const counts = new TokenCounts(Array.from(prompt))
  for (const token of Array.from(written)) counts.add(token)
  const changed = Float64Array.from(logits)
  penalizeCounted(changed, counts, options)
  return changed
}
