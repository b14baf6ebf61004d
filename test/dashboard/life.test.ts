// Reaches inside: the page is no package, and its arithmetic is worth more than what a browser shows of it.
/** A life as the page knows it: by a record, and by events after one. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  addEvent,
  addStep,
  domainsOf,
  type Life,
  lifeOf,
  type RecordJson,
  smoothed,
  type StepJson,
  valueAt,
} from '../../packages/server/dashboard/src/life.ts'
import { compact, size, ticks } from '../../packages/server/dashboard/src/quantities.ts'
import { times } from '../how-long.ts'

const nothing: RecordJson = {
  ...{ last_event_id: '', step: 0, bytes: 0, losses: [], spans: [], measurements: [], events: [] },
  parameters: [{ bytes: 0, parameters: 100 }],
}

/** Steps of a life, as a server tells them. */
const someSteps = fc
  .array(
    fc.record({
      bytes: fc.integer({ min: 1, max: 1000 }),
      bits_per_byte: fc.double({ min: 0, max: 9, noNaN: true }),
      domain: fc.constantFrom('a', 'b', 'c'),
      grows: fc.nat({ max: 5 }),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((all) => {
    let parameters = 100
    return all.map(({ grows, ...step }, i): StepJson => {
      if (grows === 5) parameters += 10
      return { ...step, step: i + 1, parameters }
    })
  })

/** The record that a server would give after some steps: the same series, made in one go. */
function recordOf(steps: readonly StepJson[]): RecordJson {
  const losses: { bytes: number; bits_per_byte: number }[] = []
  const spans: { domain: string; from: number; to: number }[] = []
  const parameters = [{ bytes: 0, parameters: 100 }]
  let bytes = 0
  for (const step of steps) {
    losses.push({ bytes, bits_per_byte: step.bits_per_byte })
    const to = bytes + step.bytes
    const last = spans.at(-1)
    if (last?.domain === step.domain) last.to = to
    else spans.push({ domain: step.domain, from: bytes, to })
    bytes = to
    if (parameters.at(-1)?.parameters !== step.parameters)
      parameters.push({ bytes, parameters: step.parameters })
  }
  return { ...nothing, step: steps.at(-1)?.step ?? 0, bytes, losses, spans, parameters }
}

const withSteps = (life: Life, steps: readonly StepJson[]): Life => {
  for (const step of steps) addStep(life, step)
  return life
}

test('a record and the steps after it come to the record of all, wherever it was asked for', () => {
  fc.assert(
    fc.property(someSteps, fc.nat(), (steps, at) => {
      const known = steps.slice(0, at % (steps.length + 1))
      // Steps that the record knows may be told again.
      expect(withSteps(lifeOf(recordOf(known)), steps)).toEqual(lifeOf(recordOf(steps)))
    }),
    { numRuns: times(100, 1000) },
  )
})

test('domains have all bytes, the most learnt first, and the loss of their own steps', () => {
  fc.assert(
    fc.property(someSteps, (steps) => {
      const life = lifeOf(recordOf(steps))
      const domains = domainsOf(life)
      expect(domains.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(life.bytes)
      expect(domains.map(({ bytes }) => bytes)).toEqual(
        domains.map(({ bytes }) => bytes).toSorted((a, b) => b - a),
      )
      for (const { name, lately } of domains) {
        const own = steps.filter(({ domain }) => domain === name).map((step) => step.bits_per_byte)
        const mean = own.reduce((before, value) => before + 0.1 * (value - before))
        expect(lately).toBeCloseTo(mean, 9)
      }
    }),
    { numRuns: times(100, 1000) },
  )
})

test('what is held out stands beside its domain, as it was measured last', () => {
  const record = recordOf([{ step: 1, bytes: 10, bits_per_byte: 8, domain: 'a', parameters: 100 }])
  const measurements = [{ bits_per_byte: { a: 4, b: 5 } }, { bits_per_byte: { a: 3 } }]
  expect(domainsOf(lifeOf({ ...record, measurements }))).toEqual([
    { name: 'a', bytes: 10, stretches: 1, lately: 8, heldOut: 3 },
  ])
})

test('a curve of any length stays bounded, and keeps its mean', () => {
  const life = lifeOf(nothing)
  for (let step = 1; step <= 10_000; step++)
    addStep(life, { step, bytes: 1, bits_per_byte: step % 2, domain: 'a', parameters: 100 })
  expect(life.bytes).toBe(10_000)
  expect(life.losses.length).toBeLessThan(4097)
  expect(life.losses.every(({ at }, i) => i === 0 || at > life.losses[i - 1].at)).toBe(true)
  const means = life.losses.slice(0, 1000).map(({ value }) => value)
  expect(means.every((value) => value === 0.5)).toBe(true)
})

test('the moving mean lies between what it means, and a place is read at or before it', () => {
  fc.assert(
    fc.property(someSteps, fc.nat(), (steps, place) => {
      const { losses } = lifeOf(recordOf(steps))
      let [low, high] = [Infinity, -Infinity]
      smoothed(losses).forEach(({ at, value }, i) => {
        low = Math.min(low, losses[i].value)
        high = Math.max(high, losses[i].value)
        expect(at).toBe(losses[i].at)
        expect(value).toBeGreaterThanOrEqual(low - 1e-12)
        expect(value).toBeLessThanOrEqual(high + 1e-12)
      })
      const read = losses.filter(({ at }) => at <= place).at(-1)
      expect(valueAt(losses, place)).toBe((read ?? losses[0]).value)
    }),
    { numRuns: times(100, 1000) },
  )
  expect(valueAt([], 3)).toBeUndefined()
})

test('an event stands where learning was when it was heard', () => {
  const life = withSteps(lifeOf(nothing), [
    { step: 1, bytes: 7, bits_per_byte: 1, domain: 'a', parameters: 100 },
  ])
  addEvent(life, { kind: 'drift', step: 1, summary: 'the stream changed' })
  expect(life.events).toEqual([{ at: 7, kind: 'drift', step: 1, summary: 'the stream changed' }])
})

test('ticks are round, even, and hold both ends between them', () => {
  const ends = fc
    .tuple(fc.integer({ min: -100, max: 1000 }), fc.double({ min: 1e-3, max: 1e9, noNaN: true }))
    .map(([widths, width]) => [widths * width, width] as const)
  fc.assert(
    fc.property(ends, fc.integer({ min: 2, max: 8 }), ([from, width], wanted) => {
      const found = ticks(from, from + width, wanted)
      const step = found[1] - found[0]
      expect(found[0]).toBeLessThanOrEqual(from + 1e-6 * width)
      expect(found[found.length - 1]).toBeGreaterThanOrEqual(from + width - 1e-6 * width)
      expect(found.length).toBeGreaterThanOrEqual(2)
      expect(found.length).toBeLessThanOrEqual(wanted + 3)
      expect(/^[125]0*$/.test(step.toExponential(3).replace(/\.|e.*$/g, ''))).toBe(true)
    }),
    { numRuns: times(100, 1000) },
  )
  expect(ticks(0, 8, 4)).toEqual([0, 2, 4, 6, 8])
})

test.each([
  [0, '0 B', '0'],
  [999, '999 B', '999'],
  [999.6, '1 kB', '1 k'],
  [1000, '1 kB', '1 k'],
  [123_456, '123 kB', '123 k'],
  [999_999, '1 MB', '1 M'],
  [1_234_567, '1.23 MB', '1.23 M'],
  [5e15, '5000 TB', '5000 T'],
])('%d is %s', (value, bytes, short) => {
  expect(size(value)).toBe(bytes)
  expect(compact(value)).toBe(short)
})
