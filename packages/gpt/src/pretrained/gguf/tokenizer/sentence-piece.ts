/** BPE in the manner of SentencePiece inside a GGUF file: there are scores of tokens, and no merges. */
import { shown } from '@burgeon/tensor'
import { maxTokens } from '../../../tokenizer/pretrained/byte-pair-model.ts'
import type { TokenizerParts } from './tokenizer-parts.ts'
import type { TokenizerKeys } from './tokenizer-keys.ts'

const space = '\u2581'
const [normal, byte] = [1, 6]

/** Characters of a token that is merged, at most: more would take long to cut in every way. */
const maxCharacters = 512

/** @throws TokenizerError for scores that no merges can stand for, and for steps that are not known here. */
export function sentencePieceParts(keys: TokenizerKeys): TokenizerParts {
  const charsmap = keys.get('precompiled_charsmap')
  if (typeof charsmap === 'object' && charsmap.length > 0) {
    keys.refuse('precompiled_charsmap', 'none: this normalizer is not known here')
  }
  if (keys.flag('remove_extra_whitespaces', false)) keys.refuse('remove_extra_whitespaces', 'false')
  const prefixes = keys.flag('add_space_prefix', true)
  const { merges, ranks } = mergesOf(keys)
  const replaced = { type: 'Replace', pattern: { String: ' ' }, content: space }
  const spaced = { type: 'Replace', pattern: { String: space }, content: ' ' }
  const unknown = keys.specialTokens()['unk_token'] ?? null
  return {
    normalizer: {
      type: 'Sequence',
      normalizers: [...(prefixes ? [{ type: 'Prepend', prepend: space }] : []), replaced],
    },
    pre_tokenizer: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        ...[spaced, { type: 'ByteFallback' }, { type: 'Fuse' }],
        ...(prefixes ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
      ],
    },
    model: {
      ...{ type: 'BPE', dropout: null, unk_token: unknown, continuing_subword_prefix: null },
      ...{ end_of_word_suffix: null, fuse_unk: true, ignore_merges: false },
      byte_fallback: keys.tokens.some((_, id) => keys.typeOf(id) === byte),
      ...{ vocab: Object.fromEntries(keys.idOf), merges },
    },
    addsBeginning: true,
    ...(ranks && { ranks }),
  }
}

interface Merge {
  readonly left: number
  readonly right: number
  readonly made: number
  readonly score: number
}

/**
 * SentencePiece joins the two neighbors whose token has the best score, the leftmost of equal ones: as if
 * there was a merge for each way to cut a token in two others, in the order of scores.
 */
function mergesOf(keys: TokenizerKeys): {
  readonly merges: readonly (readonly [string, string])[]
  readonly ranks?: readonly number[]
} {
  const scores = keys.numbers('scores') ?? keys.refuse('scores', 'a list of numbers, one for each token')
  const isNormal = (id: number | undefined): id is number => id !== undefined && keys.typeOf(id) === normal
  const all: Merge[] = []
  for (const [made, token] of keys.tokens.entries()) {
    if (!isNormal(made)) continue
    const characters = Array.from(token)
    if (characters.length < 2) continue
    const score = scores[made]
    if (Number.isNaN(score)) keys.refuseWithin('scores', `NaN for token ${made}`, 'a number')
    if (characters.length > maxCharacters) {
      keys.refuseWithin(
        'tokens',
        `${characters.length} characters in token ${made}`,
        `at most ${maxCharacters}`,
      )
    }
    const lone = characters.find((character) => !isNormal(keys.idOf.get(character)))
    if (lone !== undefined) {
      const got = `${shown(token)}, but no token of its character ${shown(lone)} alone`
      keys.refuseWithin('tokens', got, 'one, to be merged from')
    }
    for (let at = characters[0].length; at < token.length; ) {
      const [left, right] = [keys.idOf.get(token.slice(0, at)), keys.idOf.get(token.slice(at))]
      if (isNormal(left) && isNormal(right)) all.push({ left, right, made, score })
      at += (token.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
    }
    if (all.length > maxTokens) keys.refuseWithin('tokens', `more than ${maxTokens} ways to merge`, 'fewer')
  }
  all.sort((a, b) => b.score - a.score || a.made - b.made || a.left - b.left || a.right - b.right)
  const ranks: number[] = []
  for (const [i, { score }] of all.entries())
    ranks.push(i > 0 && score === all[i - 1].score ? ranks[i - 1] : i)
  return {
    merges: all.map(({ left, right }) => [keys.tokens[left], keys.tokens[right]]),
    ...(ranks.some((rank, i) => rank !== i) && { ranks }),
  }
}
