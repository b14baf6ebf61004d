/** Tokenizers inside GGUF files: the same tokens as before, or a typed error that names the key. Reaches inside to make files. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { Gpt, type GgufFile, openGguf, PretrainedTokenizer, TokenizerError, writeGguf } from '@burgeon/gpt'
import { openReference } from '@burgeon/tensor/reference'
import { expect, test } from 'vitest'
import { headerBytes, type TypedValue } from '../../packages/gpt/src/pretrained/gguf/format/header-bytes.ts'
import { times } from '../how-long.ts'
import { shapes, tokenizerConfig, type TokenizerJson } from './tokenizer-shapes.ts'
import { tortureTexts } from './torture-texts.ts'

const open = (bytes: Uint8Array): Promise<GgufFile> =>
  openGguf({ size: bytes.length, read: (a, b) => Promise.resolve(bytes.slice(a, b)) }, { place: 'memory' })
const kind = { norm: 'rms', positions: 'rotary', activation: 'swiglu', biases: [] } as const
const modelOf = (vocabulary: number): Gpt =>
  Gpt.create(
    { vocabulary, context: 4, embed: 4, heads: 1, layers: 1, mlpHidden: 4, ...kind },
    { device: openReference(), seed: 1 },
  )

/** The tokenizer that a file holds after this one was written into it, beside two rows that no token has. */
async function through(tokenizer: PretrainedTokenizer): Promise<PretrainedTokenizer> {
  const model = modelOf(tokenizer.vocabulary + 2)
  const read = (await open(await writeGguf(model, { tokenizer }))).tokenizer()
  if (read === null) throw new Error('the file has no tokenizer')
  return read
}

function expectSame(ours: PretrainedTokenizer, read: PretrainedTokenizer): void {
  for (const text of Object.values(tortureTexts)) {
    const ids = ours.encode(text)
    expect(read.encode(text)).toEqual(ids)
    expect(read.decode(ids)).toBe(ours.decode(ids))
    expect(read.decode(ids, { skipSpecialTokens: true })).toBe(ours.decode(ids, { skipSpecialTokens: true }))
  }
  expect([read.bosTokenId, read.eosTokenId]).toEqual([ours.bosTokenId, ours.eosTokenId])
}

/** The start of texts as the file's own configuration says it. */
const configs: Readonly<Record<string, object>> = {
  gpt2: { eos_token: '<|endoftext|>' },
  llama3: { bos_token: '<|begin_of_text|>', eos_token: '<|eot_id|>' },
  qwen: { eos_token: '<|im_end|>', pad_token: '<|endoftext|>', chat_template: 'hm {{ messages }}' },
}

test.each(Object.entries(configs))('%s is the same after GGUF', async (name, config) => {
  const ours = new PretrainedTokenizer(shapes[name](), config)
  const read = await through(ours)
  expectSame(ours, read)
  expect(read.vocabulary).toBe(ours.vocabulary + 2)
  expect(read.hasChatTemplate).toBe('chat_template' in config)
})

test('learnt merges of a byte-level tokenizer are merges of the file', async () => {
  const ours = new PretrainedTokenizer(shapes['gpt2'](), configs['gpt2'])
  const [a, b] = ['t', 'h'].map((text) => ours.encode(text)[0])
  ours.add([[a, ours.vocabulary - 2]])
  ours.add([[b, ours.vocabulary - 1]].filter(([left, right]) => left !== right) as [number, number][])
  expectSame(ours, await through(ours))
})

const withModel = (json: TokenizerJson, model: object): TokenizerJson => ({
  ...json,
  model: { ...json.model, ...model },
})

test.each<[string, RegExp, () => PretrainedTokenizer]>([
  [
    'merges that scores cannot stand for',
    /got no merge/,
    () => new PretrainedTokenizer(shapes['llama2'](), tokenizerConfig),
  ],
  [
    'spaces put before the first piece alone',
    /normalizer|pre_tokenizer/,
    () => new PretrainedTokenizer(shapes['mistral'](), tokenizerConfig),
  ],
  [
    'a pre_tokenizer without a name',
    /pre_tokenizer/,
    () =>
      new PretrainedTokenizer({
        ...shapes['gpt2'](),
        pre_tokenizer: { type: 'ByteLevel', add_prefix_space: true },
      }),
  ],
  [
    'ignore_merges where it is not usual',
    /pre_tokenizer/,
    () => new PretrainedTokenizer(withModel(shapes['gpt2'](), { ignore_merges: true })),
  ],
  [
    'a token before texts that is no bos_token',
    /around a text/,
    () => new PretrainedTokenizer(shapes['llama3'](), { bos_token: '<|eot_id|>' }),
  ],
])('refused: %s', async (_, message, make) => {
  const written = through(make())
  await expect(written).rejects.toThrow(message)
  await expect(written).rejects.toThrow(TokenizerError)
})

/** Joins the neighbors whose token has the best score, the leftmost of equal ones, again and again. */
function byScores(scores: ReadonlyMap<string, number>, text: string): string[] {
  const parts = Array.from(text.replaceAll(' ', '▁'))
  for (;;) {
    const joined = parts.slice(1).map((right, i) => scores.get(parts[i] + right) ?? -Infinity)
    const best = Math.max(-Infinity, ...joined)
    if (best === -Infinity) return parts
    const at = joined.indexOf(best)
    parts.splice(at, 2, parts[at] + parts[at + 1])
  }
}

test('scores merge as SentencePiece does, also where several are equal', async () => {
  const letters = ['a', 'b', '▁']
  const piece = fc
    .array(fc.constantFrom(...letters), { minLength: 2, maxLength: 5 })
    .map((all) => all.join(''))
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(piece, fc.integer({ min: -6, max: 0 })), {
        selector: ([text]) => text,
        maxLength: 25,
      }),
      fc.array(fc.constantFrom('a', 'b', ' '), { maxLength: 60 }).map((all) => all.join('')),
      async (pieces, text) => {
        const tokens = ['<unk>', ...letters, ...pieces.map(([own]) => own)]
        const scores = Float32Array.from([0, -9, -9, -9, ...pieces.map(([, score]) => score)])
        const keys = new Map<string, TypedValue>([
          ['tokenizer.ggml.model', ['text', 'llama']],
          ['tokenizer.ggml.tokens', ['texts', tokens]],
          ['tokenizer.ggml.scores', ['f32s', scores]],
          ['tokenizer.ggml.token_type', ['i32s', Int32Array.from(tokens, (_, i) => (i === 0 ? 2 : 1))]],
          ['tokenizer.ggml.add_bos_token', ['bool', false]],
          ['tokenizer.ggml.add_space_prefix', ['bool', false]],
        ])
        const read = (await open(headerBytes(keys, []))).tokenizer() as PretrainedTokenizer
        const expected = byScores(new Map(pieces), text)
        expect(Array.from(read.encode(text), (id) => tokens[id])).toEqual(expected)
        const restored = PretrainedTokenizer.fromState(read.toState())
        expect(restored.encode(text)).toEqual(read.encode(text))
      },
    ),
    { numRuns: times(300, 5000), seed: 11 },
  )
})

test("the gold file's tokenizer is the same after GGUF", async () => {
  const bytes = new Uint8Array(readFileSync(join(import.meta.dirname, '../gold/gguf/llama.gguf')))
  const ours = (await open(bytes)).tokenizer() as PretrainedTokenizer
  expectSame(ours, await through(ours))
})

test('scores go on as merges when more are learnt', async () => {
  const bytes = new Uint8Array(readFileSync(join(import.meta.dirname, '../gold/gguf/llama.gguf')))
  const tokenizer = (await open(bytes)).tokenizer() as PretrainedTokenizer
  const before = tokenizer.encode('aaaaaaa cc c')
  const [c] = tokenizer.encode('c').slice(-1)
  tokenizer.add([[c, c]])
  const after = tokenizer.encode('aaaaaaa cc c')
  expect([...after]).toEqual(
    [...before]
      .join()
      .replace(`${c},${c}`, `${tokenizer.vocabulary - 1}`)
      .split(',')
      .map(Number),
  )
  const restored = PretrainedTokenizer.fromState(tokenizer.toState())
  expect(restored.encode('aaaaaaa cc c')).toEqual(after)
  await expect(through(tokenizer)).rejects.toThrow(/1 learnt merges/)
})

const key = (name: string): string => `tokenizer.ggml.${name}`

test.each<[string, RegExp, readonly (readonly [string, TypedValue])[]]>([
  ['another model', /tokenizer\.ggml\.model: 'bert'/, [[key('model'), ['text', 'bert']]]],
  ['no name of the way texts are cut', /tokenizer\.ggml\.pre: undefined/, [[key('model'), ['text', 'gpt2']]]],
  [
    'an unknown name',
    /tokenizer\.ggml\.pre: 'viking'/,
    [
      [key('model'), ['text', 'gpt2']],
      [key('pre'), ['text', 'viking']],
    ],
  ],
  ['no scores', /tokenizer\.ggml\.scores/, []],
  [
    'scores that are NaN',
    /tokenizer\.ggml\.scores: NaN for token 2/,
    [[key('scores'), ['f32s', Float32Array.of(0, 0, NaN)]]],
  ],
  [
    'fewer types than tokens',
    /tokenizer\.ggml\.token_type/,
    [[key('token_type'), ['i32s', Int32Array.of(1)]]],
  ],
  [
    'a type that is none',
    /tokenizer\.ggml\.token_type: 9 of token 0/,
    [
      [key('scores'), ['f32s', new Float32Array(3)]],
      [key('token_type'), ['i32s', Int32Array.of(9, 1, 1)]],
    ],
  ],
  ['a token twice', /tokenizer\.ggml\.tokens: 'a' twice/, [[key('tokens'), ['texts', ['a', 'a', 'b']]]]],
  [
    'a token without its characters',
    /tokenizer\.ggml\.tokens: 'ac', but no token/,
    [
      [key('tokens'), ['texts', ['a', 'b', 'ac']]],
      [key('scores'), ['f32s', new Float32Array(3)]],
    ],
  ],
  [
    'a beginning that is no token',
    /tokenizer\.ggml\.bos_token_id: 7/,
    [
      [key('scores'), ['f32s', new Float32Array(3)]],
      [key('bos_token_id'), ['u32', 7]],
    ],
  ],
  [
    'white space that is taken away',
    /tokenizer\.ggml\.remove_extra_whitespaces/,
    [[key('remove_extra_whitespaces'), ['bool', true]]],
  ],
])('refused by the name of the key: %s', async (_, message, keys) => {
  const all = new Map<string, TypedValue>([
    [key('model'), ['text', 'llama']],
    [key('tokens'), ['texts', ['a', 'b', 'ab']]],
    ...keys,
  ])
  const file = await open(headerBytes(all, []))
  expect(() => file.tokenizer()).toThrow(message)
  expect(() => file.tokenizer()).toThrow(TokenizerError)
})
