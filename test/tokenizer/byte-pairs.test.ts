import { BytePairTokenizer, type BytePairMerge, MergeLearner } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'

const bytes = (text: string): number[] => [...new TextEncoder().encode(text)]
const sentence = 'the cat sat on the mat, the hat on the cat. '

/** A tokenizer that has learnt `count` merges from a text. */
function learnt(text: string, count: number): BytePairTokenizer {
  const tokenizer = new BytePairTokenizer()
  const learner = new MergeLearner()
  learner.observe(text)
  tokenizer.add(learner.propose(tokenizer, count).map(({ merge }) => merge))
  return tokenizer
}

/** Merge after merge over the whole text: the definition (Sennrich et al. 2016, algorithm 1), blind to pieces. */
function byDefinition(text: string, merges: readonly BytePairMerge[]): number[] {
  return merges.reduce<number[]>((tokens, [left, right], i) => {
    const next: number[] = []
    for (let at = 0; at < tokens.length; at++) {
      const isPair = tokens[at] === left && tokens[at + 1] === right
      next.push(isPair ? 256 + i : tokens[at])
      at += Number(isPair)
    }
    return next
  }, bytes(text))
}

/** How often a map is asked while `body` runs: its work, which unlike its time is the same on every machine. */
function lookUps(body: () => void): number {
  const asked = vi.spyOn(Map.prototype, 'get')
  body()
  const { length } = asked.mock.calls
  asked.mockRestore()
  return length
}

describe('byte pairs', () => {
  test('give every text back, whatever was learnt', () => {
    const tokenizer = learnt(sentence, 30)
    const anyText = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc
        .array(fc.constantFrom('the', ' cat', '  ', '\n', '42', ' é', '…', '한국'))
        .map((words) => words.join('')),
    )
    fc.assert(
      fc.property(anyText, (text) => {
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text)
      }),
    )
  })
  test('have tokens that stand for no text: pairs of themselves, which no text is encoded with', () => {
    const tokenizer = learnt(sentence, 3)
    const before = tokenizer.encode(sentence)
    tokenizer.add([
      [259, 259],
      [260, 260],
      [256, 257],
    ])
    expect(tokenizer.vocabulary).toBe(262)
    expect([259, 260].map((token) => tokenizer.bytesOf(token).length)).toEqual([0, 0])
    expect(tokenizer.decode([259, ...before, 260])).toBe(sentence)
    expect([...tokenizer.encodeAnew([260, ...before])].some((token) => token === 259 || token === 260)).toBe(
      false,
    )
    const again = new BytePairTokenizer(tokenizer.toState())
    expect(again.merges).toEqual(tokenizer.merges)
    expect(again.decode([259, ...before, 261])).toBe(tokenizer.decode([...before, 256, 257]))
    expect(() =>
      tokenizer.add([
        [261, 261],
        [300, 300],
      ]),
    ).toThrow('got the merge [300, 300] for token 263')
  })
  test('lose no byte, also of what is no text, and encode bytes of text as the text', () => {
    const tokenizer = learnt(`${sentence}é…한국 é…한국`, 30)
    const halves = fc.constantFrom(...bytes('é…한국😀'), 0xed, 0xa0, 0xc0, 0xf4, 0x90, 0xff, 116, 104)
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.array(halves)), (some) => {
        expect([...tokenizer.decodeBytes(tokenizer.encodeBytes(Uint8Array.from(some)))]).toEqual([...some])
      }),
    )
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(tokenizer.encodeBytes(Uint8Array.from(bytes(text)))).toEqual(tokenizer.encode(text))
      }),
    )
    const cut = Uint8Array.from(bytes('한 the cat').slice(1))
    expect([...tokenizer.encodeBytes(cut)]).toEqual([...cut.subarray(0, 2), ...tokenizer.encode(' the cat')])
  })
  test('encode as the definition does, within a piece', () => {
    const word = fc.string({ unit: fc.constantFrom('t', 'h', 'e', 'a'), minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), word, (seen, text) => {
        const tokenizer = learnt(seen.join(' '), 20)
        expect([...tokenizer.encode(text)]).toEqual(byDefinition(text, tokenizer.merges))
      }),
    )
  })
  test('are shorter the more was learnt', () => {
    const lengths = [0, 5, 20].map((count) => learnt(sentence, count).encode(sentence).length)
    expect(lengths[0]).toBe(sentence.length)
    expect(lengths[1]).toBeLessThan(lengths[0])
    expect(lengths[2]).toBeLessThan(lengths[1])
  })
  test('never cross from one word into the next', () => {
    const tokenizer = learnt('ab '.repeat(100), 50)
    expect(tokenizer.merges.map(([left, right]) => tokenizer.decode([left, right]))).toEqual(['ab', ' ab'])
  })
  test('keep their numbers when more are learnt, so what was encoded before still says the same', () => {
    const tokenizer = learnt(sentence, 4)
    const before = tokenizer.encode(sentence)
    const saved = tokenizer.toState()
    const learner = new MergeLearner()
    learner.observe(sentence)
    tokenizer.add(learner.propose(tokenizer, 10).map(({ merge }) => merge))
    expect(tokenizer.decode(before)).toBe(sentence)
    expect(tokenizer.encode(sentence).length).toBeLessThan(before.length)
    expect([...new BytePairTokenizer(saved).encode(sentence)]).toEqual([...before])
    expect(tokenizer.merges.slice(0, 4)).toEqual(saved.merges)
    expect(tokenizer.vocabulary).toBe(256 + tokenizer.merges.length)
  })
  test('a lone surrogate becomes U+FFFD, a byte order mark stays', () => {
    const tokenizer = new BytePairTokenizer()
    expect(tokenizer.decode(tokenizer.encode('a\ud800b'))).toBe('a\ufffdb')
    expect(tokenizer.decode(tokenizer.encode('\ufeffa'))).toBe('\ufeffa')
  })
  test.each([
    ['one word without end', 'a'.repeat(4000)],
    ['white space', ' '.repeat(4000)],
    ['words that share nothing', Array.from({ length: 1500 }, (_, i) => i.toString(36)).join(' ')],
  ])('%s of twice the length takes twice the work', (_, text) => {
    const tokenizer = learnt(`${'aaaa aaaaaaaa '.repeat(50)}${' '.repeat(64)}`, 40)
    const half = text.slice(0, text.length / 2)
    const [once, twice] = [half, text].map((some) => lookUps(() => tokenizer.encode(some)))
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text)
    expect(once).toBeGreaterThan(100)
    expect(twice).toBeLessThan(2.5 * once)
  })
  test.each<[string, BytePairMerge[]]>([
    ['a token that is not there yet', [[258, 97]]],
    ['itself', [[97, 257]]],
    ['a fraction', [[97.5, 97]]],
    ['less than nothing', [[-1, 97]]],
    [
      'a pair that exists',
      [
        [97, 98],
        [97, 98],
      ],
    ],
  ])('a merge that names %s is refused, and nothing is added', (_, merges) => {
    const tokenizer = new BytePairTokenizer()
    expect(() => tokenizer.add([[99, 99], ...merges])).toThrow(OptionError)
    expect(tokenizer.vocabulary).toBe(256)
    expect(() => tokenizer.decode([300])).toThrow('got token 300; expected an integer from 0 to 255.')
  })
})

describe('a merge learner', () => {
  test('proposes the most frequent pair first, each counted after those before it', () => {
    const learner = new MergeLearner()
    learner.observe('aab aab aab xy')
    const proposed = learner.propose(new BytePairTokenizer(), 9)
    expect(proposed.map(({ count }) => count)).toEqual([3, 3, 2])
    const counts = proposed.map(({ count }) => count)
    expect(counts).toEqual(counts.toSorted((a, b) => b - a))
    // aab aab aab xy: six a, of which three are left of another; then every aa is before the only b; two of three aab follow a space.
    expect(proposed[0]).toEqual({ merge: [97, 97], count: 3, ofLeft: 6, ofRight: 6 })
    expect(proposed[1]).toEqual({ merge: [256, 98], count: 3, ofLeft: 3, ofRight: 3 })
    expect(proposed[2]).toEqual({ merge: [32, 257], count: 2, ofLeft: 3, ofRight: 3 })
  })
  test('proposes the same for the same stream, also when it was saved on the way', () => {
    const [whole, first] = [new MergeLearner(), new MergeLearner()]
    whole.observe(sentence)
    whole.observe('the end')
    first.observe(sentence)
    const second = new MergeLearner({}, JSON.parse(JSON.stringify(first.toState())))
    second.observe('the end')
    const tokenizer = new BytePairTokenizer()
    expect(second.propose(tokenizer, 20)).toEqual(whole.propose(tokenizer, 20))
  })
  test('forgets what the stream no longer says, in bounded memory', () => {
    const learner = new MergeLearner({ capacity: 50 })
    learner.observe('old '.repeat(20))
    for (let i = 0; i < 2000; i++) learner.observe(` ${(i * 7919).toString(36)} new`)
    const state = learner.toState()
    expect(Object.keys(state).length).toBeLessThanOrEqual(50)
    expect(state[' old']).toBeUndefined()
    expect(state[' new']).toBeGreaterThan(10)
  })
  test.each([0, -1, 1.5, Number.NaN])('a capacity of %s is refused', (capacity) => {
    expect(() => new MergeLearner({ capacity })).toThrow(OptionError)
  })
})
