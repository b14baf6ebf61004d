/** Byte-level BPE inside a GGUF file: the merges are there, and of the way texts are cut a mere name. */
import type { TokenizerParts } from './tokenizer-parts.ts'
import type { TokenizerKeys } from './tokenizer-keys.ts'

const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true }
const cut = (regex: string): object => ({
  type: 'Sequence',
  pretokenizers: [
    { type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false },
    { ...bytes, use_regex: false },
  ],
})

/** What Llama 3 and Qwen cut at; they differ in how many digits stay together. */
const words = (digits: string): string =>
  `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}` +
  String.raw`| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

interface Cutting {
  readonly pre_tokenizer: object
  readonly normalizer?: object
  readonly ignoresMerges?: true
  readonly addsBeginning?: true
}

const gpt2: Cutting = { pre_tokenizer: { ...bytes, use_regex: true } }
const llama3: Cutting = {
  pre_tokenizer: cut(words(String.raw`\p{N}{1,3}`)),
  ignoresMerges: true,
  addsBeginning: true,
}
const qwen2: Cutting = { pre_tokenizer: cut(words(String.raw`\p{N}`)), normalizer: { type: 'NFC' } }
const digits: Cutting = {
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [
      { type: 'Digits', individual_digits: true },
      { ...bytes, use_regex: true },
    ],
  },
}

/** By `tokenizer.ggml.pre`. */
export const cuttings: Readonly<Record<string, Cutting>> = {
  'gpt-2': gpt2,
  'phi-2': gpt2,
  'llama-bpe': llama3,
  llama3,
  'llama-v3': llama3,
  qwen2,
  'deepseek-r1-qwen': qwen2,
  smollm: digits,
  starcoder: digits,
}

/** @throws TokenizerError for a way of cutting whose name is not known, or that no key names. */
export function byteLevelParts(keys: TokenizerKeys): TokenizerParts {
  const name = keys.text('pre') ?? ''
  if (!Object.hasOwn(cuttings, name)) keys.refuse('pre', `one of ${Object.keys(cuttings).join(', ')}`)
  if (keys.flag('add_space_prefix', false)) keys.refuse('add_space_prefix', 'false')
  const { pre_tokenizer, normalizer = null, ignoresMerges = false, addsBeginning = false } = cuttings[name]
  const merges = keys.texts('merges') ?? keys.refuse('merges', 'a list of strings')
  return {
    ...{ normalizer, pre_tokenizer, addsBeginning },
    decoder: { ...bytes, use_regex: true },
    model: {
      ...{ type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: null },
      ...{ end_of_word_suffix: null, fuse_unk: false, byte_fallback: false, ignore_merges: ignoresMerges },
      ...{ vocab: Object.fromEntries(keys.idOf), merges },
    },
  }
}
