/** What a model must not say: nothing of it comes out, wherever a stream is cut, and all else comes out as it is. */
import { type OutputRules, outputFilter, redactPersonalData } from '@burgeon/continual'
import { BytePairTokenizer, byteTokenizer, Gpt } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { drawer } from '../../bench/safety/drawing.ts'
import { lookAlikes } from '../../bench/safety/look-alikes.ts'
import { personalItems } from '../../bench/safety/personal-items.ts'
import { times } from '../how-long.ts'

const rules: OutputRules = {
  phrases: ['blue falcon', 'Kästner', 'x'.repeat(3)],
  patterns: ['no-[0-9]{4,6}', String.raw`\bcode(?:word)? is \w{3,12}`],
}
const filter = outputFilter(rules)

const pieces = (
  text: string,
  size: (at: number) => number,
  before?: readonly string[],
  own = filter,
): string => {
  const stream = own.begin(before)
  let out = ''
  for (let at = 0; at < text.length; ) {
    const to = at + size(at)
    out += stream.push(text.slice(at, to))
    at = to
  }
  return out + stream.end()
}

test('phrases count in any case, over any blanks and inside of words; patterns as they are written', () => {
  expect(filter.clean('A Blue\n Falcon flew.')).toBe('A [withheld] flew.')
  expect(filter.clean('bluefalcon, blue  falconry, KÄSTNERS')).toBe('bluefalcon, [withheld]ry, [withheld]S')
  expect(filter.clean('no-123, no-1234567, the codeword is swordfish!')).toBe(
    'no-123, [withheld]7, the [withheld]!',
  )
  expect(filter.clean('decode is fun')).toBe('decode is fun')
  expect(filter.clean('xxxxx')).toBe('[withheld]')
})

test('personal data is replaced by the token of its category, and what is forbidden by its own', () => {
  const both = outputFilter({ ...rules, personalData: true })
  expect(both.clean('anna@example.org knows the blue falcon')).toBe('[email] knows the [withheld]')
  expect(both.clean('blue falcon@example.org')).toBe('[withheld]')
  expect(filter.clean('anna@example.org')).toBe('anna@example.org')
})

/** Texts in which forbidden ones, beginnings of them, and others stand side by side. */
const aText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...['blue ', 'falcon', 'Blue  Falcon', 'no-', '1234', 'code is ', 'abc', 'xx', 'x', 'Kä', 'stner'],
      ),
      fc.constantFrom(...['\n', ' ', 'The rain fell, and fell. ', '\u{1f600}', 'é', '—', '0', 'word']),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''))

describe('in pieces', () => {
  test('it comes out as the whole does, cut anywhere', () => {
    fc.assert(
      fc.property(aText, fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1 }), (text, sizes) => {
        let piece = 0
        expect(pieces(text, () => sizes[piece++ % sizes.length])).toBe(filter.clean(text))
      }),
      { numRuns: times(400, 10_000) },
    )
  })
  test('it comes out as the whole does, cut in two at every byte', () => {
    const text =
      'It rained. The Blue \n Falcon, no-12345, Kästner\u{1f600} and the code is swordfish; '.repeat(4)
    const bytes = new TextEncoder().encode(text)
    for (let at = 1; at < bytes.length; at++) {
      const decoder = new TextDecoder()
      const stream = filter.begin()
      const out = [bytes.subarray(0, at), bytes.subarray(at)].map((part) =>
        stream.push(decoder.decode(part, { stream: true })),
      )
      expect(out.join('') + stream.push(decoder.decode()) + stream.end()).toBe(filter.clean(text))
    }
  })
  test('personal data comes out as from the whole, character by character', () => {
    const both = outputFilter({ ...rules, personalData: true })
    for (let seed = 1; seed <= times(4, 60); seed++) {
      const draw = drawer(seed, 'said')
      const text = [...personalItems(20, seed), ...lookAlikes(10, seed)]
        .map((item) => item.text + draw.of(['. ', '\n', ' the blue falcon, ']))
        .join('')
      const whole = both.clean(text)
      expect(pieces(text, () => 1, [], both)).toBe(whole)
      expect(pieces(text, (at) => 1 + (at % 13), [], both)).toBe(whole)
      expect(outputFilter({ personalData: true }).clean(text)).toBe(redactPersonalData(text))
    }
  })
  test('a text without any of it passes unchanged, and no more than 64 characters are held back', () => {
    const text = 'In the beginning there was nothing that anybody had forbidden; nobody minded.\n'.repeat(30)
    const stream = outputFilter({ phrases: ['blue falcon'] }).begin()
    let out = ''
    for (const [i, one] of Array.from(text).entries()) {
      out += stream.push(one)
      expect(i + 1 - out.length).toBeLessThanOrEqual(64)
    }
    expect(out + stream.end()).toBe(text)
    expect(stream.end()).toBe('')
    expect(() => stream.push('more')).toThrow(OptionError)
  })
})

describe('over several answers', () => {
  test.each([
    [['the blue'], ' falcon flies', '[withheld] flies'],
    [['the blue'], 'falcon flies', '[withheld] flies'],
    [['say ka', 'Käst'], 'ner wrote', '[withheld] wrote'],
    [['write to anna@exam'], 'ple.org now', '[email] now'],
    [['the blue', 'and'], 'falcon', 'falcon'],
    [['', ''], 'falcon', 'falcon'],
  ])('after %j: %s', (before, text, expected) => {
    const both = outputFilter({ ...rules, personalData: true })
    for (const size of [1, 3, 100]) expect(pieces(text, () => size, before, both)).toBe(expected)
  })
})

test.each([
  ['a*', 'without end'],
  ['ab+c', 'without end'],
  ['a{3,}', 'after the comma'],
  ['^a', 'begin or the end'],
  ['a$', 'begin or the end'],
  ['(?=a)b', 'looks around'],
  [String.raw`(a)\1`, 'goes back'],
  ['a?', 'match nothing'],
  ['(a{0,3}b?){2,9}', 'several lengths'],
  ['a{200}b{100}', 'at most 256'],
  ['(a', 'no regular expression'],
])('the pattern %s is refused, for it %s', (source, message) => {
  expect(() => outputFilter({ patterns: [source] })).toThrow(OptionError)
  expect(() => outputFilter({ patterns: [source] })).toThrow(message)
})

test('patterns that are bounded are taken', () => {
  for (const source of [
    '[a-z]{2,5}',
    '(?:a|bc)d?',
    String.raw`\p{L}\d{3}\u{1f600}`,
    '(ab){3}',
    '[\\]a]b',
    'a??b',
  ]) {
    expect(() => outputFilter({ patterns: [source] })).not.toThrow()
  }
})

test('phrases that are empty or too long are refused', () => {
  for (const phrases of [[''], [' '], ['a'.repeat(201)], 'a' as never]) {
    expect(() => outputFilter({ phrases })).toThrow(OptionError)
  }
})

describe('a model that writes', () => {
  const device = openReference()
  const model = Gpt.create({ context: 32, embed: 8, heads: 2, layers: 1 }, { device, seed: 3 })
  /** Draws the letters of a text again and again, whatever the model says. */
  const always =
    (text: string) =>
    (logits: ArrayLike<number>, so: readonly number[]): Float64Array => {
      const next = text.codePointAt((so.length - 1) % text.length)
      return Float64Array.from(logits, (_, token) => (token === next ? 50 : token === 46 ? 40 : 0))
    }
  const how = { tokens: 60, temperature: 0, tokenizer: byteTokenizer }
  test('has its text filtered, streamed and as a whole, and keeps its tokens', async () => {
    const logitsProcessor = always('blue falcon ')
    const plain = await model.generate('b', { ...how, logitsProcessor })
    expect(plain.text).toContain('lue falcon blue falcon')
    const generation = model.generate('b', { ...how, logitsProcessor, textFilter: () => filter.begin(['b']) })
    let streamed = ''
    for await (const piece of generation) streamed += piece
    const { text, tokens } = await generation
    expect(streamed).toBe(text)
    expect(text).toMatch(/^\[withheld\] \[withheld\]/)
    expect(text).not.toMatch(/falcon/)
    expect(tokens).toEqual(plain.tokens)
  })
  test('whose tokens are masked never completes a phrase, and says something else', async () => {
    for (const phrases of [['blue falcon'], ['Blue  Falcon', 'alc'], ['lue ']]) {
      const own = outputFilter({ phrases })
      const mask = own.logitsProcessor(new BytePairTokenizer())
      const wanted = always('blue falcon ')
      const { text = '' } = await model.generate('b', {
        ...how,
        logitsProcessor: (logits, so, row) => mask?.(wanted(logits, so), so, row) ?? logits,
      })
      expect(own.clean(`b${text}`)).toBe(`b${text}`)
      expect(text.length).toBe(60)
      expect(text).toContain('.')
    }
    expect(outputFilter({ personalData: true }).logitsProcessor(new BytePairTokenizer())).toBeUndefined()
  })
  test('a token of several bytes is masked where a phrase would end within it', () => {
    const tokenizer = new BytePairTokenizer()
    tokenizer.add([
      [97, 98],
      [99, 100],
      [256, 257],
    ])
    const mask = outputFilter({ phrases: ['abc', 'z'] }).logitsProcessor(tokenizer)
    const masked = (so: readonly number[]): number[] =>
      [...Array.from(mask?.(new Float64Array(259), so, 0) ?? []).entries()]
        .filter(([, logit]) => logit === -Infinity)
        .map(([token]) => token)
    expect(masked([32])).toEqual([90, 122, 258])
    expect(masked([256])).toEqual([67, 90, 99, 122, 257, 258])
    expect(masked([97])).toEqual([90, 122, 258])
    expect(masked([65, 66])).toEqual([67, 90, 99, 122, 257, 258])
  })
  test('wants a tokenizer for a filter of text', () => {
    expect(() => model.generate([98], { tokens: 1, textFilter: () => filter.begin() })).toThrow(/tokenizer/)
  })
})
