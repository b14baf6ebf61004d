/** Parts of tokenizer.json one by one, beside Hugging Face's own in JavaScript, or the rules of the reference in Rust where the two differ. */
import { PretrainedTokenizer } from '@burgeon/gpt'
import { Tokenizer } from '@huggingface/tokenizers'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { shapes, type TokenizerJson } from './tokenizer-shapes.ts'

const letters = 'a A b B c x y 1 2 3 ² ½ . , ! … « “ _ é é ß İ Σ ▁ 日 😀 ﬁ'.split(' ')
const texts = fc
  .array(
    fc.constantFrom(...letters, ' ', ' ', '  ', '\n', '\t', '\u00a0', '<a>', '<b>', '<c>', '<d>', 'ab', 'Ab'),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(''))

/** Characters as tokens: the vocabulary says what pieces there were by merging nothing but whole ones. */
function fileOf(parts: Record<string, unknown>): TokenizerJson {
  return { ...shapes.mistral(), pre_tokenizer: null, post_processor: null, ...parts }
}

/** A text that the two encode differently; null if there is none. */
function differenceIn(json: TokenizerJson): readonly [string] | null {
  const ours = new PretrainedTokenizer(structuredClone(json))
  const theirs = new Tokenizer(structuredClone(json), {})
  const isAlike = fc.property(texts, (text) => String(ours.encode(text)) === String(theirs.encode(text).ids))
  return fc.check(isAlike, { numRuns: 300 }).counterexample
}

const split = (pattern: object, behavior: string, invert = false): object => ({
  ...{ type: 'Split', pattern, behavior, invert },
})

describe('normalizers', () => {
  const ofText = (normalizer: unknown, text: string): string => {
    const tokenizer = new PretrainedTokenizer(
      fileOf({
        normalizer,
        decoder: { type: 'Sequence', decoders: [{ type: 'ByteFallback' }, { type: 'Fuse' }] },
      }),
    )
    return tokenizer.decode(tokenizer.encode(text))
  }
  test.each<[string, unknown]>([
    ['NFC', { type: 'NFC' }],
    ['NFD', { type: 'NFD' }],
    ['NFKC', { type: 'NFKC' }],
    ['Replace of a string', { type: 'Replace', pattern: { String: '.' }, content: 'x' }],
    ['Replace of an expression', { type: 'Replace', pattern: { Regex: '\\s+|[.,]{2}' }, content: ' ' }],
    ['Prepend', { type: 'Prepend', prepend: '▁' }],
    ['Sequence', { type: 'Sequence', normalizers: [{ type: 'NFKC' }, { type: 'Prepend', prepend: 'x' }] }],
  ])('%s', (_, normalizer) => {
    expect(differenceIn(fileOf({ normalizer }))).toBe(null)
  })
  test('Replace puts in what it is told, signs of money too', () => {
    expect(ofText({ type: 'Replace', pattern: { String: '.' }, content: '$&$1' }, 'a.b')).toBe('a$&$1b')
  })
  test('Lowercase, letter by letter', () => {
    expect(ofText({ type: 'Lowercase' }, 'ΑΣ. İA ẞ')).toBe('ας. i̇a ß'.replace('ς', 'σ'))
  })
  test('Strip, on either side', () => {
    const strip = { type: 'Strip', strip_left: true, strip_right: true }
    expect(ofText(strip, '\u0085 a b \u3000\n')).toBe('a b')
    expect(ofText({ ...strip, strip_left: false }, ' a ')).toBe(' a')
    expect(ofText({ ...strip, strip_right: false }, ' a ')).toBe('a ')
    expect(ofText(strip, ' \n ')).toBe('')
  })
})

describe('pre-tokenizers', () => {
  // The one in JavaScript takes the others for Isolated, and never splits a Metaspace.
  const behaviors = ['Removed', 'Isolated']
  /** The pieces that a text is cut into, made visible: every other character of a piece is merged with the next. */
  const piecesOf = (pre_tokenizer: unknown, text: string): string[] => {
    const tokens = Array.from(new Set(text))
    const whole = Array.from({ length: text.length }, (_, from) =>
      Array.from({ length: text.length - from }, (__, length) => text.slice(from, from + length + 1)),
    ).flat()
    const names = [...new Set([...tokens, ...whole])]
    const vocab = Object.fromEntries(names.map((token, id) => [token, id]))
    const model = { type: 'BPE', vocab, merges: [], ignore_merges: true }
    const tokenizer = new PretrainedTokenizer({ model, pre_tokenizer })
    return Array.from(tokenizer.encode(text), (id) => names[id])
  }
  test.each<[string, string[]]>([
    ['Removed', ['a', 'b', 'c']],
    ['Isolated', ['a', '-', '-', 'b', '-', 'c', '-']],
    ['MergedWithPrevious', ['a-', '-', 'b-', 'c-']],
    ['MergedWithNext', ['a', '-', '-b', '-c', '-']],
    ['Contiguous', ['a', '--', 'b', '-', 'c', '-']],
  ])('Split, %s', (behavior, pieces) => {
    expect(piecesOf(split({ String: '-' }, behavior), 'a--b-c-')).toEqual(pieces)
  })
  test('Split, where what matches is kept', () => {
    const kept = (behavior: string): string[] => piecesOf(split({ Regex: '[^-]' }, behavior, true), 'a--bc-')
    expect(kept('Removed')).toEqual(['a', 'b', 'c'])
    expect(kept('Isolated')).toEqual(['a', '--', 'b', 'c', '-'])
    expect(kept('MergedWithNext')).toEqual(['a', '--b', 'c', '-'])
    expect(kept('MergedWithPrevious')).toEqual(['a--', 'b', 'c-'])
  })
  test.each<[string, object, string, string[]]>([
    ['Digits', { type: 'Digits', individual_digits: false }, 'a12b3', ['a', '12', 'b', '3']],
    ['Digits, each', { type: 'Digits', individual_digits: true }, 'a12²b', ['a', '1', '2', '²', 'b']],
    ['Punctuation', { type: 'Punctuation' }, 'a,!b…$', ['a', ',', '!', 'b', '…', '$']],
    ['Punctuation, in runs', { type: 'Punctuation', behavior: 'Contiguous' }, 'a,!b', ['a', ',!', 'b']],
    ['Whitespace', { type: 'Whitespace' }, 'a_1 b!? c', ['a_1', 'b', '!?', 'c']],
    ['WhitespaceSplit', { type: 'WhitespaceSplit' }, ' a! \u0085b', ['a!', 'b']],
  ])('%s', (_, pre_tokenizer, text, pieces) => {
    expect(piecesOf(pre_tokenizer, text)).toEqual(pieces)
  })
  test.each<[string, unknown]>([
    ...behaviors.map(
      (each) =>
        [`Split at an expression, ${each}`, split({ Regex: '[ab]+|\\p{N}' }, each)] as [string, unknown],
    ),
    [
      'Digits, then Metaspace',
      {
        type: 'Sequence',
        pretokenizers: [
          { type: 'Digits', individual_digits: true },
          { type: 'Metaspace', replacement: '▁', prepend_scheme: 'never', split: false },
        ],
      },
    ],
    ['Metaspace, always', { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: false }],
    [
      'Metaspace, of older files',
      { type: 'Metaspace', replacement: '▁', add_prefix_space: true, split: false },
    ],
  ])('%s', (_, pre_tokenizer) => {
    expect(differenceIn(fileOf({ pre_tokenizer }))).toBe(null)
  })
  test('Metaspace, cut before every space unless told otherwise', () => {
    const space = { type: 'Metaspace', replacement: '-', prepend_scheme: 'never' }
    expect(piecesOf(space, 'a--b-c')).toEqual(['a', '-', '-b', '-c'])
    expect(piecesOf({ ...space, split: false }, 'a--b-c')).toEqual(['a--b-c'])
  })
  test('ByteLevel with a space before every text', () => {
    const pre_tokenizer = { type: 'ByteLevel', add_prefix_space: true, use_regex: true }
    expect(differenceIn({ ...shapes.gpt2(), pre_tokenizer })).toBe(null)
  })
  test.each([
    [
      'GPT-4',
      "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s*[\\r\\n]|\\s+(?!\\S)|\\s",
      "I'LL be 1234  back!!\n\n x",
      ['I', "'LL", ' be', ' ', '123', '4', ' ', ' back', '!!\n\n', ' x'],
    ],
    [
      'DeepSeek',
      '[!-/:-~]*[A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*',
      '(abc +é',
      ['(abc', ' +', 'é'],
    ],
    ['a range of Han', '[\u4e00-\u9fa5\\x{3040}-\\u30FF]+', 'a日本かb', ['a', '日本か', 'b']],
    ['a script', '\\p{Han}+', 'a日本b', ['a', '日本', 'b']],
    ['lines', '^a|b$', 'aab\nab', ['a', 'a', 'b', '\n', 'a', 'b']],
    ['a group that gives nothing back', '(?>a|ab)c|.', 'abc', ['a', 'b', 'c']],
    ['letters of either case', '(?i)ab|[c-d]', 'aBCz', ['aB', 'C', 'z']],
    ['brackets and braces', '[\\]\\-{}]|a{2}|\\{', '-]{}aaa', ['-', ']', '{', '}', 'aa', 'a']],
  ])('Split at the expression of %s', (_, source, text, pieces) => {
    expect(piecesOf(split({ Regex: source }, 'Isolated'), text)).toEqual(pieces)
  })
})

describe('added tokens', () => {
  const token = (id: number, content: string, flags: object): object => ({
    ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: false },
    ...flags,
  })
  const { model } = shapes.mistral()
  const next = Object.keys(model.vocab as object).length
  test.each<[string, object, unknown]>([
    ['plain', {}, null],
    ['that take the white space before them', { lstrip: true }, null],
    ['that take the white space after them', { rstrip: true }, null],
    ['that take both', { lstrip: true, rstrip: true }, null],
    ['found in normalized text', { normalized: true }, { type: 'NFKC' }],
  ])('%s', (_, flags, normalizer) => {
    const added_tokens = ['<a>', '<b>', 'ab'].map((content, i) => token(next + i, content, flags))
    expect(differenceIn(fileOf({ added_tokens, normalizer }))).toBe(null)
  })
  const idsOf = (
    contents: readonly (readonly [string, object])[],
    text: string,
    normalizer: unknown = null,
  ): string[] => {
    const added_tokens = contents.map(([content, flags], i) => token(next + i, content, flags))
    const tokenizer = new PretrainedTokenizer(fileOf({ added_tokens, normalizer, decoder: { type: 'Fuse' } }))
    return Array.from(tokenizer.encode(text), (id) =>
      id >= next ? contents[id - next][0] : tokenizer.decode([id]),
    )
  }
  test('of those that begin leftmost the longest is found', () => {
    expect(
      idsOf(
        [
          ['<x', {}],
          ['<xy>', {}],
          ['y>z', {}],
        ],
        '<xy>z<x<xy',
      ),
    ).toEqual(['<xy>', 'z', '<x', '<x', 'y'])
  })
  test('single words are found between what is no part of a word', () => {
    const cut = idsOf([['Qu', { single_word: true }]], 'Qu.Qu Qux éQu Qu_ Qu')
    expect(cut.filter((each) => each === 'Qu')).toHaveLength(3)
  })
  test('stripping is no condition, and leaves alone what a token took before', () => {
    const strips = [['<x>', { lstrip: true, rstrip: true }]] as const
    expect(idsOf(strips, 'z <x> \n <x>z<x>')).toEqual(['z', '<x>', '<x>', 'z', '<x>'])
  })
  test('normalized ones are found as the normalizer writes them, others as they are', () => {
    const lower = { type: 'Lowercase' }
    expect(idsOf([['QQ', { normalized: true }]], 'qQ', lower)).toEqual(['QQ'])
    expect(idsOf([['QQ', {}]], 'qQQQ', lower)).toEqual(['q', 'QQ', 'q'])
  })
})
