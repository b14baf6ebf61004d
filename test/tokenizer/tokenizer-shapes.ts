/** Small files in the shapes of well-known tokenizers, with merges trained on this repository's own documents. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A tokenizer.json that has not been looked at. */
export type TokenizerJson = Record<string, unknown> & {
  model: Record<string, unknown>
  added_tokens: object[]
}

const documents = ['growing.md', 'getting-started.md', 'gpu.md']
  .map((name) => readFileSync(join(import.meta.dirname, '../../docs', name), 'utf8'))
  .join('\n')
const languages =
  "Größe, façade, naïve, Ελλάδα, Москва, Привет мир, 日本語のテキスト, 한국어, العربية, हिन्दी, 👩‍👩‍👧 😀 😀, don’t, it's, we'll, 1234567, x = y + 1;\n\n"
const trainingText = documents.slice(0, 40_000) + languages.repeat(8)

/** The 256 bytes in the order of GPT-2's vocabulary: those that can be seen first. */
const seen = Array.from({ length: 256 }, (_, byte) => byte).filter(
  (byte) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174,
)
const unseen = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !seen.includes(byte))
const characters = new Map([
  ...seen.map((byte) => [byte, String.fromCodePoint(byte)] as const),
  ...unseen.map((byte, i) => [byte, String.fromCodePoint(256 + i)] as const),
])
const byteCharacters = [...characters.values()]
const bytesShown = (text: string): string =>
  Array.from(new TextEncoder().encode(text), (byte) => characters.get(byte)).join('')

/** The most frequent pair of the words, again and again (Sennrich et al. 2016, algorithm 1). */
function train(words: readonly string[], count: number): [left: string, right: string][] {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  const parts = [...counts].map(([word, times]) => ({ symbols: Array.from(word), times }))
  const merges: [string, string][] = []
  while (merges.length < count) {
    const pairs = new Map<string, { pair: [string, string]; times: number }>()
    for (const { symbols, times } of parts) {
      for (let i = 0; i + 1 < symbols.length; i++) {
        const pair: [string, string] = [symbols[i], symbols[i + 1]]
        const known = pairs.get(pair.join('\n')) ?? { pair, times: 0 }
        known.times += times
        pairs.set(pair.join('\n'), known)
      }
    }
    const [best] = [...pairs.values()].toSorted((a, b) => b.times - a.times)
    if (best === undefined || best.times < 2) break
    merges.push(best.pair)
    for (const part of parts) {
      for (let i = 0; i + 1 < part.symbols.length; i++) {
        if (part.symbols[i] === best.pair[0] && part.symbols[i + 1] === best.pair[1]) {
          part.symbols.splice(i, 2, best.pair.join(''))
        }
      }
    }
  }
  return merges
}

const gpt2Words = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu
const byteMerges = train((trainingText.match(gpt2Words) ?? []).map(bytesShown), 250)
const spaced = trainingText.replaceAll(' ', '▁')
const pieceMerges = train(spaced.match(/▁*[^▁\n]+/gu) ?? [], 250)

const vocabularyOf = (symbols: readonly string[]): Record<string, number> =>
  Object.fromEntries([...new Set(symbols)].map((symbol, id) => [symbol, id]))

const byteVocabulary = vocabularyOf([...byteCharacters, ...byteMerges.map((pair) => pair.join(''))])
const bytesNamed = Array.from(
  { length: 256 },
  (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
)
const pieceVocabulary = vocabularyOf([
  ...['<unk>', '<s>', '</s>'],
  ...bytesNamed,
  ...pieceMerges.map((pair) => pair.join('')),
  ...Array.from(spaced).filter((character) => character < '\u0100' && character !== '\n'),
  ...pieceMerges.flatMap((pair) => pair.filter((symbol) => Array.from(symbol).length === 1)),
  '▁',
])

const added = (id: number, content: string, flags: object = {}): object => ({
  ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
  ...flags,
})
const byteLevel = (flags: object): object => ({
  ...{ type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
  ...flags,
})
const template = (token: string, id: number): object => ({
  type: 'TemplateProcessing',
  single: [{ SpecialToken: { id: token, type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
  pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
  special_tokens: { [token]: { id: token, ids: [id], tokens: [token] } },
})
const bpe = (vocab: object, merges: unknown, flags: object = {}): Record<string, unknown> => ({
  ...{
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
  },
  ...{ fuse_unk: false, byte_fallback: false, vocab, merges },
  ...flags,
})
const split = (pattern: string): object => ({
  ...{ type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false },
})
const next = Object.keys(byteVocabulary).length
const pieces = (flags: object): Record<string, unknown> =>
  bpe(pieceVocabulary, pieceMerges, { unk_token: '<unk>', fuse_unk: true, byte_fallback: true, ...flags })
const pieceDecoder = {
  type: 'Sequence',
  decoders: [
    { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
    { type: 'ByteFallback' },
    { type: 'Fuse' },
    { type: 'Strip', content: ' ', start: 1, stop: 0 },
  ],
}
const llamaSpecials = (flags: object): object[] => [
  added(0, '<unk>', flags),
  added(1, '<s>', flags),
  added(2, '</s>', flags),
]

const llama3 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
const qwen = llama3.replace('\\p{N}{1,3}', '\\p{N}')

/** By the model whose file looks like this. Each call makes new ones. */
export const shapes: Readonly<Record<string, () => TokenizerJson>> = {
  gpt2: () => ({
    ...{ version: '1.0', truncation: null, padding: null, normalizer: null },
    added_tokens: [added(next, '<|endoftext|>')],
    pre_tokenizer: byteLevel({ use_regex: true }),
    post_processor: byteLevel({ trim_offsets: false }),
    decoder: byteLevel({}),
    model: bpe(
      { ...byteVocabulary, '<|endoftext|>': next },
      byteMerges.map((pair) => pair.join(' ')),
    ),
  }),
  llama2: () => ({
    version: '1.0',
    added_tokens: llamaSpecials({}),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '▁' },
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      ],
    },
    pre_tokenizer: null,
    post_processor: template('<s>', 1),
    decoder: pieceDecoder,
    model: pieces({ merges: pieceMerges.map((pair) => pair.join(' ')) }),
  }),
  mistral: () => ({
    version: '1.0',
    added_tokens: [...llamaSpecials({}), added(Object.keys(pieceVocabulary).length, '[INST]')],
    normalizer: null,
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: false },
    post_processor: template('<s>', 1),
    decoder: pieceDecoder,
    model: pieces({ ignore_merges: false }),
  }),
  llama3: () => ({
    version: '1.0',
    added_tokens: ['<|begin_of_text|>', '<|end_of_text|>', '<|eot_id|>'].map((text, i) =>
      added(next + i, text),
    ),
    normalizer: null,
    pre_tokenizer: { type: 'Sequence', pretokenizers: [split(llama3), byteLevel({})] },
    post_processor: { type: 'Sequence', processors: [byteLevel({}), template('<|begin_of_text|>', next)] },
    decoder: byteLevel({}),
    model: bpe(
      { ...byteVocabulary },
      byteMerges.map((pair) => pair.join(' ')),
      { ignore_merges: true },
    ),
  }),
  qwen: () => ({
    version: '1.0',
    added_tokens: [
      ...['<|endoftext|>', '<|im_start|>', '<|im_end|>'].map((text, i) => added(next + i, text)),
      ...['<tool_call>', '</tool_call>'].map((text, i) => added(next + 3 + i, text, { special: false })),
    ],
    normalizer: { type: 'NFC' },
    pre_tokenizer: { type: 'Sequence', pretokenizers: [split(qwen), byteLevel({})] },
    post_processor: byteLevel({}),
    decoder: byteLevel({}),
    model: bpe({ ...byteVocabulary }, byteMerges),
  }),
}

/** How a file's own texts of special tokens and its templates are named. */
export const tokenizerConfig = {
  bos_token: '<s>',
  eos_token: { content: '</s>' },
  clean_up_tokenization_spaces: false,
}
