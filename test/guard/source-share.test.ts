/** Limits on what one source, and all that are not trusted together, say. */
import { type Guard, sourceShare, type SourceShareOptions } from '@burgeon/continual'
import { StateError } from '@burgeon/tensor'
import { expect, test } from 'vitest'

const hundred = 'x'.repeat(100)

/** How many of the texts of 100 bytes each are let in. */
function admitted(guard: Guard, texts: number, source: (i: number) => string, trust: number): number {
  let count = 0
  for (let i = 0; i < texts; i++) {
    const record = { text: hundred, source: source(i), domain: 'a', trust }
    if (guard.admit(record, { step: 0, at: i }).verdict === 'learn') count++
  }
  return count
}

const limited = (options: SourceShareOptions = {}): Guard =>
  sourceShare({ ...{ free: 0, window: 1, life: 1, together: 1 }, ...options })

const alone = (): string => 'one'

test('a source has its share of the latest texts, and more once they are others', () => {
  const guard = limited({ window: 0.1, texts: 50 })
  expect(admitted(guard, 45, () => 'known', 1)).toBe(45)
  expect(admitted(guard, 50, alone, 0.5)).toBe(5)
  expect(admitted(guard, 50, () => 'known', 1)).toBe(50)
  expect(admitted(guard, 50, alone, 0.5)).toBe(5)
})

test('a source has its share of the whole life, whenever it comes', () => {
  const guard = limited({ life: 0.1, texts: 1 })
  admitted(guard, 90, () => 'known', 1)
  expect(admitted(guard, 50, alone, 0.5)).toBe(10)
  admitted(guard, 90, () => 'known', 1)
  expect(admitted(guard, 50, alone, 0.5)).toBe(10)
})

test('a hundred names are one when none of them is trusted', () => {
  const guard = limited({ together: 0.25 })
  admitted(guard, 75, () => 'known', 1)
  expect(admitted(guard, 100, (i) => `name ${i}`, 0.9)).toBe(25)
  const { reasons } = guard.admit({ text: hundred, source: 'new', domain: 'a', trust: 0 }, { step: 0, at: 0 })
  expect(reasons).toEqual(['untrusted sources say too much'])
})

test('trusted sources have no limit, and some bytes are free for each', () => {
  expect(admitted(sourceShare(), 200, alone, 1)).toBe(200)
  expect(admitted(sourceShare({ free: 1000 }), 200, alone, 0.5)).toBe(10)
})

test('what is kept apart counts for nothing', () => {
  const guard = limited({ life: 0.5 })
  admitted(guard, 10, () => 'known', 1)
  expect(admitted(guard, 1000, alone, 0.5)).toBe(10)
  expect(JSON.stringify(guard.toState?.())).toContain('"all":2000')
})

test('of a hundred thousand sources the loudest are remembered', () => {
  const guard = limited()
  admitted(guard, 20_000, (i) => (i % 3 === 0 ? 'loud' : `name ${i}`), 0.5)
  const state = guard.toState?.() as { sources: readonly (readonly [string, number])[] }
  const { sources } = state
  expect(sources.length).toBeLessThanOrEqual(8192)
  expect(new Map(sources).get('loud')).toBe(100 * Math.ceil(20_000 / 3))
})

test('a damaged state is refused', () => {
  const guard = limited()
  const state = guard.toState?.() as object
  for (const wrong of [
    { ...state, all: -1 },
    { ...state, latest: [3] },
    { ...state, sources: [['a', 'b']] },
  ])
    expect(() => guard.restore?.(wrong, undefined as never)).toThrow(StateError)
})
