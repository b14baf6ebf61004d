/** What a choice decides from the numbers of a trial. */
import { chooseAmong, type ChooseAmongOptions, type TriedArm } from '@burgeon/continual'
import { OptionError } from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { times } from '../how-long.ts'

const arms = { calm: {}, eager: { rate: 2 }, old: { rehearsalShare: 2 } }
const choice = chooseAmong({ arms, every: 100 })
type State = typeof choice.initial

const tried = (arm: string, gain: number, error: number, operations: number = 10): TriedArm => ({
  ...{ arm, bits: 3 - gain, gain, error, operations },
})
const outcomeOf = (step: number, ...others: readonly TriedArm[]) => ({
  ...{ step, rows: 20, arms: [tried('calm', 0, 0), ...others], extra: 30, progress: null },
})
const after = (state: State, ...others: readonly TriedArm[]): ReturnType<typeof choice.decide> =>
  choice.decide(outcomeOf(120, ...others), state)

describe('a trial', () => {
  test('is due after so many steps, and at drift', () => {
    const rivals = (step: number, drift: boolean): readonly string[] =>
      choice.rivals({ step, drift }, choice.initial)
    expect([rivals(24, false), rivals(25, false), rivals(7, true)]).toEqual([
      [],
      ['eager', 'old'],
      ['eager', 'old'],
    ])
  })
  test('comes twice as late after each that changed nothing, and soon after a change', () => {
    let { initial: state } = choice
    const waits: number[] = []
    for (let trial = 0; trial < 4; trial++) {
      state = choice.decide(outcomeOf(120, tried('eager', -1, 0.1)), state).state
      const isDue = (wait: number): boolean =>
        choice.rivals({ step: 120 + wait, drift: false }, state).length > 0
      waits.push([...Array(200).keys()].findIndex(isDue))
    }
    expect(waits).toEqual([50, 100, 100, 100])
    const once = choice.decide(outcomeOf(240, tried('old', 0.2, 0.02)), state)
    const twice = choice.decide(outcomeOf(260, tried('old', 0.2, 0.02)), once.state).state
    expect(choice.rivals({ step: 284, drift: false }, twice)).toEqual([])
    expect(choice.rivals({ step: 285, drift: false }, twice)).toEqual(['calm', 'eager'])
  })
  test('that an arm wins is repeated at once with it alone, and the second win makes it the one', () => {
    const once = after(choice.initial, tried('eager', 0.1, 0.02), tried('old', 0.2, 0.3))
    expect([once.goesOn, once.state.candidates]).toEqual(['calm', ['eager']])
    expect(choice.rivals({ step: 120, drift: false }, once.state)).toEqual(['eager'])
    const twice = choice.decide(outcomeOf(140, tried('eager', 0.05, 0.02)), once.state)
    expect([twice.goesOn, twice.state.incumbent, twice.state.candidates]).toEqual(['eager', 'eager', []])
    expect(twice.state.since).toBe(140)
  })
  test('that several arms win is repeated with all of them, and the best one then goes on', () => {
    const once = after(choice.initial, tried('eager', 0.1, 0.02), tried('old', 0.1, 0.03))
    expect(choice.rivals({ step: 120, drift: false }, once.state)).toEqual(['eager', 'old'])
    const decided = (eager: number): string =>
      choice.decide(outcomeOf(140, tried('eager', eager, 0.02), tried('old', 0.1, 0.03)), once.state).goesOn
    expect([decided(0.2), decided(0.05), decided(0.01)]).toEqual(['eager', 'old', 'old'])
  })
  test('that is not won again changes nothing', () => {
    const once = after(choice.initial, tried('eager', 0.1, 0.02))
    const again = choice.decide(outcomeOf(140, tried('eager', 0.03, 0.02)), once.state)
    expect([again.goesOn, again.state.incumbent, again.state.candidates]).toEqual(['calm', 'calm', []])
  })
  test('is won by none that is worse, as good to the bit, or has failed', () => {
    const failed = { ...tried('old', 0, 0), bits: null }
    for (const other of [tried('eager', -0.5, 0.01), tried('eager', 0, 0), failed]) {
      const { goesOn, state } = after(choice.initial, other)
      expect([goesOn, state.candidates]).toEqual(['calm', []])
    }
    expect(after(choice.initial, failed).reason).toContain('old failed')
  })
  test('is won by the arm that is better beyond its error, however large the gain of another', () => {
    const { state } = after(choice.initial, tried('eager', 0.1, 0.01), tried('old', 0.3, 0.2))
    expect(state.candidates).toEqual(['eager'])
  })
})

test('operations have their price, and an arm that takes fewer may be worse by it', () => {
  const priced = chooseAmong({ arms, judge: { price: 0.1 } })
  const candidate = (operations: number, gain: number): string | undefined =>
    priced.decide(outcomeOf(400, tried('eager', gain, 0.01, operations)), priced.initial).state.candidates[0]
  expect([candidate(20, 0.1), candidate(20, 0.13), candidate(5, 0), candidate(5, -0.04)]).toEqual([
    undefined,
    'eager',
    'eager',
    undefined,
  ])
})

describe('of many arms', () => {
  const many = Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`arm ${i}`, { rate: 1 + i }]))
  test('all are tried at first, then some are drawn, each for once and never the one that is lived', () => {
    const options: ChooseAmongOptions = { arms: many, rivals: 3, every: 1 }
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.nat(1000), (step, seed) => {
        const one = chooseAmong({ ...options, seed })
        const rivals = one.rivals({ step, drift: false }, one.initial)
        expect(rivals.toSorted()).toEqual(Object.keys(many).slice(1))
        const later = one.rivals({ step: 2 * step + 1, drift: false }, { ...one.initial, since: step })
        expect(new Set(later).size).toBe(3)
        expect(later).not.toContain('arm 0')
        const again = one.rivals({ step: 2 * step + 1, drift: false }, { ...one.initial, since: step })
        expect(again).toEqual(later)
      }),
      { numRuns: times(30, 300) },
    )
  })
  test('those that were better are drawn more often, and none never', () => {
    const one = chooseAmong({ arms: many, rivals: 1, every: 1 })
    let { initial: state } = one
    for (let step = 1; step < 20; step++) {
      const arms = [{ ...tried('arm 0', 0, 0) }, tried('arm 3', 0.05, 0.1), tried('arm 4', -0.2, 0.1)]
      state = one.decide({ step, rows: 9, arms, extra: 1, progress: null }, state).state
    }
    expect(state.shares.reduce((sum, [, share]) => sum + share, 0)).toBeCloseTo(1, 12)
    const drawn = new Map<string, number>()
    for (let step = 20; step < 1020; step++) {
      const [rival] = one.rivals({ step, drift: false }, state)
      drawn.set(rival, (drawn.get(rival) ?? 0) + 1)
    }
    expect(drawn.get('arm 3')).toBeGreaterThan(600)
    expect(drawn.get('arm 4')).toBeGreaterThan(5)
    expect(drawn.get('arm 4')).toBeLessThan(200)
  })
})

test('one arm alone is never tried', () => {
  const alone = chooseAmong({ arms: { calm: {} }, every: 1 })
  for (const drift of [true, false]) expect(alone.rivals({ step: 9, drift }, alone.initial)).toEqual([])
})

test.each([
  [{}, 'arms'],
  [{ arms: {} }, 'one or more'],
  [{ arms: { calm: { speed: 2 } } }, 'speed'],
  [{ arms: { calm: { rate: -1 } } }, 'a number'],
  [{ arms, every: 0 }, 'every'],
  [{ arms, judge: { averaged: 1 } }, 'averaged'],
  [{ arms, judge: { significance: -1 } }, 'significance'],
])('%j is refused', (options, says) => {
  expect(() => chooseAmong(options as never)).toThrow(says)
  expect(() => chooseAmong(options as never)).toThrow(OptionError)
})
