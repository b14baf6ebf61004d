/** Reaches inside: the text of a generation goes on where its prompt ends, whatever the decoder. */
import { byteTokenizer, PretrainedTokenizer, type Tokenizer } from '@burgeon/gpt'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TextPieces } from '../../packages/gpt/src/generation/text-pieces.ts'
import { shapes, type TokenizerJson } from './tokenizer-shapes.ts'

/** The decoders that take something from the start of a text, and that of a file without one. */
const decoders: Readonly<Record<string, (json: TokenizerJson) => TokenizerJson>> = {
  'as it is': (json) => json,
  Metaspace: (json) => ({
    ...json,
    decoder: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always' },
  }),
  none: (json) => ({ ...json, decoder: null }),
}
const tokenizers: [string, Tokenizer][] = [
  ...Object.entries(shapes).flatMap(([name, make]) =>
    Object.entries(decoders).map(([decoder, change]): [string, Tokenizer] => [
      `${name}, decoder ${decoder}`,
      new PretrainedTokenizer(change(make())),
    ]),
  ),
  ['bytes', byteTokenizer],
]

function written(tokenizer: Tokenizer, prompt: readonly number[], tokens: readonly number[]): string {
  const pieces = new TextPieces(tokenizer, [], prompt)
  return tokens.map((token) => pieces.add(token)).join('') + pieces.end()
}

describe.each(tokenizers)('%s', (_, tokenizer) => {
  test('prompt and pieces are the text of all tokens', () => {
    const word = fc.constantFrom('The', ' model', 'é', '日本', '  two', '\n', '😀', 'x y', '’s')
    const someWords = fc.array(word, { minLength: 1, maxLength: 5 }).map((words) => words.join(''))
    fc.assert(
      fc.property(someWords, someWords, (before, after) => {
        const prompt = [...tokenizer.encode(before)]
        const tokens = [...tokenizer.encode(before + after)].slice(prompt.length)
        const all = tokenizer.decode([...prompt, ...tokens])
        const known = tokenizer.decode(prompt)
        // Words that are joined by the rest become other tokens, whose text may go on inside a character.
        fc.pre(!known.includes('\ufffd') && all.startsWith(known))
        expect(known + written(tokenizer, prompt, tokens)).toBe(all)
      }),
    )
  })
})

test('behind a special token a text begins', () => {
  const tokenizer = new PretrainedTokenizer(shapes['llama2']())
  const [begin, ...text] = tokenizer.encode('The model')
  expect(written(tokenizer, [begin], text)).toBe('The model')
  expect(written(tokenizer, [], text)).toBe('The model')
  expect(written(tokenizer, [begin, text[0]], text.slice(1))).toBe(
    tokenizer.decode(text).slice(tokenizer.decode(text.slice(0, 1)).length),
  )
})

test('a prompt of tokens that the tokenizer lacks has no text, and one that ends inside a character none either', () => {
  expect(written(byteTokenizer, [300], [65])).toBe('A')
  expect(written(byteTokenizer, [65, 0xc3], [0xa9, 66])).toBe('\ufffdB')
})
