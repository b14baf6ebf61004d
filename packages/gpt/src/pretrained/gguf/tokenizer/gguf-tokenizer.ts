/** The tokenizer inside a GGUF file, as the tokenizer.json that encodes the same. */
import type { PretrainedTokenizerOptions } from '../../../tokenizer/pretrained-options.ts'
import { TokenizerError } from '../../../tokenizer/json/json-part.ts'
import { PretrainedTokenizer } from '../../../tokenizer/pretrained-tokenizer.ts'
import type { GgufHeader } from '../format/gguf-header.ts'
import { byteLevelParts } from './byte-level.ts'
import { sentencePieceParts } from './sentence-piece.ts'
import { TokenizerKeys } from './tokenizer-keys.ts'
import type { TokenizerParts } from './tokenizer-parts.ts'

/** Kinds by `tokenizer.ggml.model`. */
const kinds: Readonly<Record<string, (keys: TokenizerKeys) => TokenizerParts>> = {
  gpt2: byteLevelParts,
  llama: sentencePieceParts,
}

/** Token types that are found in a text before it is cut: unknown, control, user-defined. */
const addedTypes: readonly number[] = [2, 3, 4]
const userDefined = 4

/**
 * The tokenizer of a file; null if it has none.
 *
 * @throws TokenizerError, naming the key, where texts could be encoded otherwise than meant.
 */
export function ggufTokenizer(
  header: GgufHeader,
  options: PretrainedTokenizerOptions,
): PretrainedTokenizer | null {
  const keys = new TokenizerKeys(header)
  const kind = keys.text('model') ?? 'none'
  if (kind === 'none' || kind === 'no_vocab') return null
  if (!Object.hasOwn(kinds, kind)) keys.refuse('model', Object.keys(kinds).join(' or '))
  const { addsBeginning, ranks, ...parts } = kinds[kind](keys)
  const added = keys.tokens.flatMap((content, id) => {
    const type = keys.typeOf(id)
    if (!addedTypes.includes(type)) return []
    const special = type !== userDefined
    return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special }
  })
  const tokenizerJson = {
    ...{ version: '1.0', truncation: null, padding: null, added_tokens: added },
    ...{ ...parts, post_processor: surroundings(keys, addsBeginning) },
  }
  const tokenizerConfig = {
    ...keys.specialTokens(),
    ...keys.chatTemplates(),
    ...(ranks && { merge_ranks: ranks }),
  }
  const rows = header.tensors.get('token_embd.weight')?.shape[0] ?? keys.tokens.length
  const vocabulary = options.vocabulary ?? Math.max(rows, keys.tokens.length)
  try {
    return new PretrainedTokenizer(tokenizerJson, tokenizerConfig, { vocabulary })
  } catch (error) {
    if (!(error instanceof TokenizerError)) throw error
    throw new TokenizerError(`${header.place}: ${error.message}`, { cause: error })
  }
}

/** What stands before and after a text. */
function surroundings(keys: TokenizerKeys, addsBeginning: boolean): object | null {
  const bos = keys.flag('add_bos_token', addsBeginning) ? keys.id('bos_token_id') : null
  const eos = keys.flag('add_eos_token', false) ? keys.id('eos_token_id') : null
  if (keys.flag('add_sep_token', false)) keys.refuse('add_sep_token', 'false')
  const around = [bos, eos].filter((id) => id !== null)
  if (around.length === 0) return null
  const special = (id: number | null): object[] =>
    id === null ? [] : [{ SpecialToken: { id: keys.tokens[id], type_id: 0 } }]
  const text = (id: string): object => ({ Sequence: { id, type_id: 0 } })
  return {
    type: 'TemplateProcessing',
    single: [...special(bos), text('A'), ...special(eos)],
    pair: [...special(bos), text('A'), ...special(eos), ...special(bos), text('B'), ...special(eos)],
    special_tokens: Object.fromEntries(
      around.map((id) => [keys.tokens[id], { id: keys.tokens[id], ids: [id], tokens: [keys.tokens[id]] }]),
    ),
  }
}
