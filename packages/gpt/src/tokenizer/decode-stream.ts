/** Text of tokens that come one by one. */

import type { Decoder, Decoding } from './pretrained/decoders.ts'

/**
 * Turns tokens into text one by one. What a later token may still change, such as half a character or a run
 * of byte tokens, is held back; all texts together are what `decode` returns.
 *
 * @example
 * ```ts
 * async function tell(model: Gpt, tokenizer: PretrainedTokenizer): Promise<void> {
 *   const stream = tokenizer.decodeStream()
 *   const tokens = generate(model, tokenizer.encode('Once'), { tokens: 20 })
 *   for await (const token of tokens) write(stream.step(token))
 *   write(stream.end())
 * }
 * ```
 */
export class DecodeStream {
  readonly #textsOf: (token: number) => readonly string[]
  readonly #decoding: Decoding
  #ready: string[] = []

  /** @param textsOf What the decoder is given for a token. */
  constructor(decoder: Decoder, textsOf: (token: number) => readonly string[]) {
    this.#textsOf = textsOf
    this.#decoding = decoder((text) => this.#ready.push(text))
  }

  /**
   * The text that is certain now and was not before; empty if there is none.
   *
   * @throws OptionError for a token that does not exist.
   */
  step(token: number): string {
    for (const text of this.#textsOf(token)) this.#decoding.push(text, true)
    return this.#taken()
  }

  /** What is left, after the last token. */
  end(): string {
    this.#decoding.end()
    return this.#taken()
  }

  #taken(): string {
    const text = this.#ready.join('')
    this.#ready = []
    return text
  }
}
