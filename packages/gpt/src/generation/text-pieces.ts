/** The text of tokens as it becomes certain, token by token. */
import type { Tokenizer } from '../tokenizer/byte-tokenizer.ts'
import { aGrowingTokenizer } from '../tokenizer/growing-tokenizer.ts'

/** What stands for a character that is not whole. */
const broken = '\u{FFFD}'
/** A character that is not whole yet lies in fewer tokens than it can have bytes. */
const longestCharacter = 4

/**
 * Decodes a text piece by piece. What may be the beginning of a character, or of a text that ends the row, is
 * held back until that is certain. All pieces together are what the tokens add to the text of the prompt, up
 * to the first of `stopTexts`.
 */
export class TextPieces {
  /** Whether one of the texts that end it has come. */
  isStopped = false
  readonly #tokenizer: Tokenizer
  readonly #stopTexts: readonly string[]
  /** Tokens whose text is out, kept because the text of the next may depend on them, and those after. */
  #tokens: number[] = []
  #known = 0
  #held = ''

  /** @param prompt The tokens before. A decoder may take a space from the start of a text alone. */
  constructor(tokenizer: Tokenizer, stopTexts: readonly string[], prompt: readonly number[] = []) {
    this.#tokenizer = tokenizer
    this.#stopTexts = stopTexts
    this.#tokens = endOf(prompt, tokenizer)
    this.#known = this.#tokens.length
  }

  /** The text that has become certain with a token. */
  add(token: number): string {
    this.#tokens.push(token)
    return this.#unlessStopped(this.#decoded(false), false)
  }

  /** The rest: nothing comes any more. */
  end(): string {
    return this.#unlessStopped(this.#decoded(true), true)
  }

  #decoded(isEnd: boolean): string {
    const known = this.#tokenizer.decode(this.#tokens.slice(0, this.#known))
    const all = this.#tokenizer.decode(this.#tokens)
    let [count, text] = [this.#tokens.length, all]
    if (!isEnd && all.endsWith(broken)) {
      count = Math.max(this.#known, count - longestCharacter + 1)
      // A cut inside a character changes what stands before the cut.
      do text = this.#tokenizer.decode(this.#tokens.slice(0, count))
      while (!all.startsWith(text) && --count > this.#known)
    }
    if (count <= this.#known) return ''
    this.#tokens = this.#tokens.slice(this.#known)
    this.#known = count - this.#known
    return text.slice(known.length)
  }

  #unlessStopped(piece: string, isEnd: boolean): string {
    if (this.isStopped) return ''
    const text = this.#held + piece
    const places = this.#stopTexts.map((stop) => text.indexOf(stop)).filter((at) => at >= 0)
    if (places.length > 0) {
      this.isStopped = true
      return text.slice(0, Math.min(...places))
    }
    const held = isEnd ? 0 : Math.max(0, ...this.#stopTexts.map((stop) => overlap(text, stop)))
    this.#held = text.slice(text.length - held)
    return text.slice(0, text.length - held)
  }
}

/**
 * The last tokens of a prompt, as few as are whole characters. None behind a special token, where a text
 * begins, and none where a character is not whole.
 */
function endOf(prompt: readonly number[], tokenizer: Tokenizer): number[] {
  for (let count = 1; count <= Math.min(longestCharacter, prompt.length); count++) {
    const tokens = prompt.slice(-count)
    if (tokens[0] >= tokenizer.vocabulary || isSpecial(tokens[0], tokenizer)) return []
    if (!tokenizer.decode(tokens).includes(broken)) return tokens
  }
  return []
}

const isSpecial = (token: number, tokenizer: Tokenizer): boolean =>
  aGrowingTokenizer.accepts(tokenizer) && tokenizer.bytesOf(token).length === 0

/** How many of the last characters of a text are the first of another, and not all of it. */
function overlap(text: string, of: string): number {
  let length = Math.min(text.length, of.length - 1)
  while (length > 0 && !text.endsWith(of.slice(0, length))) length--
  return length
}
