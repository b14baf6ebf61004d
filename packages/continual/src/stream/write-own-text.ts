/** Text that a model writes of its own accord: a stand-in for the data that it was trained on. */
import { generate, Gpt } from '@burgeon/gpt'
import { checkArgument, checkOptions, checks, keyFromSeed, OptionError, RandomStream } from '@burgeon/tensor'
import { batchOfRows, type TokenBatch } from './batch.ts'

/** How much is written, and how. */
export interface OwnTextOptions {
  /** Rows to write, ≥ 1. */
  readonly rows: number
  /** Tokens that each row predicts, from 1 to the context, which it is unless given. */
  readonly length?: number
  /**
   * The token that every row begins with, such as the one that stands before the texts that the model was
   * trained on. Unless given a token that is drawn evenly, as in Robins' random inputs.
   */
  readonly begin?: number
  /** 1, which draws from the model's own distribution, unless given; > 0. */
  readonly temperature?: number
  /** 0 unless given. */
  readonly seed?: number
  /** Ends the writing when it is aborted; then fewer rows come, or OptionError if there are none. */
  readonly signal?: AbortSignal
  /** Is called and awaited after some rows with how many there are. */
  readonly onProgress?: (rows: number) => unknown
}

/** Rows that are written together. */
const together = 8

/**
 * Rows drawn from the model itself, to be rehearsed where the data it was trained on are not there
 * (pseudo-rehearsal, Robins 1995; with a generative model: Shin et al. 2017). Nothing changes the model.
 *
 * @throws OptionError for options that are none.
 */
export async function writeOwnText(model: Gpt, options: OwnTextOptions): Promise<TokenBatch> {
  const who = 'writeOwnText'
  checkArgument(who, 'model', model, checks.instance('a Gpt', Gpt))
  const { context, vocabulary } = model.config
  checkOptions(who, options, {
    rows: checks.required(checks.integer({ from: 1 })),
    length: checks.integer({ from: 1, to: context }),
    begin: checks.integer({ from: 0, to: vocabulary - 1 }),
    temperature: checks.number({ above: 0 }),
    seed: checks.seed,
    signal: checks.role<AbortSignal>('an AbortSignal', 'aborted'),
    onProgress: checks.callback(),
  })
  const { rows: wanted, length = context, begin, temperature = 1, seed = 0, signal } = options
  const random = new RandomStream(keyFromSeed(seed)).named('own text')
  const rows: Int32Array[] = []
  const isAborted = (): boolean => signal?.aborted ?? false
  while (rows.length < wanted && !isAborted()) {
    const count = Math.min(together, wanted - rows.length)
    const prompts = Array.from({ length: count }, () => [begin ?? random.below(vocabulary)])
    const how = { tokens: length, temperature, seed: random.uint32(), ...(signal && { signal }) }
    const written = await generate(model, prompts, how)
    // What an abort has cut short is no row of the model's distribution.
    if (!isAborted()) {
      rows.push(...written.map(({ tokens }, i) => Int32Array.of(...prompts[i], ...tokens)))
    }
    await options.onProgress?.(rows.length)
  }
  if (rows.length === 0) throw new OptionError(`${who}: the signal was aborted before a row was written.`)
  return batchOfRows(rows, new Array<string>(rows.length).fill('own text'), length)
}
