/** Byte tokens: text is its UTF-8 bytes, so everything can be encoded and nothing is unknown. */
import { checkArgument, checks, OptionError, shown } from '@burgeon/tensor'

/** Turns text into tokens and back. */
export interface Tokenizer {
  readonly vocabulary: number
  encode(text: string): Int32Array
  /** Throws OptionError for a token that does not exist. */
  decode(tokens: ArrayLike<number>): string
}

/** One token per UTF-8 byte, V = 256. Bytes that are not valid UTF-8 decode to U+FFFD. */
export const byteTokenizer: Tokenizer = {
  vocabulary: 256,
  encode(text) {
    checkArgument('byteTokenizer: encode', 'text', text, checks.text)
    return Int32Array.from(new TextEncoder().encode(text))
  },
  // A byte order mark is text like any other.
  decode(tokens) {
    checkArgument('byteTokenizer: decode', 'tokens', tokens, checks.numbers)
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(Array.from(tokens, byteOf)))
  },
}

function byteOf(token: number): number {
  if (Number.isInteger(token) && token >= 0 && token < 256) return token
  throw new OptionError(`bytes: got token ${shown(token)}; expected an integer from 0 to 255.`)
}
