/** The tokenizer.json of a model of bytes, for those who read models by such files. */

/**
 * Tokens 0 … 255 are the bytes, in their order. The file names them as GPT-2 does: bytes that can be seen by
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
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: { type: 'BPE', vocab: Object.fromEntries(vocabulary), merges: [] },
  }
}
