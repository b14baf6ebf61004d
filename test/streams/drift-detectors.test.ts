/** What all detectors have in common: the contract, and states. */
import {
  adaptiveWindowing,
  cusum,
  ddm,
  type DriftDetector,
  eddm,
  hddmAverage,
  hddmWeighted,
  kswin,
  pageHinkley,
  SignalError,
  standardized,
} from '@burgeon/continual'
import { checkDriftDetector, type DriftExpectation } from '@burgeon/continual/testing'
import { StateError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'

const detectors: [make: () => DriftDetector, expectation?: DriftExpectation][] = [
  [() => adaptiveWindowing()],
  [() => adaptiveWindowing({ clock: 1 }), { delay: 20 }],
  [() => pageHinkley()],
  [() => pageHinkley({ mode: 'up' }), { directions: ['up'] }],
  [() => pageHinkley({ mode: 'down' }), { directions: ['down'] }],
  [() => cusum({ threshold: 10 })],
  [() => kswin({ alpha: 1e-5 })],
  [() => ddm(), { signal: 'errors', directions: ['up'] }],
  [() => eddm({ beta: 0.8 }), { signal: 'errors', directions: ['up'], quiet: 400, delay: 300 }],
  [() => hddmAverage({ mode: 'both' }), { signal: 'errors' }],
  [() => hddmWeighted({ mode: 'both', confidence: 1e-5 }), { signal: 'errors', directions: ['up'] }],
  [() => standardized(adaptiveWindowing()), { noise: 1e-4, jump: 4e-4 }],
  [() => standardized(pageHinkley({ threshold: 30, delta: 0.25 })), { noise: 1e-4, jump: 4e-4 }],
]

describe('every detector keeps the contract', () => {
  for (const [make, expectation] of detectors) {
    describe(JSON.stringify(make().toState()), () => {
      for (const { statement, holds, detail } of checkDriftDetector(make, expectation)) {
        test(statement, () => expect(holds, detail).toBe(true))
      }
    })
  }
})

describe('the contract suite notices', () => {
  const broken = (change: Partial<DriftDetector>): string[] => {
    const make = (): DriftDetector => {
      const real = pageHinkley()
      return {
        name: 'broken',
        update: (value) => real.update(value),
        reset: () => real.reset(),
        toState: () => real.toState(),
        restore: (state) => real.restore(state),
        ...change,
      }
    }
    const results = checkDriftDetector(make)
    return results.filter(({ holds }) => !holds).map(({ statement }) => statement)
  }
  const silence = { drift: false, direction: null, estimate: 0 }

  test('nothing in an honest one', () => expect(broken({})).toEqual([]))
  test('one that never speaks', () => {
    const failed = broken({ update: () => silence })
    expect(failed.some((statement) => statement.includes('reports a jump up'))).toBe(true)
    expect(failed.some((statement) => statement.includes('refuses NaN'))).toBe(true)
  })
  test('one that always speaks', () => {
    const failed = broken({ update: () => ({ drift: true, direction: 'up', estimate: 0 }) })
    expect(failed.some((statement) => statement.includes('is silent'))).toBe(true)
  })
  test('one that gives a direction without a drift', () => {
    const failed = broken({ update: () => ({ ...silence, direction: 'up' }) })
    expect(failed.some((statement) => statement.includes('is silent'))).toBe(true)
  })
  test('one that does not reset', () => {
    expect(broken({ reset: () => {} })).toEqual(['broken after a reset behaves like a new one'])
  })
  test('one that saves too little', () => {
    const failed = broken({ toState: () => pageHinkley().toState() })
    expect(failed).toEqual(['broken goes on to the bit after its state was saved and restored anywhere'])
  })
})

describe('restore', () => {
  test('refuses a state that was saved with other options, by name, and changes nothing', () => {
    const detector = pageHinkley()
    detector.update(1)
    const before = detector.toState()
    expect(() => detector.restore(pageHinkley({ threshold: 7 }).toState())).toThrow(StateError)
    expect(() => detector.restore(pageHinkley({ threshold: 7 }).toState())).toThrow(
      'threshold 7; this one has 50',
    )
    expect(() => adaptiveWindowing().restore(adaptiveWindowing({ clock: 1 }).toState())).toThrow('clock')
    expect(() => detector.restore(adaptiveWindowing().toState())).toThrow("'adaptive-windowing'")
    expect(detector.toState()).toEqual(before)
  })
  test('of a standardised detector refuses a foreign inner state and changes nothing', () => {
    const detector = standardized(pageHinkley(), { warmUp: 2 })
    for (const value of [1, 2, 4, 3]) detector.update(value)
    const before = detector.toState()
    const foreign = standardized(adaptiveWindowing(), { warmUp: 2 }).toState()
    expect(() => detector.restore(foreign)).toThrow(StateError)
    expect(detector.toState()).toEqual(before)
  })
})

describe('a saved state', () => {
  const restored = (state: unknown, detector: DriftDetector = pageHinkley()): DriftDetector => {
    detector.restore(state)
    return detector
  }
  test('comes back through JSON', () => {
    for (const [make] of detectors) {
      const state: unknown = JSON.parse(JSON.stringify(make().toState()))
      expect(restored(state, make()).toState()).toEqual(make().toState())
    }
  })
  test('of another kind, or that is none, is refused by name', () => {
    expect(() => restored({ kind: 'ddm' })).toThrow(StateError)
    expect(() => restored({ kind: 'ddm' })).toThrow(/'ddm'/)
    for (const nonsense of [null, undefined, 3, 'page-hinkley', []]) {
      expect(() => restored(nonsense)).toThrow(StateError)
    }
    expect(() => restored(adaptiveWindowing().toState())).toThrow(/'adaptive-windowing'/)
  })
  test('in which a number was lost is refused', () => {
    const state = pageHinkley().toState() as { rise: number }
    expect(() => restored({ ...state, mean: null })).toThrow(/mean/)
    const { rise: _, ...torn } = state
    expect(() => restored(torn)).toThrow(/rise/)
    const adwin = adaptiveWindowing().toState()
    expect(() => restored({ ...(adwin as object), sinceTest: undefined }, adaptiveWindowing())).toThrow(
      /sinceTest/,
    )
  })
  test('shares nothing with the detector that took it', () => {
    const detector = adaptiveWindowing()
    for (let i = 0; i < 100; i++) detector.update(i)
    const state = detector.toState()
    const before = JSON.stringify(state)
    const other = restored(state, adaptiveWindowing())
    for (let i = 0; i < 100; i++) {
      detector.update(i)
      other.update(-i)
    }
    expect(JSON.stringify(state)).toBe(before)
  })
})

test('a value too large to square is refused like an infinity', () => {
  for (const [make, { signal } = {}] of detectors) {
    const detector = make()
    for (const value of [1e101, -1e101, Number.NaN]) expect(() => detector.update(value)).toThrow(SignalError)
    if (signal !== 'errors') expect(() => detector.update(1e99)).not.toThrow()
    expect(JSON.stringify(detector.toState())).not.toContain('null')
  }
})
