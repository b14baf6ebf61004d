/** Files of tokenizers that are damaged, hostile, or ask for what burgeon lacks. */
import { PretrainedTokenizer, TokenizerError } from '@burgeon/gpt'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { times } from '../how-long.ts'
import { shapes, type TokenizerJson } from './tokenizer-shapes.ts'

type Json = Record<string, unknown>

/** A file of the shape of gpt2 with some parts put in the place of others. */
const gpt2 = (parts: Json): Json => ({ ...shapes.gpt2(), ...parts })
const model = (parts: Json): Json => gpt2({ model: { ...shapes.gpt2().model, ...parts }, added_tokens: [] })
const tiny = (merges: unknown, vocab: Json = { a: 0, b: 1, ab: 2 }): Json => model({ vocab, merges })
const cut = (pattern: unknown): Json =>
  gpt2({ pre_tokenizer: { type: 'Split', pattern, behavior: 'Isolated' } })
const messageOf = (json: unknown): string => {
  try {
    new PretrainedTokenizer(json as object).encode('some text')
  } catch (error) {
    expect(error).toBeInstanceOf(TokenizerError)
    return (error as Error).message
  }
  return 'was accepted'
}
const added = (id: unknown, content: unknown = '<x>'): Json => ({ id, content, special: true })

describe('a damaged file is refused, with the place that is wrong', () => {
  test.each<[string, unknown, string]>([
    ['no JSON', '{"model":', 'tokenizer.json: expected JSON'],
    ['no model', {}, 'tokenizer.json.model: got undefined; expected an object'],
    ['a list', '[]', 'tokenizer.json: got []; expected an object'],
    ['a model of another type', model({ type: 'Unigram' }), 'model.type: the model Unigram is not supported'],
    ['a vocabulary that is a list', model({ vocab: ['a'] }), "model.vocab: got ['a']; expected an object"],
    ['an id that is a fraction', tiny([], { a: 0.5 }), 'model.vocab.a: got 0.5; expected an integer from 0'],
    ['an absurd id', tiny([], { a: 1e9 }), 'model.vocab.a: got 1000000000; expected an integer'],
    ['an id twice', tiny([], { a: 0, b: 0 }), 'model.vocab.b: got 0; expected an id that no other token has'],
    [
      'an id of the prototype',
      JSON.parse('{"model":{"vocab":{"a":0,"__proto__":"x"},"merges":[]}}'),
      'vocab.__proto__: got',
    ],
    ['a vocabulary of nothing', tiny([], {}), 'expected a vocabulary of at least one token'],
    ['merges that are no list', tiny({}), 'model.merges: got an object with nothing; expected a list'],
    ['a merge of three', tiny(['a b c']), "model.merges[0]: got 'a b c'; expected two tokens"],
    ['a merge with two spaces', tiny(['a  b']), 'model.merges[0]'],
    ['a merge that is a hole', tiny(new Array(3)), 'model.merges[0]: got'],
    ['a merge of numbers', tiny([[0, 1]]), 'model.merges[0]: got [0, 1]; expected two tokens'],
    ['a merge into itself', tiny([['', 'a']], { a: 0, '': 1 }), 'model.merges[0]'],
    ['a merge of what is not there', tiny(['a c']), 'model.merges[0]: got'],
    ['a merge into what is not there', tiny(['a b', 'ab a']), 'model.merges[1]: got'],
    ['an unknown token that is none', model({ unk_token: '<none>' }), 'model.unk_token: got'],
    ['dropout', model({ dropout: 0.1 }), 'model.dropout: dropout is not supported'],
    ['a suffix', model({ end_of_word_suffix: '</w>' }), 'end_of_word_suffix is not supported'],
    ['a prefix', model({ continuing_subword_prefix: '##' }), 'continuing_subword_prefix is not supported'],
    [
      'a normalizer by another name',
      gpt2({ normalizer: { type: 'Precompiled' } }),
      'normalizer.type: the normalizer Precompiled',
    ],
    ['a normalizer of no name', gpt2({ normalizer: {} }), 'normalizer.type'],
    [
      'a normalizer that makes texts long',
      gpt2({ normalizer: { type: 'Prepend', prepend: 'x'.repeat(99) } }),
      'normalizer.prepend',
    ],
    [
      'a pre-tokenizer by another name',
      gpt2({ pre_tokenizer: { type: 'toString' } }),
      'the pre-tokenizer toString',
    ],
    [
      'a decoder by another name',
      gpt2({ decoder: { type: 'WordPiece' } }),
      'the decoder WordPiece is not supported',
    ],
    [
      'a post-processor by another name',
      gpt2({ post_processor: { type: 'BertProcessing' } }),
      'BertProcessing',
    ],
    [
      'no behavior',
      cut({ String: 'a' }).pre_tokenizer &&
        gpt2({ pre_tokenizer: { type: 'Split', pattern: { String: 'a' } } }),
      'behavior',
    ],
    [
      'an added token that is none',
      gpt2({ added_tokens: [7] }),
      'added_tokens[0]: got 7; expected an object',
    ],
    ['an added token of an absurd id', gpt2({ added_tokens: [added(2 ** 40)] }), 'added_tokens[0].id'],
    [
      'two added tokens of one id',
      gpt2({ added_tokens: [added(900), added(900, '<y>')] }),
      'added_tokens[1].id: got 900',
    ],
    [
      'an added token with an id of the vocabulary',
      gpt2({ added_tokens: [added(0)] }),
      'added_tokens[0].id: got 0',
    ],
    [
      'an added token that the vocabulary knows by another id',
      gpt2({ added_tokens: [added(900, '!')] }),
      'expected 0, which',
    ],
    [
      'an added token without end',
      gpt2({ added_tokens: [added(900, 'x'.repeat(5000))] }),
      'added_tokens[0].content',
    ],
    ['flags that are words', gpt2({ added_tokens: [{ ...added(900), lstrip: 'yes' }] }), 'lstrip: got'],
    [
      'a template of tokens that are not there',
      gpt2({ post_processor: template(99_999) }),
      'post_processor: got',
    ],
    [
      'a template without a text',
      gpt2({ post_processor: { ...template(0), single: [] } }),
      'post_processor.single',
    ],
  ])('%s', (_, json, expected) => {
    expect(messageOf(json)).toContain(expected)
  })
  test('lists inside lists without end', () => {
    let normalizer: Json = { type: 'NFC' }
    for (let i = 0; i < 5000; i++) normalizer = { type: 'Sequence', normalizers: [normalizer] }
    expect(messageOf(gpt2({ normalizer }))).toContain('at most 8 deep')
    expect(messageOf(`{"normalizer":${'{"a":['.repeat(50_000)}${']}'.repeat(50_000)}}`)).toContain(
      'tokenizer.json',
    )
  })
  test.each([
    ['(a+)+b', 'a repetition of repetitions'],
    ['(?:a|aa)*b', 'a repetition of repetitions'],
    ['(?:a?){9}', 'a repetition of repetitions'],
    ['a**', 'a repetition of repetitions'],
    ['a{1,99999}', 'at most 1000'],
    ['(a', 'as many ( as )'],
    ['a)', 'as many ( as )'],
    ['[a', 'a ] for every ['],
    ['[a[b]]', 'a class inside a class'],
    ['(?<name>a)', '(?'],
    ['(?#note)', 'a group that begins with (?'],
    ['\\bword', '\\b in an expression'],
    ['(a)\\1', '\\1 in an expression'],
    ['\\p{Nonsense}', 'the property Nonsense'],
    ['+a', 'something before +'],
    ['('.repeat(5000), 'at most'],
    ['\\', 'a character after a backslash'],
  ])('the expression %s', (source, expected) => {
    const message = messageOf(cut({ Regex: source }))
    expect(message).toContain('tokenizer.json.pre_tokenizer.pattern.Regex: ')
    expect(message).toContain(expected)
  })
})

const template = (id: number): Json => ({
  type: 'TemplateProcessing',
  single: [{ SpecialToken: { id: '<x>' } }, { Sequence: { id: 'A' } }],
  special_tokens: { '<x>': { ids: [id] } },
})

/** Every place of a value: the keys that lead to it. */
function* placesIn(value: unknown, path: readonly string[] = []): Generator<readonly string[]> {
  if (path.length > 0) yield path
  if (typeof value !== 'object' || value === null) return
  for (const key of Object.keys(value).slice(0, 12)) yield* placesIn((value as Json)[key], [...path, key])
}

function changedAt(value: unknown, [key, ...rest]: readonly string[], to: unknown): unknown {
  const copy = Array.isArray(value) ? [...(value as unknown[])] : { ...(value as Json) }
  const holder = copy as Json
  holder[key] = rest.length === 0 ? to : changedAt(holder[key], rest, to)
  return copy
}

const oddValues: readonly unknown[] = [
  ...[
    null,
    undefined,
    true,
    0,
    -1,
    1.5,
    1e9,
    2 ** 53,
    Number.NaN,
    '',
    'BPE',
    'Sequence',
    '\ud800',
    'a b',
    '(',
    '(a*)*',
  ],
  ...[
    [],
    {},
    [[]],
    [null],
    ['a', 'b'],
    { type: 'Sequence' },
    { type: 'NFC' },
    { toString: 1 },
    { String: '' },
    { Regex: '' },
  ],
]

test('whatever is put in the place of a part, a file is read or refused', () => {
  const files = Object.values(shapes).map((shape): TokenizerJson => shape())
  const change = fc.constantFrom(...files).chain((file) =>
    fc.record({
      file: fc.constant(file),
      changes: fc.array(fc.tuple(fc.constantFrom(...placesIn(file)), fc.constantFrom(...oddValues)), {
        minLength: 1,
        maxLength: 2,
      }),
    }),
  )
  let [read, refused] = [0, 0]
  fc.assert(
    fc.property(change, ({ file, changes }) => {
      let broken: unknown = file
      for (const [path, value] of changes) {
        try {
          broken = changedAt(broken, path, value)
        } catch {
          // The place went away with the first change.
        }
      }
      try {
        const tokenizer = new PretrainedTokenizer(broken as object)
        tokenizer.decode(tokenizer.encode("<s>It's a\n text, 12 ▁<|endoftext|>"))
        read++
      } catch (error) {
        if (!(error instanceof TokenizerError)) throw error
        expect(error.message).toMatch(/^tokenizer\.json/)
        refused++
      }
    }),
    { numRuns: times(1500, 60_000) },
  )
  expect(Math.min(read, refused)).toBeGreaterThan(100)
})

test('whatever letters of a file are changed, it is read or refused', () => {
  const texts = Object.values(shapes).map((shape) =>
    JSON.stringify({
      ...shape(),
      model: { vocab: { a: 0, b: 1, ab: 2 }, merges: ['a b'] },
      post_processor: null,
      added_tokens: [added(3)],
    }),
  )
  const letters = fc.constantFrom(...Array.from('{}[]",:0129aeEx\\u -.'))
  fc.assert(
    fc.property(
      fc.constantFrom(...texts),
      fc.nat(),
      letters,
      fc.nat({ max: 4 }),
      (text, at, letter, gone) => {
        const place = at % text.length
        const broken = text.slice(0, place) + letter + text.slice(place + gone)
        try {
          const tokenizer = new PretrainedTokenizer(broken)
          tokenizer.decode(tokenizer.encode('abba <x>'))
        } catch (error) {
          if (!(error instanceof TokenizerError)) throw error
        }
      },
    ),
    { numRuns: times(1500, 60_000) },
  )
})
