/** Reaches inside: which records count as ones that came before. */
import type { AdmittedExperience } from '@burgeon/continual'
import { keyFromSeed, OptionError, RandomStream, StateError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import {
  type SeenRecords,
  seenRecords,
} from '../../packages/burgeon/src/sources/records/duplicates/seen-records.ts'

let admitted = 0
const experience = (source: string, key: string | null, text: string): AdmittedExperience => ({
  ...{ origin: { id: admitted++, source, domain: 'd', at: 0, trust: 1 }, key, text },
})

function filled(seen: SeenRecords): SeenRecords {
  seen.remember(experience('a', '1', 'one'))
  seen.remember(experience('b', null, 'two'))
  return seen
}

describe('a record', () => {
  test('came before with its id, or with its text, from any source', () => {
    const seen = filled(seenRecords())
    expect(seen.duplicateOf({ source: 'a', id: '1', text: 'another' })).toBe('id')
    expect(seen.duplicateOf({ source: 'b', id: '1', text: 'another' })).toBe(null)
    expect(seen.duplicateOf({ source: 'c', text: 'two' })).toBe('text')
    expect(seen.duplicateOf({ source: 'c', id: '9', text: 'One' })).toBe(null)
    // An id and a text are not mistaken for each other.
    expect(seen.duplicateOf({ source: 'a', text: '1' })).toBe(null)
  })
  test('may come beside itself', () => {
    const seen = seenRecords({ similarity: 0.8 })
    const one = { source: 'a', id: '1', text: 'a text of some length, so that it has pieces' }
    expect(seen.duplicateOf({ ...one, text: 'x' }, [one])).toBe('id')
    expect(seen.duplicateOf({ ...one, id: '2' }, [one])).toBe('text')
    expect(seen.duplicateOf({ source: 'b', text: `${one.text}!` }, [one])).toBe('similar')
    expect(seen.duplicateOf({ source: 'b', id: '1', text: 'something else altogether' }, [one])).toBe(null)
  })
  test('is forgotten once there is no room for it', () => {
    const seen = seenRecords({ capacity: 2 })
    for (const i of [1, 2, 3]) seen.remember(experience('a', `${i}`, `text ${i}`))
    const verdicts = [1, 2, 3].map((i) => seen.duplicateOf({ source: 'a', id: `${i}`, text: `text ${i}` }))
    expect(verdicts).toEqual([null, 'id', 'id'])
  })
})

const random = new RandomStream(keyFromSeed(5))
const letters = (count: number): string =>
  Array.from({ length: count }, () => 'abcdefghijklmnopqrstuvwxyz '[random.below(27)]).join('')

describe('a similar text', () => {
  const found = (similarity: number, pairs: readonly (readonly [string, string])[]): number =>
    pairs.filter(([a, b]) => {
      const seen = seenRecords({ similarity })
      seen.remember(experience('a', null, a))
      return seen.duplicateOf({ source: 'b', text: b }) === 'similar'
    }).length
  test('is found where one letter of a thousand is another, and none where a third is common', () => {
    const pairs = Array.from({ length: 60 }, () => {
      const [before, after] = [letters(500), letters(500)]
      return [`${before}a${after}`, `${before}b${after}`] as const
    })
    expect(found(0.8, pairs)).toBe(60)
    const others = Array.from({ length: 60 }, () => {
      const common = letters(500)
      return [`${common}${letters(500)}`, `${common}${letters(500)}`] as const
    })
    expect(found(0.8, others)).toBe(0)
    // It is that share and not any: a third is found where less is asked for, as a rule.
    expect(found(0.15, others)).toBeGreaterThan(5)
  })
  test('of a few letters is one of its own', () => {
    expect(found(0.9, [['a', 'b']])).toBe(0)
    expect(found(0.9, [['short', 'shore']])).toBe(0)
  })
  test('is not found unless it was asked for', () => {
    const seen = seenRecords()
    const text = letters(500)
    seen.remember(experience('a', null, text))
    expect(seen.duplicateOf({ source: 'b', text: `${text}!` })).toBe(null)
  })
})

describe('what was seen', () => {
  const make = (): SeenRecords => filled(seenRecords({ similarity: 0.9 }))
  test('comes back from a state, and goes on', () => {
    const [before, after] = [make(), seenRecords({ similarity: 0.9 })]
    after.restore(structuredClone(before.toState()))
    expect(after.toState()).toEqual(before.toState())
    expect(after.lastIdOf('a')).toBe('1')
    expect(after.lastIdOf('b')).toBe(undefined)
    for (const seen of [before, after])
      seen.remember({
        ...experience('a', '2', 'three'),
        origin: { id: 7, source: 'a', domain: 'd', at: 0, trust: 1 },
      })
    expect(after.toState()).toEqual(before.toState())
    expect(after.toState().upTo).toBe(8)
  })
  test.each<[string, (state: Record<string, unknown>) => unknown]>([
    ['half a digest', (state) => ({ ...state, digests: new Uint8Array(13) })],
    ['a source without an id', (state) => ({ ...state, lastIds: [['a']] })],
    ['no place', (state) => ({ ...state, upTo: -1 })],
    ['half a signature', (state) => ({ ...state, similar: { signatures: new Uint32Array(31) } })],
    ['nothing', () => null],
  ])('is not restored from a state with %s', (_, change) => {
    const seen = make()
    const before = structuredClone(seen.toState())
    expect(() => seen.restore(change(structuredClone(before) as never))).toThrow(StateError)
    expect(seen.toState()).toEqual(before)
  })
  test('has options within their ranges', () => {
    for (const options of [{ capacity: 0 }, { similarity: 0 }, { similarity: 1.1 }]) {
      expect(() => seenRecords(options)).toThrow(OptionError)
    }
  })
})
