/** The tokenizer.json of a model of bytes, for those who read models by such files. */

/** What JavaScript calls white space, for readers that call other characters so. */
const space = '\\t\\n\\v\\f\\r \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff'
/** The pieces of a BytePairTokenizer, which no merge crosses. */
const pieces =
  `[${space}]?[\\p{L}\\p{M}]{1,64}|[${space}]?\\p{N}{1,3}|` +
  `[${space}]?[^${space}\\p{L}\\p{M}\\p{N}]{1,64}|[${space}]{1,64}`

/**
 * Tokens 0 … 255 are the bytes, in their order. Merges may be learnt, within the pieces of a
 * BytePairTokenizer. The file names them as GPT-2 does: bytes that can be seen by
 * themselves, the others by the characters from U+0100 on.
 */
export function byteLevelTokenizerJson(): object {
  let next = 256
  const vocabulary = Array.from({ length: 256 }, (_, byte): [string, number] => {
    const isSeen = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174
    return [String.fromCodePoint(isSeen ? byte : next++), byte]
  })
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false }
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: pieces }, behavior: 'Isolated', invert: false },
        byteLevel,
      ],
    },
    post_processor: null,
    decoder: byteLevel,
    model: { type: 'BPE', vocab: Object.fromEntries(vocabulary), merges: [] },
  }
}
