/** Generation: one token after another, each computed once thanks to the cache. */
import {
  checkArgument,
  checkOptions,
  checks,
  keyFromSeed,
  NonFiniteError,
  OptionError,
  openScope,
  RandomStream,
  slice,
  type Tensor,
} from '@burgeon/tensor'
import { Gpt } from '../gpt.ts'
import { KeyValueCache } from '../forward/key-value-cache.ts'
import { samplingChecks, type SamplingOptions, sampleToken } from './sampling.ts'

/** How much to write, and how to choose. */
export interface GenerateOptions extends SamplingOptions {
  /** Tokens to write, ≥ 0. */
  readonly tokens: number
  /** Same seed, same text; 0 unless given. */
  readonly seed?: number
}

/**
 * Continues a prompt, token by token.
 *
 * When the context is full, the model goes on with the second half of what it has: positions are learned, so
 * the window cannot slide one by one without computing everything anew. The model may learn and grow between
 * two tokens: after growth what has been read is read once more, so that the text goes on as if nothing had
 * happened where the growth was exact.
 *
 * @param prompt At least one token, each in [0, V); of a longer one only the last `context` tokens count.
 * @throws OptionError for an empty prompt or sampling options outside their range; NonFiniteError if the
 *   model's logits are not finite.
 * @example
 * ```ts
 * for await (const token of generate(model, byteTokenizer.encode('Once'), { tokens: 8 })) console.log(token)
 * ```
 */
export async function* generate(
  model: Gpt,
  prompt: ArrayLike<number>,
  options: GenerateOptions,
): AsyncGenerator<number, void, void> {
  checkArgument('generate', 'model', model, checks.instance('a Gpt', Gpt))
  checkArgument('generate', 'prompt', prompt, checks.tokens)
  checkOptions('generate', options, {
    ...samplingChecks,
    tokens: checks.required(checks.integer({ from: 0, infinite: true })),
    seed: checks.seed,
  })
  const { tokens, seed = 0, ...sampling } = options
  if (prompt.length === 0)
    throw new OptionError('generate: got an empty prompt; expected at least one token.')
  const random = new RandomStream(keyFromSeed(seed)).named('generate')
  const text = Array.from(prompt)
  let window = text.slice(-model.config.context)
  let cache = new KeyValueCache(model.config, model.device)
  try {
    for (let written = 0; written < tokens; written++) {
      const { context } = model.config
      const isFull = window.length > context
      if (isFull) window = text.slice(-Math.max(1, context >> 1))
      if (isFull || !cache.isFor(model.config)) {
        cache[Symbol.dispose]()
        cache = new KeyValueCache(model.config, model.device)
      }
      const unread = window.slice(cache.length)
      const token = sampleToken(await lastLogits(model, unread, cache), sampling, random)
      text.push(token)
      window.push(token)
      yield token
    }
  } finally {
    cache[Symbol.dispose]()
  }
}

/** Reads `tokens` into the cache and returns the logits after the last one, `[V]`. */
async function lastLogits(
  model: Gpt,
  tokens: readonly number[],
  cache: KeyValueCache,
): Promise<ArrayLike<number>> {
  const last = logitsAfter(model, tokens, cache)
  try {
    const logits = await last.read()
    const bad = logits.find((logit) => !Number.isFinite(logit))
    if (bad === undefined) return logits
    throw new NonFiniteError(
      `generate: the model returned a logit of ${bad}; expected finite numbers. Its weights are ruined: go back to an earlier ` +
        'checkpoint.',
    )
  } finally {
    last.dispose()
  }
}

function logitsAfter(model: Gpt, tokens: readonly number[], cache: KeyValueCache): Tensor {
  using opened = openScope()
  const input = model.device.tensor(tokens, { shape: [1, tokens.length], dtype: 'i32' }, 'generate')
  const logits = model.forward(input, undefined, { cache }) // [T, V]
  return opened.keep(slice(logits, [tokens.length - 1]))
}
