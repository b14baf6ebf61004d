/** Reaches inside: expressions that would send a search back and back are searched in steps that are counted and bounded. */
import { PretrainedTokenizer, TokenizerError } from '@burgeon/gpt'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JsonPart } from '../../packages/gpt/src/tokenizer/json/json-part.ts'
import { CountedSearch } from '../../packages/gpt/src/tokenizer/pretrained/regex/counted-search.ts'
import { isLinear } from '../../packages/gpt/src/tokenizer/pretrained/regex/is-linear.ts'
import { type RegexNode, sourceOf } from '../../packages/gpt/src/tokenizer/pretrained/regex/regex-node.ts'
import { regexNodeOf } from '../../packages/gpt/src/tokenizer/pretrained/regex/translation.ts'
import { times } from '../how-long.ts'
import { shapes } from './tokenizer-shapes.ts'

const nodeOf = (source: string): RegexNode => regexNodeOf(new JsonPart(source, 'here'))
const searchFor = (node: RegexNode): CountedSearch =>
  new CountedSearch(node, (what) => {
    throw new TokenizerError(what)
  })

const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
const upper = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
const lower = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
/** Those of well-known tokenizers. */
const usual: Readonly<Record<string, string>> = {
  gpt2: String.raw`'s|'t|'re| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
  llama3: String.raw`${contractions}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  o200k: String.raw`[^\r\n\p{L}\p{N}]?${upper}*${lower}+${contractions}?|[^\r\n\p{L}\p{N}]?${upper}+${lower}*${contractions}?|\p{N}{1,3}|\s*[\r\n]+|\s+(?!\S)|\s+`,
  deepseek: String.raw`[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
}
/** At every place of a long run each of these looks to its end, some of them from every place of it again. */
const hostile = [
  'a*b',
  'a+a+b',
  'a*a*a*b|a{2}',
  '(?:a|b)a*c',
  'a*?b',
  'a{1,20}a*b',
  '[ab]*[^a]',
  'a*(?=b)|a',
  '(?>a*)b',
]

test.each(Object.entries(usual))('the expression of %s is left to the engine', (_, source) => {
  expect(isLinear(nodeOf(source))).toBe(true)
})

describe.each(hostile)('the expression %s', (source) => {
  test('is not left to the engine', () => {
    expect(isLinear(nodeOf(source))).toBe(false)
  })
  test('takes twice the steps for a text of twice the length', () => {
    if (source.includes('(?')) return
    const stepsFor = (count: number): number => {
      const work = { steps: 0 }
      expect([...searchFor(nodeOf(source)).matches('a'.repeat(count), work)].length).toBeLessThanOrEqual(
        count,
      )
      return work.steps
    }
    expect(stepsFor(4000)).toBeLessThan(2.1 * stepsFor(2000))
    expect(stepsFor(4000)).toBeLessThan(2000 * 4000)
  })
})

test('a search of too many steps is a typed error that says how many', () => {
  for (const source of ['(?=a*b)a', '(?!a*b)c', '(?>a*)b', 'a{1,200}a*b']) {
    const work = { steps: 0 }
    const search = (): unknown => [...searchFor(nodeOf(source)).matches('a'.repeat(20_000), work)]
    expect(search).toThrow(TokenizerError)
    expect(work.steps).toBeLessThanOrEqual(500_001 + 250 * 20_000)
  }
  expect(() => searchFor(nodeOf('(?:(?:a{1000}){50})'))).toThrow('so many repetitions')
})

test('a tokenizer with such an expression cuts a long word as it cuts a short one', () => {
  const split = { type: 'Split', pattern: { Regex: 'a*a*a*b|x' }, behavior: 'Isolated', invert: false }
  const [byteLevel] = [shapes['gpt2']().decoder]
  const pre_tokenizer = {
    type: 'Sequence',
    pretokenizers: [split, { ...(byteLevel as object), use_regex: false }],
  }
  const tokenizer = new PretrainedTokenizer({ ...shapes['gpt2'](), pre_tokenizer })
  const text = 'a'.repeat(20_000)
  expect(tokenizer.decode(tokenizer.encode(`${text}xaab`))).toBe(`${text}xaab`)
  expect(tokenizer.encode(`${text}xaab`).length).toBeGreaterThan(tokenizer.encode(text).length)
})

/** Expressions that tokenizer.json may hold. */
const anExpression = fc.letrec<{ any: string; part: string }>((tie) => ({
  part: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom('a', 'b', '1', ' ', '[ab]', '[^a]', '\\s', '\\d', '.', '\\p{L}', '^', '$'),
    fc
      .tuple(
        fc.constantFrom('a', 'b', '[ab]', '\\s', '.'),
        fc.constantFrom('*', '+', '?', '*?', '+?', '??', '*+', '++', '{2}', '{1,3}', '{1,}'),
      )
      .map((both) => both.join('')),
    tie('any').map((inner) => `(?:${inner})`),
    // What is empty counts as once in Oniguruma, and not at all in JavaScript.
    tie('any').map((inner) => `(?:a(?:${inner}))?`),
    tie('any').map((inner) => `(?=${inner})`),
    tie('any').map((inner) => `(?!${inner})`),
    tie('any').map((inner) => `(?>${inner})`),
    fc.constantFrom('(?<=a)', '(?<!ab)', '(?:ab)+', '(?:ab){2}'),
  ),
  any: fc
    .array(fc.array(tie('part'), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 })
    .map((options) => options.map((parts) => parts.join('')).join('|')),
})).any

test('what is found is what the engine finds', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '1', ' ', '\n', 'é'), maxLength: 14 })
  fc.assert(
    fc.property(anExpression, fc.array(text, { minLength: 1, maxLength: 4 }), (source, texts) => {
      let node: RegexNode
      try {
        node = nodeOf(source)
      } catch (error) {
        // A repetition of repetitions.
        expect(error).toBeInstanceOf(TokenizerError)
        return
      }
      const engine = new RegExp(sourceOf(node), 'gu')
      for (const each of texts) {
        const theirs = Array.from(each.matchAll(engine), ({ index, 0: { length } }) => ({ index, length }))
        expect([...searchFor(node).matches(each)]).toEqual(theirs)
      }
    }),
    { numRuns: times(500, 5000) },
  )
})

test('a character of two code units is one, before and behind', () => {
  const found = (source: string, text: string): string[] =>
    Array.from(searchFor(nodeOf(source)).matches(text), ({ index, length }) =>
      text.slice(index, index + length),
    )
  expect(found('[^a]', 'a😀b')).toEqual(['😀', 'b'])
  expect(found('(?<=[^a])b', '😀b')).toEqual(['b'])
  expect(found('(?<=b[^a])b', 'b😀b')).toEqual(['b'])
  expect(found('(?<=aaa)b', 'ab')).toEqual([])
})
