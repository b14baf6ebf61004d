/** Reaches inside for the file of a model of bytes. Tokenizers that have learnt, as files: read by burgeon and by Hugging Face's reader in JavaScript to the same tokens. */
import {
  BytePairTokenizer,
  type GrowingTokenizer,
  MergeLearner,
  PretrainedTokenizer,
  TokenizerError,
  tokenizerFiles,
} from '@burgeon/gpt'
import { Tokenizer } from '@huggingface/tokenizers'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { byteLevelTokenizerJson } from '../../packages/burgeon/src/models/byte-level-tokenizer.ts'
import { shapes, tokenizerConfig, type TokenizerJson } from './tokenizer-shapes.ts'

const of = (name: string): PretrainedTokenizer => new PretrainedTokenizer(shapes[name](), tokenizerConfig)
const text = 'zyzzyva weevils, zyzzyva weevils: many zyzzyvas eat weevils. '.repeat(20)
const others = [
  '',
  ' ',
  'é 日本 😀',
  "don't  stop\n\n 1234",
  '<s>weevils</s>',
  '<|endoftext|>zyzzyva<|eot_id|>',
  '[INST] x',
]

function taught<T extends GrowingTokenizer>(tokenizer: T, count: number): T {
  const learner = new MergeLearner({ tokenizer })
  learner.observe(text)
  tokenizer.add(learner.propose(tokenizer, count).map(({ merge }) => merge))
  return tokenizer
}

const parsed = (tokenizer: PretrainedTokenizer): TokenizerJson =>
  JSON.parse(tokenizerFiles(tokenizer).tokenizerJson) as TokenizerJson

describe.each(Object.keys(shapes))('a tokenizer of %s that has learnt', (name) => {
  const grown = taught(of(name), 15)
  const files = tokenizerFiles(grown)

  test('is read back from its files to the same tokens', () => {
    const again = new PretrainedTokenizer(files.tokenizerJson, files.tokenizerConfig)
    expect([again.vocabulary, again.merges]).toEqual([grown.vocabulary, []])
    expect(Math.max(...again.encode(text))).toBeGreaterThanOrEqual(of(name).vocabulary)
    for (const each of [text, ...others]) {
      expect([...again.encode(each)]).toEqual([...grown.encode(each)])
      expect(again.decode(grown.encode(each))).toBe(grown.decode(grown.encode(each)))
    }
    expect(tokenizerFiles(again)).toEqual(files)
  })

  test('is so by another reader', () => {
    const theirs = new Tokenizer(parsed(grown), JSON.parse(files.tokenizerConfig) as object)
    for (const each of [text, ...others]) expect(theirs.encode(each).ids).toEqual([...grown.encode(each)])
  })

  test('has a number in the vocabulary for every token, those that were added among them', () => {
    const { model, added_tokens: added } = parsed(grown)
    const vocab = model['vocab'] as Record<string, number>
    for (const { content, id } of added as { content: string; id: number }[]) expect(vocab[content]).toBe(id)
    const ids = Object.values(vocab)
    expect(new Set(ids).size).toBe(ids.length)
    expect(Math.max(...ids)).toBe(grown.vocabulary - 1)
    const before = shapes[name]().model
    const merges = model['merges'] as unknown[]
    expect(merges).toHaveLength((before['merges'] as unknown[]).length + 15)
    // Older readers know merges as texts alone.
    expect(merges.every((merge) => typeof merge === 'string')).toBe(true)
  })

  test('of any merges is read back to the same tokens, or refused', () => {
    const some = fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 8 })
    const words = fc.string({ unit: fc.constantFrom('a', 'e', 'th', ' ', 'in', 'é', '日') })
    fc.assert(
      fc.property(some, words, (pairs, word) => {
        const tokenizer = of(name)
        for (const [left, right] of pairs) {
          try {
            tokenizer.add([[left % tokenizer.vocabulary, right % tokenizer.vocabulary]])
          } catch {
            // A pair that cannot be learnt.
          }
        }
        try {
          const { tokenizerJson, tokenizerConfig: config } = tokenizerFiles(tokenizer)
          const again = new PretrainedTokenizer(tokenizerJson, config)
          expect([...again.encode(word)]).toEqual([...tokenizer.encode(word)])
        } catch (error) {
          if (!(error instanceof TokenizerError)) throw error
        }
      }),
    )
  })
})

test('a tokenizer of bytes has a file, too, whose pieces are its own', () => {
  const ours = taught(new BytePairTokenizer(), 40)
  const own = new PretrainedTokenizer(byteLevelTokenizerJson())
  own.add(ours.merges)
  const { tokenizerJson } = tokenizerFiles(own)
  const again = new PretrainedTokenizer(tokenizerJson)
  const theirs = new Tokenizer(JSON.parse(tokenizerJson) as object, {})
  const spaces = 'a\u0085b\ufeffc\u00a0d\u2003e weevils\u0085weevils'
  for (const each of [text, spaces, ...others]) {
    expect([...again.encode(each)]).toEqual([...ours.encode(each)])
    if (each !== spaces) expect(theirs.encode(each).ids).toEqual([...ours.encode(each)])
  }
})

test('merges are pairs where a space in a token would be taken for the one between two', () => {
  const bytes = Array.from({ length: 256 }, (_, i) => [
    `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`,
    i,
  ])
  const vocab = { ...(Object.fromEntries(bytes) as object), a: 256, ' ': 257, aa: 258 }
  const model = { type: 'BPE', vocab, merges: ['a a'], byte_fallback: true }
  const tokenizer = new PretrainedTokenizer({ model })
  tokenizer.add([[256, 257]])
  const { tokenizerJson } = tokenizerFiles(tokenizer)
  expect((JSON.parse(tokenizerJson) as TokenizerJson).model['merges']).toEqual([
    ['a', 'a'],
    ['a', ' '],
  ])
  expect([...new PretrainedTokenizer(tokenizerJson).encode('a aa')]).toEqual([...tokenizer.encode('a aa')])
})

test('merges with ranks of their own get more of them', () => {
  const json = {
    model: { type: 'BPE', vocab: { ...byteVocabulary(), ab: 256 }, merges: ['a b'] },
    pre_tokenizer: byteLevel,
    decoder: byteLevel,
  }
  const tokenizer = new PretrainedTokenizer(json, { merge_ranks: [0] })
  tokenizer.add([[256, 97]])
  const { tokenizerJson, tokenizerConfig: config } = tokenizerFiles(tokenizer)
  expect(JSON.parse(config)).toEqual({ merge_ranks: [0, 1] })
  expect([...new PretrainedTokenizer(tokenizerJson, config).encode('aba')]).toEqual([257])
})

const byteLevel = { type: 'ByteLevel', add_prefix_space: false, use_regex: false }
const byteVocabulary = (): Record<string, number> =>
  (byteLevelTokenizerJson() as { model: { vocab: Record<string, number> } }).model.vocab

describe('what a file cannot say is refused with its token', () => {
  const expectRefusal = (tokenizer: PretrainedTokenizer, message: RegExp): void => {
    expect(() => tokenizerFiles(tokenizer)).toThrow(TokenizerError)
    expect(() => tokenizerFiles(tokenizer)).toThrow(message)
  }
  test('two tokens with one text', () => {
    const tokenizer = new PretrainedTokenizer(byteLevelTokenizerJson())
    tokenizer.add([
      [97, 98],
      [256, 99],
      [98, 99],
      [97, 258],
    ])
    expectRefusal(
      tokenizer,
      /got the learnt token 259, 'abc'; expected a text that no other token has, as 257 has/,
    )
  })
  test('a token of single bytes where these have names', () => {
    const tokenizer = of('llama2')
    const [a, b] = tokenizer.encodeBytes(Uint8Array.of(0xe2, 0x82))
    tokenizer.add([[a, b]])
    expectRefusal(tokenizer, /'<0xE2><0x82>'; expected tokens of whole characters/)
  })
  test('a token that readers would take whole where merges do not lead to it', () => {
    const vocab = { ...byteVocabulary(), bc: 256 }
    const model = { type: 'BPE', vocab, merges: ['b c'], ignore_merges: true }
    const tokenizer = new PretrainedTokenizer({ model, pre_tokenizer: byteLevel, decoder: byteLevel })
    tokenizer.add([
      [97, 98],
      [257, 99],
    ])
    expectRefusal(tokenizer, /learnt token 258, 'abc'; expected one that merges lead to.*ignore_merges/)
  })
})
