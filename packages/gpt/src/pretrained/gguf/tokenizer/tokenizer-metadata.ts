/** From a tokenizer to the keys of a GGUF file. What they cannot say is refused, by reading them back. */
import { shown } from '@burgeon/tensor'
import { TokenizerError } from '../../../tokenizer/json/json-part.ts'
import type { PretrainedTokenizer } from '../../../tokenizer/pretrained-tokenizer.ts'
import type { TypedValue } from '../format/header-bytes.ts'
import { cuttings } from './byte-level.ts'
import { ggufTokenizer } from './gguf-tokenizer.ts'

type Json = Readonly<Record<string, unknown>>

/** A tokenizer.json, as far as it is looked at here; PretrainedTokenizer has checked it. */
interface TokenizerJson {
  readonly normalizer?: Json | null
  readonly pre_tokenizer?: Json | null
  readonly decoder?: Json | null
  readonly added_tokens?: readonly (Json & { readonly id: number; readonly content: string })[]
  readonly model: {
    readonly vocab: Readonly<Record<string, number>>
    readonly merges: readonly (string | readonly [string, string])[]
    readonly unk_token?: string | null
    readonly byte_fallback?: boolean
    readonly ignore_merges?: boolean
  }
}

/**
 * The keys of a tokenizer.
 *
 * @param rows Rows of the model's embedding: as many tokens are written, those beyond the tokenizer's
 *   without use.
 * @throws TokenizerError, naming the part, for what readers of such files would do otherwise.
 */
export function tokenizerMetadata(tokenizer: PretrainedTokenizer, rows: number): Map<string, TypedValue> {
  const state = tokenizer.toState()
  const json = JSON.parse(state.tokenizerJson) as TokenizerJson
  const config = JSON.parse(state.tokenizerConfig) as Json
  if (tokenizer.vocabulary > rows) {
    refuse(`a tokenizer of ${tokenizer.vocabulary} tokens`, `at most ${rows}, the rows of the embedding`)
  }
  for (const token of json.added_tokens ?? []) {
    const own = ['lstrip', 'rstrip', 'single_word'].find((key) => token[key] === true)
    if (own !== undefined) refuse(`${own} of the added token ${shown(token.content)}`, 'none')
  }
  const isByteLevel = JSON.stringify(json.pre_tokenizer ?? null).includes('"ByteLevel"')
  const { tokens, types } = tokensOf(json, rows, !isByteLevel)
  const merges = json.model.merges.map((merge) => (typeof merge === 'string' ? merge.split(' ') : [...merge]))
  const pre = isByteLevel ? preOf(json) : 'default'
  if (isByteLevel) addLearnt(state.merges, { tokens, types, merges, first: state.vocabulary })
  else if (state.merges.length > 0)
    refuse(`${state.merges.length} learnt merges`, 'none: such files have scores alone')
  const all = new Map<string, TypedValue>([
    ['tokenizer.ggml.model', ['text', isByteLevel ? 'gpt2' : 'llama']],
    ['tokenizer.ggml.pre', ['text', pre]],
    ['tokenizer.ggml.tokens', ['texts', tokens]],
    ...(isByteLevel
      ? []
      : ([['tokenizer.ggml.scores', ['f32s', scoresOf(tokens, merges, config)]]] as const)),
    ['tokenizer.ggml.token_type', ['i32s', Int32Array.from(types)]],
    ...(isByteLevel
      ? ([['tokenizer.ggml.merges', ['texts', merges.map((pair) => pair.join(' '))]]] as const)
      : ([['tokenizer.ggml.add_space_prefix', ['bool', hasPrefix(json)]]] as const)),
    ...specials(tokenizer, json, config),
    ...templates(config),
  ])
  checkReadBack(tokenizer, json, all)
  return all
}

function refuse(got: string, expected: string): never {
  throw new TokenizerError(
    `writeGguf: got ${got}; expected ${expected}. Readers of GGUF files would encode texts otherwise: write it without the tokenizer.`,
  )
}

/** Every token by number, and its type. Numbers that no token has are there without use. */
function tokensOf(
  { added_tokens: added = [], model }: TokenizerJson,
  rows: number,
  hasBytes: boolean,
): { readonly tokens: string[]; readonly types: number[] } {
  const tokens = Array.from({ length: rows }, (_, id) => `[PAD${id}]`)
  const types = tokens.map(() => 5)
  for (const [token, id] of Object.entries(model.vocab)) {
    tokens[id] = token
    types[id] = hasBytes && model.byte_fallback && /^<0x[0-9A-F]{2}>$/.test(token) ? 6 : 1
  }
  for (const { id, content, special } of added) {
    tokens[id] = content
    types[id] = content === model.unk_token ? 2 : special === true ? 3 : 4
  }
  return { tokens, types }
}

/** The name of the way texts are cut. */
function preOf({ normalizer, pre_tokenizer, model }: TokenizerJson): string {
  const found = Object.entries(cuttings).find(
    ([, own]) =>
      canonical(own.pre_tokenizer) === canonical(pre_tokenizer) &&
      canonical(own.normalizer) === canonical(normalizer) &&
      (own.ignoresMerges ?? false) === (model.ignore_merges ?? false),
  )
  return (
    found?.[0] ??
    refuse('a pre_tokenizer and normalizer that no name is known for', Object.keys(cuttings).join(', '))
  )
}

/** Learnt merges go after all others, their tokens where they were learnt. */
function addLearnt(
  learnt: readonly (readonly [number, number])[],
  to: {
    readonly tokens: string[]
    readonly types: number[]
    readonly merges: string[][]
    readonly first: number
  },
): void {
  for (const [i, [left, right]] of learnt.entries()) {
    const pair = [to.tokens[left], to.tokens[right]]
    to.merges.push(pair)
    to.tokens[to.first + i] = pair.join('')
    to.types[to.first + i] = 1
  }
}

/** A token's score is the better the earlier its first merge. */
function scoresOf(tokens: readonly string[], merges: readonly string[][], config: Json): Float32Array {
  const ranks = config['merge_ranks'] as readonly number[] | undefined
  const scoreOf = new Map<string, number>()
  for (const [i, pair] of merges.entries()) {
    const [made, score] = [pair.join(''), -(ranks?.[i] ?? i)]
    if (!scoreOf.has(made)) scoreOf.set(made, score)
  }
  if (scoreOf.size > 0 && merges.length >= 2 ** 24)
    refuse(`${merges.length} merges`, 'fewer: scores are single floats')
  return Float32Array.from(tokens, (token) => scoreOf.get(token) ?? 0)
}

const hasPrefix = ({ normalizer }: TokenizerJson): boolean =>
  JSON.stringify(normalizer ?? null).includes('"Prepend"')

/** Numbers of special tokens, and which stand around a text. */
function specials(
  tokenizer: PretrainedTokenizer,
  { model }: TokenizerJson,
  config: Json,
): [string, TypedValue][] {
  const unknown = typeof config['unk_token'] === 'string' ? config['unk_token'] : model.unk_token
  const ids: readonly (readonly [string, number | null])[] = [
    ['bos_token_id', tokenizer.bosTokenId],
    ['eos_token_id', tokenizer.eosTokenId],
    ['unknown_token_id', unknown ? tokenizer.tokenToId(unknown) : null],
    ['padding_token_id', tokenizer.padTokenId],
  ]
  const around = [...tokenizer.encode('')]
  const { bosTokenId: bos, eosTokenId: eos } = tokenizer
  const isKnown = [[], [bos], [eos], [bos, eos]].find((each) => each.join() === around.join())
  if (isKnown === undefined)
    refuse(`the tokens ${around.join(', ')} around a text`, 'bos_token and eos_token')
  return [
    // SentencePiece's have usual numbers, unless a key says that there is none.
    ...ids.map(([key, id]): [string, TypedValue] => [`tokenizer.ggml.${key}`, ['u32', id ?? 2 ** 32 - 1]]),
    ['tokenizer.ggml.add_bos_token', ['bool', around.length > 0 && around[0] === bos]],
    [
      'tokenizer.ggml.add_eos_token',
      ['bool', around.length === 2 || (around.length === 1 && around[0] !== bos)],
    ],
  ]
}

function templates({ chat_template: given }: Json): [string, TypedValue][] {
  const all = Array.isArray(given)
    ? (given as readonly { readonly name: string; readonly template: string }[])
    : typeof given === 'string'
      ? [{ name: 'default', template: given }]
      : []
  return all.map(({ name, template }) => [
    name === 'default' ? 'tokenizer.chat_template' : `tokenizer.chat_template.${name}`,
    ['text', template],
  ])
}

/** Throws TokenizerError unless what would be read is what is written. */
function checkReadBack(
  tokenizer: PretrainedTokenizer,
  json: TokenizerJson,
  written: ReadonlyMap<string, TypedValue>,
): void {
  const metadata = new Map([...written].map(([key, [, value]]) => [key, value] as const))
  const again = ggufTokenizer({ place: 'writeGguf', version: 3, metadata, tensors: new Map() }, {})
  if (again === null) return
  const read = JSON.parse(again.toState().tokenizerJson) as TokenizerJson
  for (const part of ['normalizer', 'pre_tokenizer', 'decoder'] as const) {
    const isOfBytes = part === 'decoder' && read[part]?.['type'] === 'ByteLevel'
    // A decoder of bytes has no settings that change anything.
    if (isOfBytes && json[part]?.['type'] === 'ByteLevel') continue
    if (canonical(read[part]) === canonical(json[part])) continue
    refuse(`the ${part} ${shown(json[part]).slice(0, 200)}`, shown(read[part]).slice(0, 200))
  }
  for (const flag of ['byte_fallback', 'ignore_merges'] as const) {
    if ((read.model[flag] ?? false) !== (json.model[flag] ?? false)) {
      refuse(`${flag} ${shown(json.model[flag])}`, shown(read.model[flag]))
    }
  }
  checkMerges(json, read)
  if (again.encode('').join() !== tokenizer.encode('').join()) {
    refuse(
      `the tokens ${tokenizer.encode('').join(', ')} around a text`,
      again.encode('').join(', ') || 'none',
    )
  }
}

/** Throws TokenizerError where scores would allow other merges, or in another order. */
function checkMerges({ model }: TokenizerJson, { model: read }: TokenizerJson): void {
  const pairOf = (merge: string | readonly [string, string]): string =>
    typeof merge === 'string' ? merge : merge.join(' ')
  const madeBy = new Map(read.merges.map((merge, i) => [pairOf(merge), i] as const))
  const own = model.merges.map(pairOf)
  const missing = own.find((pair) => !madeBy.has(pair))
  if (missing !== undefined) refuse(`the merge ${shown(missing)}`, 'none that scores cannot stand for')
  if (model.byte_fallback !== true) return
  const known = new Set(own)
  const extra = [...madeBy.keys()].find((pair) => !known.has(pair))
  if (extra !== undefined) refuse(`no merge ${shown(extra)}`, 'one for each way to cut a token')
  const done = new Set<string>()
  let before = ''
  for (const pair of own) {
    const made = pair.replace(' ', '')
    if (made !== before && done.has(made))
      refuse(`merges that make ${shown(made)} apart`, 'all of them in a row')
    done.add(made)
    before = made
  }
}

/** The same text for parts that do the same. */
function canonical(part: unknown): string {
  return JSON.stringify(part ?? null, (key, value: unknown) => {
    if (key === 'trim_offsets') return undefined
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    const { type, ...others } = value as Json
    const usual =
      type === 'ByteLevel'
        ? { add_prefix_space: true, use_regex: true }
        : type === 'Split'
          ? { invert: false }
          : {}
    const whole: Json = { ...usual, ...others }
    return { type, ...Object.fromEntries(Object.entries(whole).toSorted(([a], [b]) => (a < b ? -1 : 1))) }
  })
}
