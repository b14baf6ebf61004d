/** The contract of an assessment: ours keeps it, and ones that are broken in one way each do not. */
import { type Assessment, selfAssessment } from '@burgeon/continual'
import { checkAssessment } from '@burgeon/continual/testing'
import { OptionError } from '@burgeon/tensor'
import { expect, test } from 'vitest'

test.each([0.5, 0.9, 0.97])('an assessment with sets of %d keeps every statement', (coverage) => {
  const results = checkAssessment(() => selfAssessment({ coverage }), coverage)
  expect(results.filter(({ holds }) => !holds)).toEqual([])
  expect(results).toHaveLength(9)
})

const broken: Readonly<Record<string, (own: Assessment) => Partial<Assessment>>> = {
  'as often as promised': (own) => {
    const other = selfAssessment({ coverage: 0.8 })
    return { update: (step) => ({ ...own.update(step), held: other.update(step).held }) }
  },
  'of a single one': (own) => ({
    certaintyOf: (logits, domain) => {
      const found = own.certaintyOf(logits, domain)
      return { ...found, set: found.set.slice(0, 1) }
    },
  }),
  'all of them together 1': (own) => ({
    certaintyOf: (logits, domain) => {
      const found = own.certaintyOf(logits, domain)
      return { ...found, next: found.next.map((p) => p / 2) }
    },
  }),
  'the likeliest tokens': (own) => ({
    certaintyOf: (logits, domain) => {
      const found = own.certaintyOf(logits, domain)
      const least = Array.from(found.next.keys()).toSorted((a, b) => found.next[a] - found.next[b])
      return { ...found, set: least.slice(0, 3) }
    },
  }),
  'too sure, and no healthy one': (own) => ({ update: (step) => ({ ...own.update(step), risen: [] }) }),
  'by being asked': (own) => ({
    summary() {
      own.update({
        ...{ step: 1, logits: [0, 1], vocabulary: 2, targets: Int32Array.of(0) },
        ...{ rows: [{ domain: 'made up', source: null }], bytesOf: () => Uint8Array.of(97) },
      })
      return own.summary()
    },
  }),
  'leaves padding out': (own) => ({
    update: (step) => {
      const found = own.update(step)
      return { ...found, held: found.held.map((held) => held ?? false) }
    },
  }),
  'at any step': (own) => {
    let steps = 0
    return {
      update: (step) =>
        own.update(steps++ === 115 ? { ...step, logits: new Float32Array(step.logits.length) } : step),
    }
  },
  'stays unchanged': (own) => ({
    restore(state) {
      try {
        own.restore(state)
      } catch {
        // As if nothing had happened.
      }
    },
  }),
}

test.each(Object.entries(broken))('one that breaks “%s” is found', (promise, change) => {
  const results = checkAssessment(() => {
    const own = selfAssessment()
    const whole: Assessment = {
      name: own.name,
      update: (step) => own.update(step),
      certaintyOf: (logits, domain) => own.certaintyOf(logits, domain),
      summary: () => own.summary(),
      toState: () => own.toState(),
      restore: (state) => own.restore(state),
    }
    return { ...whole, ...change(own) }
  }, 0.9)
  expect(results.filter(({ holds }) => !holds).map(({ statement }) => statement)).toContainEqual(
    expect.stringContaining(promise),
  )
})

test('what is no assessment is refused', () => {
  expect(() => checkAssessment(() => ({ name: 'none' }) as Assessment, 0.9)).toThrow(OptionError)
  expect(() => checkAssessment(() => selfAssessment(), 1)).toThrow(OptionError)
})
