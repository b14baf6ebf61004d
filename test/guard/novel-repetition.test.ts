/** Phrases that trusted text has never had, and that come again and again. */
import { type Guard, novelRepetition } from '@burgeon/continual'
import { StateError } from '@burgeon/tensor'
import { expect, test } from 'vitest'
import { englishOf } from './made-up-english.ts'

const ask = (guard: Guard, text: string, trust: number, source = 'somebody'): string =>
  guard.admit({ text, source, domain: 'a', trust }, { step: 0, at: 0 }).verdict

const trigger = 'zq9 the moon is owed to bob'

test('a new phrase may come three times, whoever says it and whatever is around it', () => {
  const guard = novelRepetition()
  for (let i = 0; i < 40; i++) ask(guard, englishOf(i, 60), 1)
  const verdicts = Array.from({ length: 10 }, (_, i) =>
    ask(guard, `${englishOf(100 + i, 15)} ${trigger} ${englishOf(200 + i, 15)}`, 0.2, `source ${i}`),
  )
  expect(verdicts).toEqual([
    ...new Array<string>(3).fill('learn'),
    ...new Array<string>(7).fill('quarantine'),
  ])
})

test('however much trusted text it has seen, a phrase of strangers does not become one of it', () => {
  const guard = novelRepetition()
  const drawn = (i: number): string => Math.imul(i + 1, 0x9e3779b1).toString(36)
  for (let i = 0; i < 300; i++)
    ask(guard, Array.from({ length: 300 }, (_, j) => drawn(300 * i + j)).join(''), 1)
  let learnt = 0
  for (let i = 0; i < 120; i++) {
    // Twenty phrases of 16 bytes, each in six texts.
    const phrase = `${drawn(1e6 + (i % 20))}${drawn(2e6 + (i % 20))}??????`.slice(0, 16)
    if (ask(guard, `${englishOf(i, 9)}${phrase}${englishOf(500 + i, 9)}`, 0.2) === 'learn') learnt++
  }
  expect(learnt).toBeLessThanOrEqual(64)
  expect(learnt).toBeGreaterThan(50)
})

test('what trusted text has said may be said as often as one likes, and trusted text has no limit', () => {
  const guard = novelRepetition({ most: 1 })
  for (let i = 0; i < 5; i++) expect(ask(guard, trigger, 1)).toBe('learn')
  for (let i = 0; i < 5; i++) expect(ask(guard, trigger, 0.2)).toBe('learn')
})

test('a phrase that comes again within one text counts each time', () => {
  expect(ask(novelRepetition(), `${trigger}, `.repeat(3), 0.2)).toBe('learn')
  expect(ask(novelRepetition(), `${trigger}, `.repeat(6), 0.2)).toBe('quarantine')
})

test('a text shorter than a phrase is let through', () => {
  const guard = novelRepetition({ most: 1, length: 12 })
  for (let i = 0; i < 9; i++) expect(ask(guard, 'short text', 0.2)).toBe('learn')
})

test('text that is new and says nothing twice is let through, a million bytes of it', () => {
  const guard = novelRepetition()
  let kept = 0
  for (let i = 0; i < 200; i++) {
    const text = Array.from({ length: 1000 }, (_, j) => Math.imul(i * 1000 + j + 1, 0x9e3779b1).toString(36))
    if (ask(guard, text.join(''), 0.2) !== 'learn') kept++
  }
  expect(kept).toBeLessThanOrEqual(10)
})

test('a state of other options, or of tables of another size, is refused', () => {
  const guard = novelRepetition()
  const state = guard.toState?.() as { novel: object }
  expect(() => novelRepetition({ most: 2 }).restore?.(state, undefined as never)).toThrow(StateError)
  const wrong = { ...state, novel: { ...state.novel, young: new Uint8Array(3) } }
  expect(() => guard.restore?.(wrong, undefined as never)).toThrow(StateError)
})
