/** A tokenizer as the files that Python reads, with all that it has learnt. */
import { checkArgument, checks } from '@burgeon/tensor'
import { PretrainedTokenizer } from './pretrained-tokenizer.ts'
import { byteNamed } from './pretrained/byte-characters.ts'
import { TokenizerError } from './json/json-part.ts'

/** The texts of the files of a tokenizer. */
export interface TokenizerFiles {
  /** Of `tokenizer.json`. */
  readonly tokenizerJson: string
  /** Of `tokenizer_config.json`. */
  readonly tokenizerConfig: string
}

/** What is used of a file that has been read, and so is known to be whole. */
interface KnownJson {
  readonly added_tokens?: readonly { readonly id: number; readonly content: string }[]
  readonly model: {
    readonly vocab: Readonly<Record<string, number>>
    readonly merges: readonly (string | readonly [string, string])[]
    readonly byte_fallback?: boolean
    readonly ignore_merges?: boolean
  }
}

/**
 * The files that Hugging Face's `tokenizers` reads to the same tokens: those it was read from, with the
 * learnt tokens in the vocabulary and their merges after all others. A file says which text a token has, not
 * which pair it was learnt from.
 *
 * @throws TokenizerError for a learnt token that such a file cannot say: one whose text another token has,
 *   one of single bytes where these are names (`<0xE2>`), or one that `ignore_merges` would put where it does
 *   not come from merges.
 * @example
 * ```ts
 * const model = { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, merges: ['a b'] }
 * const { tokenizerJson } = tokenizerFiles(new PretrainedTokenizer({ model }))
 * ```
 */
export function tokenizerFiles(tokenizer: PretrainedTokenizer): TokenizerFiles {
  const isOne = checks.instance('a PretrainedTokenizer', PretrainedTokenizer)
  checkArgument('tokenizerFiles', 'tokenizer', tokenizer, isOne)
  const { tokenizerJson, tokenizerConfig, merges: learnt, vocabulary: first } = tokenizer.toState()
  if (learnt.length === 0) return { tokenizerJson, tokenizerConfig }
  const json = JSON.parse(tokenizerJson) as KnownJson
  const { added_tokens: added = [], model } = json
  // Readers number an added token that the vocabulary lacks by its size, whatever the file says.
  const vocab = new Map(Object.entries(model.vocab))
  for (const { content, id } of added) vocab.set(content, id)
  const texts = new Map([...vocab].map(([text, id]) => [id, text]))
  const pairs = learnt.map(([left, right], i): [string, string] => {
    const pair = [left, right].map((id) => texts.get(id) as string) as [string, string]
    const [id, text] = [first + i, pair.join('')]
    if (model.byte_fallback && pair.some((part) => byteNamed(part) >= 0)) {
      refuse(id, text, 'tokens of whole characters, for a byte has a name there')
    }
    if (vocab.has(text)) refuse(id, text, `a text that no other token has, as ${vocab.get(text)} has`)
    if (model.ignore_merges && !isMerged(tokenizer, id)) {
      refuse(id, text, 'one that merges lead to, for readers would take the text whole (ignore_merges)')
    }
    vocab.set(text, id)
    texts.set(id, text)
    return pair
  })
  const before = model.merges.filter((merge) => typeof merge !== 'string' || !merge.startsWith('#version'))
  const all = [...before, ...pairs]
  const areTexts = all.every((merge) => typeof merge === 'string' || !merge.join('').includes(' '))
  const merges = areTexts
    ? all.map((merge) => (typeof merge === 'string' ? merge : merge.join(' ')))
    : all.map((merge) => (typeof merge === 'string' ? merge.split(' ') : merge))
  return {
    tokenizerJson: JSON.stringify({ ...json, model: { ...model, vocab: Object.fromEntries(vocab), merges } }),
    tokenizerConfig: withRanks(tokenizerConfig, before.length, merges.length),
  }
}

function refuse(id: number, text: string, expected: string): never {
  throw new TokenizerError(
    `tokenizerFiles: got the learnt token ${id}, '${text}'; expected ${expected}. Keep a checkpoint of ours.`,
  )
}

/** Whether the text of a token becomes that token where it is a piece; what is no text is never one. */
function isMerged(tokenizer: PretrainedTokenizer, id: number): boolean {
  try {
    const piece = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(tokenizer.bytesOf(id))
    const tokens = tokenizer.encodePiece(piece)
    return tokens.length === 1 && tokens[0] === id
  } catch {
    return true
  }
}

/** Merges with ranks of their own, as a GGUF file's, have them in the configuration. */
function withRanks(tokenizerConfig: string, from: number, to: number): string {
  const config = JSON.parse(tokenizerConfig) as { readonly merge_ranks?: readonly number[] }
  if (config.merge_ranks === undefined) return tokenizerConfig
  const more = Array.from({ length: to - from }, (_, i) => from + i)
  return JSON.stringify({ ...config, merge_ranks: [...config.merge_ranks, ...more] })
}
