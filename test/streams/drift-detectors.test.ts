// Reaches inside: what is tested here is a part of its package, not an entry point.
import { describe, expect, test } from 'vitest'
import { AdaptiveWindowing } from '../../packages/continual/src/drift/adaptive-windowing.ts'
import type { DriftDetector } from '../../packages/continual/src/drift/drift-detector.ts'
import { driftDetectorFromState } from '../../packages/continual/src/drift/drift-detector-from-state.ts'
import { PageHinkley } from '../../packages/continual/src/drift/page-hinkley.ts'
import { StandardisedDetector } from '../../packages/continual/src/drift/standardised.ts'
import { SignalError } from '@burgeon/continual'
import { StateError } from '@burgeon/tensor'
import {
  checkDriftDetector,
  type DriftExpectation,
} from '../../packages/continual/src/testing/check-drift-detector.ts'

const detectors: [make: () => DriftDetector, expectation?: DriftExpectation][] = [
  [() => new AdaptiveWindowing()],
  [() => new AdaptiveWindowing({ clock: 1 }), { delay: 20 }],
  [() => new PageHinkley()],
  [() => new PageHinkley({ mode: 'up' }), { directions: ['up'] }],
  [() => new PageHinkley({ mode: 'down' }), { directions: ['down'] }],
  [() => new StandardisedDetector(new AdaptiveWindowing()), { noise: 1e-4, jump: 4e-4 }],
  [
    () => new StandardisedDetector(new PageHinkley({ threshold: 30, delta: 0.25 })),
    { noise: 1e-4, jump: 4e-4 },
  ],
]

describe('every detector keeps the contract', () => {
  for (const [make, expectation] of detectors) {
    describe(JSON.stringify(make().toState()), () => {
      for (const { statement, holds, detail } of checkDriftDetector(
        make,
        driftDetectorFromState,
        expectation,
      )) {
        test(statement, () => expect(holds, detail).toBe(true))
      }
    })
  }
})

describe('the contract suite notices', () => {
  const broken = (change: Partial<DriftDetector>): string[] => {
    const make = (): DriftDetector => {
      const real = new PageHinkley()
      return {
        name: 'broken',
        update: (value) => real.update(value),
        reset: () => real.reset(),
        toState: () => real.toState(),
        restore: (state) => real.restore(state),
        ...change,
      }
    }
    const results = checkDriftDetector(make, driftDetectorFromState)
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
    const failed = broken({ toState: () => new PageHinkley().toState() })
    expect(failed).toEqual(['broken goes on to the bit after its state was saved and restored anywhere'])
  })
})

describe('restore', () => {
  test('refuses a state that was saved with other options, by name, and changes nothing', () => {
    const detector = new PageHinkley()
    detector.update(1)
    const before = detector.toState()
    expect(() => detector.restore(new PageHinkley({ threshold: 7 }).toState())).toThrow(StateError)
    expect(() => detector.restore(new PageHinkley({ threshold: 7 }).toState())).toThrow(
      'threshold 7; this one has 50',
    )
    expect(() => new AdaptiveWindowing().restore(new AdaptiveWindowing({ clock: 1 }).toState())).toThrow(
      'clock',
    )
    expect(() => detector.restore(new AdaptiveWindowing().toState())).toThrow("'adaptive-windowing'")
    expect(detector.toState()).toEqual(before)
  })
  test('of a standardised detector refuses a foreign inner state and changes nothing', () => {
    const detector = new StandardisedDetector(new PageHinkley(), { warmUp: 2 })
    for (const value of [1, 2, 4, 3]) detector.update(value)
    const before = detector.toState()
    const foreign = new StandardisedDetector(new AdaptiveWindowing(), { warmUp: 2 }).toState()
    expect(() => detector.restore(foreign)).toThrow(StateError)
    expect(detector.toState()).toEqual(before)
  })
})

describe('driftDetectorFromState', () => {
  test('restores a detector of the same class and options', () => {
    for (const [make] of detectors) {
      const detector = make()
      const restored = driftDetectorFromState(JSON.parse(JSON.stringify(detector.toState())))
      expect(restored.constructor).toBe(detector.constructor)
      expect(restored.toState()).toEqual(detector.toState())
    }
  })
  test('refuses what is no state, by name', () => {
    expect(() => driftDetectorFromState({ kind: 'ddm' })).toThrow(StateError)
    expect(() => driftDetectorFromState({ kind: 'ddm' })).toThrow(/'ddm'/)
    for (const nonsense of [null, undefined, 3, 'page-hinkley', []]) {
      expect(() => driftDetectorFromState(nonsense)).toThrow(StateError)
    }
    expect(() => PageHinkley.fromState(new AdaptiveWindowing().toState())).toThrow(/'adaptive-windowing'/)
  })
  test('refuses a state in which a number was lost', () => {
    expect(() => driftDetectorFromState({ ...new PageHinkley().toState(), mean: null })).toThrow(/mean/)
    const { rise: _, ...torn } = new PageHinkley().toState()
    expect(() => driftDetectorFromState(torn)).toThrow(/rise/)
    const adwin = new AdaptiveWindowing().toState()
    expect(() => driftDetectorFromState({ ...adwin, sinceTest: undefined })).toThrow(/sinceTest/)
  })
  test('gives a detector that shares nothing with the state', () => {
    const detector = new AdaptiveWindowing()
    for (let i = 0; i < 100; i++) detector.update(i)
    const state = detector.toState()
    const before = JSON.stringify(state)
    const restored = AdaptiveWindowing.fromState(state)
    for (let i = 0; i < 100; i++) {
      detector.update(i)
      restored.update(-i)
    }
    expect(JSON.stringify(state)).toBe(before)
  })
})

test('a value too large to square is refused like an infinity', () => {
  for (const [make] of detectors) {
    const detector = make()
    for (const value of [1e101, -1e101, Number.NaN]) expect(() => detector.update(value)).toThrow(SignalError)
    expect(() => detector.update(1e99)).not.toThrow()
    expect(JSON.stringify(detector.toState())).not.toContain('null')
  }
})
