/** What an episodic memory finds, how it is mixed with the model, and what it keeps. */
import { episodicMemory, type EpisodicMemory, type ReadText } from '@burgeon/continual'
import { OptionError, StateError } from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { times } from '../how-long.ts'
import { bitsOf, bytesSpelled, encoded, textOf } from './read-texts.ts'

const room = 2 ** 18
const suffixLengths = [4, 6, 8, 12, 16, 24, 32]
/** Few letters, so that suffixes of all lengths come again. */
const letters = (length: { minLength: number; maxLength: number }): fc.Arbitrary<string> =>
  fc.oneof(fc.string({ ...length, unit: fc.constantFrom('a', 'b') }), fc.constantFrom('abcdefgh'.repeat(8)))
const remember = (memory: EpisodicMemory, ...texts: readonly ReadText[]): readonly Float64Array[] =>
  memory.remember(texts, bytesSpelled)
const fact = 'The keeper of Zorvath is Melkin of Dorrin.'

/** By its definition: where the longest of the suffixes has come last, and how much before it is the same. */
function found(texts: readonly string[], before: string): { matched: number; next: string } | null {
  for (const length of suffixLengths.toReversed()) {
    const suffix = before.slice(-length)
    if (suffix.length < length) continue
    for (const text of texts.toReversed()) {
      const at = text.slice(0, -1).lastIndexOf(suffix)
      if (at < 0) continue
      const place = at + length
      const same = (bytes: number): boolean => text.slice(place - bytes, place) === before.slice(-bytes)
      let matched = length
      while (matched < Math.min(32, place, before.length) && same(matched + 1)) matched++
      return { matched, next: text[place] }
    }
  }
  return null
}

describe('what is found', () => {
  test('is what followed the longest suffix when it came last', () => {
    const text = letters({ minLength: 6, maxLength: 80 })
    const property = fc.property(
      fc.uniqueArray(text, { maxLength: 12 }),
      letters({ minLength: 0, maxLength: 50 }),
      (texts, before) => {
        const memory = episodicMemory({ bytes: room })
        for (const one of texts) remember(memory, textOf(one))
        const recollection = memory.recollect(encoded(before))
        const wanted = found(texts, before)
        expect(recollection?.matched).toBe(wanted?.matched)
        if (recollection) expect(String.fromCharCode(recollection.bytes[0])).toBe(wanted?.next)
      },
    )
    fc.assert(property, { numRuns: times(200, 5000) })
  })

  test('goes on to the end of the text, and says where it was read', () => {
    const memory = episodicMemory({ bytes: room })
    remember(memory, textOf('Something else.', { id: 3 }), textOf(fact, { id: 4 }))
    const recollection = memory.recollect(encoded('Who is the keeper of Zorvath is '))
    expect(new TextDecoder().decode(recollection?.bytes)).toBe('Melkin of Dorrin.')
    expect(recollection?.origin).toMatchObject({ id: 4, source: 's' })
    expect(recollection?.weight).toBeCloseTo(0.1 * (2.93 / 6))
    expect(memory.recollect(encoded('Nobody'))).toBeNull()
  })

  test('is the later of two that contradict each other', () => {
    const memory = episodicMemory({ bytes: room })
    for (const name of ['Melkin', 'Orda', 'Melkin']) remember(memory, textOf(`The keeper is ${name}.`))
    const next = (): string => String.fromCharCode(memory.recollect(encoded('keeper is '))?.bytes[0] ?? 0)
    expect(next()).toBe('M')
    remember(memory, textOf('The keeper is Orda.'))
    expect(next()).toBe('O')
    expect(memory.episodes).toBe(4)
  })
})

describe('the mixture', () => {
  test('loses no more than its bound against the model, whatever is read', () => {
    const text = letters({ minLength: 2, maxLength: 60 }).chain((own) =>
      fc.record({
        own: fc.constant(own),
        bits: fc.array(fc.double({ min: 0, max: 20, noNaN: true }), {
          ...{ minLength: own.length, maxLength: own.length },
        }),
      }),
    )
    const property = fc.property(fc.array(text, { maxLength: 40 }), (texts) => {
      const memory = episodicMemory({ bytes: room })
      let [model, mixed, bytes] = [0, 0, 0]
      for (const { own, bits } of texts) {
        const one = textOf(own, { bits })
        const [losses] = remember(memory, one)
        model += bitsOf(one.losses)
        mixed += bitsOf(losses)
        bytes += own.length
      }
      // 60 kinds at most.
      expect(mixed).toBeLessThanOrEqual(model + 60 * 0.153 + 0.0015 * bytes)
    })
    fc.assert(property, { numRuns: times(200, 5000) })
  })

  test('makes what was read once cost next to nothing when it comes again', () => {
    const memory = episodicMemory({ bytes: room })
    const names = ['Melkin', 'Orda', 'Tesset', 'Ulm', 'Vardy', 'Ixil']
    const facts = names.map((name, i) => textOf(`Place ${'qwxyzj'[i].repeat(9)} belongs to ${name}.`))
    for (let round = 0; round < 3; round++) for (const one of facts) remember(memory, one)
    const again = facts.map((one) => bitsOf(memory.read(one, bytesSpelled)) / bitsOf(one.losses))
    // Of the first bytes nothing can come to mind.
    expect(Math.max(...again)).toBeLessThan(0.3)
  })

  test('reads before it writes: of its own texts nothing comes to mind', () => {
    const property = fc.property(
      fc.array(letters({ minLength: 2, maxLength: 100 }), { minLength: 1, maxLength: 4 }),
      (texts) => {
        const memory = episodicMemory({ bytes: room })
        const all = texts.map((text, id) => textOf(text, { id }))
        remember(memory, ...all).forEach((losses, i) => expect(losses).toEqual(all[i].losses))
        // From then on what comes to mind is of an experience before the one that is read.
        const later = textOf(texts[0] + texts[0], { id: texts.length })
        const recollection = memory.recollect(Uint8Array.from(later.tokens))
        expect(recollection?.origin?.id ?? 0).toBeLessThan(texts.length)
      },
    )
    fc.assert(property, { numRuns: times(100, 1000) })
  })

  test('reading alone changes nothing, and returns what remembering would', () => {
    const memory = episodicMemory({ bytes: room })
    for (let i = 0; i < 5; i++) remember(memory, textOf(`${fact} ${i}`))
    const before = structuredClone(memory.toState())
    const [one, two] = [memory.read(textOf(fact), bytesSpelled), memory.read(textOf(fact), bytesSpelled)]
    memory.recollect(encoded(fact))
    expect(memory.toState()).toEqual(before)
    expect(two).toEqual(one)
    expect(remember(memory, textOf(fact))[0]).toEqual(one)
  })
})

/** Text of which no suffix comes twice. */
function noise(seed: number, length: number): Uint8Array {
  let state = seed + 1
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 24
  })
}

describe('what is kept', () => {
  test('stays within its bytes, in memory and on disk, whatever comes', () => {
    const property = fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(), (length, seed) => {
      const memory = episodicMemory({ bytes: room })
      let read = 0
      for (let i = 0; read < (10 * room) / 40; i++) {
        remember(memory, textOf(noise(seed + i, length + 1)))
        read += length + 1
      }
      const state = memory.toState() as Readonly<Record<string, unknown>>
      const saved = Object.values(state).map((value) =>
        ArrayBuffer.isView(value) ? value.byteLength : JSON.stringify(value).length,
      )
      expect(saved.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(room)
      expect(memory.bytes).toBeLessThanOrEqual(room / 40)
      // What is never of use gives way, but there is always something.
      expect(Math.max(memory.bytes, 32 * memory.episodes)).toBeGreaterThan(room / 40 / 2)
    })
    fc.assert(property, { numRuns: times(4, 50) })
  })

  test('goes on to the bit from its state, in the middle of anything', () => {
    const texts = fc.array(
      fc.oneof(
        letters({ minLength: 2, maxLength: 700 }),
        fc.nat({ max: 300 }).map((seed) => Buffer.from(noise(seed, 90)).toString('latin1')),
      ),
      { minLength: 20, maxLength: 60 },
    )
    const property = fc.property(texts, fc.nat({ max: 60 }), (all, half) => {
      const [whole, first] = [episodicMemory({ bytes: room }), episodicMemory({ bytes: room })]
      const kept = all.map((text, id) => textOf(Buffer.from(text, 'latin1'), { id, source: `s${id % 3}` }))
      for (const text of kept.slice(0, half)) remember(first, text)
      const resumed = episodicMemory({ bytes: room })
      remember(resumed, textOf('something that is not to stay'))
      resumed.restore(structuredClone(first.toState()))
      for (const text of kept) remember(whole, text)
      for (const text of kept.slice(half)) remember(resumed, text)
      expect(resumed.toState()).toEqual(whole.toState())
    })
    fc.assert(property, { numRuns: times(20, 500) })
  })

  test('is one entry where the same comes again from the same source', () => {
    const memory = episodicMemory({ bytes: room })
    for (let i = 0; i < 200; i++) remember(memory, textOf(fact, { id: i }), textOf(noise(i, 60)))
    const { counts, origins } = memory.toState() as {
      readonly counts: Float64Array
      readonly origins: { readonly ids: Float64Array }
    }
    expect(Math.max(...counts)).toBe(200)
    expect(Math.max(...origins.ids)).toBe(199)
    remember(memory, textOf(fact, { id: 200, source: 'another' }))
    expect((memory.toState() as { counts: Float64Array }).counts.at(-1)).toBe(1)
  })

  test('is what has been of use, and noise goes', () => {
    const memory = episodicMemory({ bytes: room })
    const wanted = Array.from({ length: 10 }, (_, i) =>
      textOf(noise(900 + i, 50), { source: 'wanted', id: i }),
    )
    for (const text of wanted) remember(memory, text)
    for (let i = 0; i < 600; i++) remember(memory, wanted[i % 10], textOf(noise(i, 100), { id: i }))
    const again = wanted.map((text) => bitsOf(memory.read(text, bytesSpelled)) / bitsOf(text.losses))
    expect(Math.max(...again)).toBeLessThan(0.25)
  })

  test('is what a function says that it is worth keeping', () => {
    const memory = episodicMemory({ bytes: room, worth: ({ origin }) => origin?.id ?? 0 })
    for (let i = 0; i < 200; i++) remember(memory, textOf(noise(i, 100), { id: (i * 37) % 200 }))
    const { ids } = (memory.toState() as { origins: { ids: Float64Array } }).origins
    expect(
      Array.from(ids)
        .toSorted((a, b) => b - a)
        .slice(0, 20),
    ).toEqual(Array.from({ length: 20 }, (_, i) => 199 - i))
    const wrong = episodicMemory({ bytes: room, worth: () => NaN })
    const fill = (): void => {
      for (let i = 0; i < 200; i++) remember(wrong, textOf(noise(i, 100)))
    }
    expect(fill).toThrow(OptionError)
  })
})

test('what was read last is kept, whatever it is worth: nobody can have asked for it yet', () => {
  const memory = episodicMemory({ bytes: room, worth: ({ origin }) => -(origin?.id ?? 0) })
  const texts = Array.from({ length: 300 }, (_, i) => noise(i, 80))
  for (const [id, text] of texts.entries()) {
    remember(memory, textOf(text, { id }))
    for (const one of texts.slice(Math.max(0, id - 2), id + 1)) {
      expect(memory.recollect(one.subarray(0, 40))?.bytes[0]).toBe(one[40])
    }
  }
  // All others gave way to what came first.
  expect(memory.recollect(texts[0].subarray(0, 40))?.bytes[0]).toBe(texts[0][40])
  expect(memory.recollect(texts[200].subarray(0, 40))).toBeNull()
})

describe('what is forgotten', () => {
  test('is gone, with every byte, and what others gave stays', () => {
    const memory = episodicMemory({ bytes: room })
    for (let i = 0; i < 40; i++) {
      remember(memory, textOf(`Secret ${i} of ${'xyz'[i % 3]}.`, { id: i, source: `u${i % 2}` }))
    }
    const saved = (): string =>
      Buffer.from((memory.toState() as { text: Uint8Array }).text).toString('latin1')
    expect(saved()).toContain('Secret 7 of')
    expect(memory.forget(({ source }) => source === 'u1')).toBeGreaterThan(0)
    expect(saved()).not.toMatch(/Secret \d*[13579] of/)
    expect(saved()).toContain('Secret 8 of')
    expect(memory.recollect(encoded('Secret 7 '))).toBeNull()
    expect(memory.recollect(encoded('Secret 8 '))?.origin?.id).toBe(8)
    expect(memory.forget(({ id }) => id === 8)).toBe('Secret 8 of z.'.length)
    expect(memory.forget(() => false)).toBe(0)
  })
})

test('a state of another size, or one that does not add up, is refused', () => {
  const memory = episodicMemory({ bytes: room })
  remember(memory, textOf(fact))
  const state = memory.toState() as Record<string, unknown>
  const before = structuredClone(state)
  const wrong = [
    { ...state, room: room + 1 },
    { ...state, lengths: Int32Array.of(3) },
    { ...state, domains: [] },
    { ...state, weights: new Float64Array(420) },
    { ...state, weights: new Float64Array(419).fill(0.1) },
    { ...state, surprise: new Uint8Array(3) },
    { ...state, text: new Uint8Array(256 * 20), lengths: new Int32Array(20).fill(256) },
  ]
  for (const one of wrong) expect(() => memory.restore(one)).toThrow(StateError)
  expect(memory.toState()).toEqual(before)
})
