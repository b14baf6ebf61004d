/** Tokenizers of pre-trained models, beside Hugging Face's own in JavaScript. */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { PretrainedTokenizer } from '@burgeon/gpt'
import { Tokenizer } from '@huggingface/tokenizers'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { times } from '../how-long.ts'
import { shapes, tokenizerConfig, type TokenizerJson } from './tokenizer-shapes.ts'
import { tortureTexts } from './torture-texts.ts'

const made = Object.entries(shapes).map(([name, shape]) => [name, both(shape())] as const)

function both(json: TokenizerJson): { ours: PretrainedTokenizer; theirs: Tokenizer } {
  return {
    ours: new PretrainedTokenizer(structuredClone(json), tokenizerConfig),
    theirs: new Tokenizer(structuredClone(json), tokenizerConfig),
  }
}

const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd')

const anyText = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  fc
    .array(
      fc.constantFrom(...Object.values(tortureTexts).map((text) => text.slice(0, 20)), ' ', '\n', 'é', '▁'),
    )
    .map((words) => words.join('')),
)

/**
 * Where the one in JavaScript is wrong by the reference in Rust: a byte order mark in byte tokens is lost, bytes that are no UTF-8
 * become fewer U+FFFD, and white space is JavaScript's, which lacks U+0085 and has U+FEFF.
 */
const strays = /[\u0085\ufeff]/gu

describe.each(made)('the tokenizer of %s', (name, { ours, theirs }) => {
  test.each(Object.entries(tortureTexts))('encodes and decodes as Hugging Face does: %s', (_, text) => {
    for (const addSpecialTokens of [true, false]) {
      const ids = [...ours.encode(text, { addSpecialTokens })]
      expect(ids).toEqual(theirs.encode(text, { add_special_tokens: addSpecialTokens }).ids)
      if (ids.length === 0) continue
      for (const skipSpecialTokens of [true, false]) {
        const expected = theirs.decode(ids, { skip_special_tokens: skipSpecialTokens })
        expect(ours.decode(ids, { skipSpecialTokens }).replaceAll('\ufeff', '')).toBe(
          expected.replaceAll('\ufeff', ''),
        )
      }
    }
  })
  test('encodes any text as Hugging Face does', () => {
    fc.assert(
      fc.property(
        anyText.map((text) => wellFormed(text).replace(strays, '')),
        (text) => {
          expect([...ours.encode(text)]).toEqual(theirs.encode(text).ids)
        },
      ),
      { numRuns: times(200, 5000) },
    )
  })
  test('decodes tokens in any order as Hugging Face does, all at once and one by one', () => {
    const isNoText = (id: number): boolean => /^<0x[89A-F]/.test(theirs.id_to_token(id) ?? '<0xFF>')
    const token = fc.nat({ max: ours.vocabulary - 1 }).filter((id) => !isNoText(id))
    fc.assert(
      fc.property(fc.array(token, { minLength: 1 }), (ids) => {
        const text = ours.decode(ids)
        expect(text).toBe(theirs.decode(ids))
        const stream = ours.decodeStream()
        expect(ids.map((id) => stream.step(id)).join('') + stream.end()).toBe(text)
      }),
      { numRuns: times(200, 5000) },
    )
  })
  test('gives bytes back, whatever they are', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          anyText.map((text) => new TextEncoder().encode(text)),
        ),
        (bytes) => {
          expect([...ours.decodeBytes(ours.encodeBytes(bytes))]).toEqual([...bytes])
        },
      ),
    )
  })
  test('begins again from its state', () => {
    const again = PretrainedTokenizer.fromState(JSON.parse(JSON.stringify(ours.toState())))
    for (const text of Object.values(tortureTexts)) expect(again.encode(text)).toEqual(ours.encode(text))
    expect([again.vocabulary, name]).toEqual([ours.vocabulary, name])
  })
})

describe('text comes back as it was', () => {
  const give = (tokenizer: PretrainedTokenizer, text: string): string =>
    tokenizer.decode(tokenizer.encode(text, { addSpecialTokens: false }))
  test.each(['gpt2', 'llama3'])('every text, from %s', (name) => {
    const { ours } = both(shapes[name]())
    fc.assert(
      fc.property(anyText, (text) => {
        expect(give(ours, text)).toBe(wellFormed(text))
      }),
    )
  })
  test('every text in NFC, from qwen', () => {
    const { ours } = both(shapes.qwen())
    fc.assert(
      fc.property(anyText, (text) => {
        expect(give(ours, text)).toBe(wellFormed(text).normalize('NFC'))
      }),
    )
  })
  test.each(['llama2', 'mistral'])(
    'every text without special tokens and marks of spaces, from %s',
    (name) => {
      const { ours } = both(shapes[name]())
      const plain = anyText.filter((text) => !/[▁<[]|^ /u.test(text))
      fc.assert(
        fc.property(plain, (text) => {
          expect(give(ours, text)).toBe(wellFormed(text))
        }),
      )
    },
  )
})

test('a real file, of stories260K', ({ skip }) => {
  const around = [process.env.BURGEON_MODELS ?? '', '../shared/models', '../../shared/models']
  const files = around.map((folder) =>
    resolve(import.meta.dirname, '../..', folder, 'stories260K/tokenizer.json'),
  )
  const file = files.find((each) => existsSync(each))
  if (file === undefined) return skip('no folder stories260K in BURGEON_MODELS or ../shared/models')
  const { ours, theirs } = both(JSON.parse(readFileSync(file, 'utf8')) as TokenizerJson)
  for (const text of Object.values(tortureTexts)) {
    expect([...ours.encode(text)]).toEqual(theirs.encode(text).ids)
  }
  expect(ours.decode(ours.encode('Once upon a time'), { skipSpecialTokens: true })).toBe('Once upon a time')
})

describe('where the two differ, ours does as the reference in Rust', () => {
  const { ours } = both(shapes.llama3())
  const pieces = (text: string): string[] => ours.piecesOf(text).map((piece) => JSON.stringify(piece))
  test('U+0085 is white space, U+FEFF is none', () => {
    expect(pieces('a\u0085 b')).toEqual(['"a"', JSON.stringify('\u0085'), '" b"'])
    expect(pieces('a\ufeffb')).toEqual(['"a"', JSON.stringify('\ufeffb')])
    expect(pieces('a \ufeff. b')).toEqual(['"a"', JSON.stringify(' \ufeff.'), '" b"'])
  })
  test('bytes that are no UTF-8 become one U+FFFD each, of a whole run', () => {
    const { ours: llama } = both(shapes.llama2())
    const byte = (value: number): number => 3 + value
    expect(llama.decode([0xe2, 0x96, 0x81].map(byte))).toBe('▁')
    expect(llama.decode([0x41, 0xe2, 0x96].map(byte))).toBe('\ufffd\ufffd\ufffd')
    expect(llama.decode([0xef, 0xbb, 0xbf, 0x41].map(byte))).toBe('\ufeffA')
  })
  test('a lone surrogate is U+FFFD', () => {
    expect(ours.encode('a\ud800b\udc00')).toEqual(ours.encode('a\ufffdb\ufffd'))
  })
})
