/** The contract of a stream watch: ours keep it, and ones that are broken in one way each do not. */
import { byteShift, type StreamWatch } from '@burgeon/continual'
import { checkStreamWatch, type WatchExpectation } from '@burgeon/continual/testing'
import { OptionError } from '@burgeon/tensor'
import { expect, test } from 'vitest'

const quick = (): StreamWatch => byteShift({ recent: 256, past: 4096, warmUp: 1024, threshold: 100 })

test.each<[string, () => StreamWatch, WatchExpectation]>([
  ['byte shift', () => byteShift(), {}],
  ['a quick byte shift', quick, { quiet: 8000, delay: 200 }],
])('%s keeps every statement', (_, make, expectation) => {
  const results = checkStreamWatch(make, expectation)
  expect(results.filter(({ holds }) => !holds)).toEqual([])
  expect(results).toHaveLength(7)
})

const broken: Readonly<Record<string, (own: StreamWatch) => Partial<StreamWatch>>> = {
  'is silent on': (own) => ({
    update: (bytes) => ({ ...own.update(bytes), direction: 'up' }),
  }),
  'reports other bytes': (own) => ({
    update: (bytes) => ({ ...own.update(bytes), drift: false, direction: null }),
  }),
  'says nothing where nothing': (own) => ({
    update: (bytes) => own.update(bytes.length === 0 ? [1] : bytes),
  }),
  'changes none of the bytes': (own) => ({
    update(bytes) {
      const verdict = own.update(bytes)
      ;(bytes as Uint8Array).fill?.(0)
      return verdict
    },
  }),
  'is like a new one': () => ({ reset: () => {} }),
  'goes on to the bit': () => ({ toState: () => quick().toState() }),
  'refuses a state that is not its own': (own) => ({
    restore(state) {
      try {
        own.restore(state)
      } catch {
        // As if nothing had happened.
      }
    },
  }),
}

test.each(Object.entries(broken))('one that breaks "%s" is told so', (statement, change) => {
  const make = (): StreamWatch => {
    const own = quick()
    return { ...own, ...change(own) }
  }
  const wrong = checkStreamWatch(make, { quiet: 8000, delay: 200 }).filter(({ holds }) => !holds)
  expect(wrong.map((result) => result.statement).join('\n')).toContain(statement)
})

test('every statement has a watch that breaks it', () => {
  const results = checkStreamWatch(quick, { quiet: 8000, delay: 200 })
  expect(
    results.filter(({ statement }) => !Object.keys(broken).some((text) => statement.includes(text))),
  ).toEqual([])
})

test('what makes no watch, and an expectation that is none, are refused', () => {
  for (const make of [null, 3, () => null, () => ({ name: 'half' })]) {
    expect(() => checkStreamWatch(make as never)).toThrow(OptionError)
  }
  expect(() => checkStreamWatch(quick, { quiet: 0 })).toThrow(OptionError)
})
