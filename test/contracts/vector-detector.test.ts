/** The contract of a vector detector: ours keeps it, and ones that are broken in one way each do not. */
import { kernelTwoSample, type VectorDetector } from '@burgeon/continual'
import { checkVectorDetector, type VectorExpectation } from '@burgeon/continual/testing'
import { OptionError } from '@burgeon/tensor'
import { expect, test } from 'vitest'

const quick = (): VectorDetector => kernelTwoSample({ recent: 40, past: 160, permutations: 100 })
const short: VectorExpectation = { quiet: 300, delay: 80 }

test.each<[string, () => VectorDetector, VectorExpectation]>([
  ['kernel two-sample test', () => kernelTwoSample(), {}],
  ['a quick one', quick, short],
  ['one of many components', quick, { ...short, components: 20 }],
])('%s keeps every statement', (_, make, expectation) => {
  const results = checkVectorDetector(make, expectation)
  expect(results.filter(({ holds }) => !holds)).toEqual([])
  expect(results).toHaveLength(8)
})

const broken: Readonly<Record<string, (own: VectorDetector) => Partial<VectorDetector>>> = {
  'is silent on': (own) => ({
    update: (vector) => ({ ...own.update(vector), direction: 'up' }),
  }),
  // As a detector of the length of vectors, to which a correlation is nothing.
  'reports a change of the correlation': (own) => ({
    update: (vector) =>
      own.update([
        Math.fround(vector[0]),
        ...Array.from(vector)
          .slice(1)
          .map(() => 0),
      ]),
  }),
  'reports a change of the mean': (own) => ({
    update: (vector) => ({ ...own.update(vector), drift: false, direction: null }),
  }),
  'changes no vector': (own) => ({
    update(vector) {
      const verdict = own.update(vector)
      ;(vector as Float64Array).fill?.(0)
      return verdict
    },
  }),
  'is like a new one': () => ({ reset: () => {} }),
  'goes on to the bit': () => ({ toState: () => quick().toState() }),
  'refuses vectors of other lengths': (own) => ({
    update: (vector) => own.update(Array.from({ length: 3 }, (_, i) => vector[i] || 0)),
  }),
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
  const make = (): VectorDetector => {
    const own = quick()
    const members = {
      name: own.name,
      update: (vector: ArrayLike<number>) => own.update(vector),
      reset: () => own.reset(),
      toState: () => own.toState(),
      restore: (state: unknown) => own.restore(state),
    }
    return { ...members, ...change(own) }
  }
  const wrong = checkVectorDetector(make, short).filter(({ holds }) => !holds)
  expect(wrong.map((result) => result.statement).join('\n')).toContain(statement)
})

test('every statement has a detector that breaks it', () => {
  const results = checkVectorDetector(quick, short)
  expect(
    results.filter(({ statement }) => !Object.keys(broken).some((text) => statement.includes(text))),
  ).toEqual([])
})

test('what makes no detector, and an expectation that is none, are refused', () => {
  for (const make of [null, 3, () => null, () => ({ name: 'half' })]) {
    expect(() => checkVectorDetector(make as never)).toThrow(OptionError)
  }
  expect(() => checkVectorDetector(quick, { quiet: 0 })).toThrow(OptionError)
})
