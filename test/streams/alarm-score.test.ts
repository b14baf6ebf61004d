import { scoreAlarms } from '@burgeon/continual'
import { OptionError } from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

describe('the score of alarms', () => {
  test('the first alarm within the bound after a change is true, every other one is false', () => {
    const score = scoreAlarms({ changes: [100, 200, 300], alarms: [40, 110, 150, 260, 400], within: 50 })
    expect(score.alarms).toEqual([
      { at: 40, isTrue: false, delay: null }, // before any change
      { at: 110, isTrue: true, delay: 10 },
      { at: 150, isTrue: false, delay: null }, // the second for one change
      { at: 260, isTrue: false, delay: null }, // too late
      { at: 400, isTrue: false, delay: null }, // too late
    ])
    expect(score).toMatchObject({ changes: 3, noticed: 1, missed: 2, falseAlarms: 4 })
  })
  test('counts an alarm at the bound, and none at the change itself', () => {
    const at = (alarm: number) => scoreAlarms({ changes: [100], alarms: [alarm], within: 50 }).noticed
    expect([100, 101, 150, 151].map(at)).toEqual([0, 1, 1, 0])
  })
  test('without changes every alarm is false; without alarms every change is missed', () => {
    expect(scoreAlarms({ changes: [], alarms: [1, 2], within: 1 })).toMatchObject({
      falseAlarms: 2,
      missed: 0,
    })
    expect(scoreAlarms({ changes: [1, 2], alarms: [], within: 1 })).toMatchObject({
      falseAlarms: 0,
      missed: 2,
    })
  })
  test('without a bound counts an alarm however late', () => {
    expect(scoreAlarms({ changes: [1], alarms: [1e9], within: Infinity })).toMatchObject({ noticed: 1 })
  })
  test('needs a bound', () => {
    expect(() => scoreAlarms({ changes: [1], alarms: [2] } as never)).toThrow(OptionError)
  })
  test('always adds up', () => {
    const places = fc
      .uniqueArray(fc.nat(1000), { maxLength: 30 })
      .map((list) => list.toSorted((a, b) => a - b))
    fc.assert(
      fc.property(places, places, fc.integer({ min: 1, max: 300 }), (changes, alarms, within) => {
        const score = scoreAlarms({ changes, alarms, within })
        expect(score.noticed + score.missed).toBe(changes.length)
        expect(score.noticed + score.falseAlarms).toBe(alarms.length)
        for (const { at, isTrue, delay } of score.alarms) {
          expect(delay !== null).toBe(isTrue)
          if (delay !== null) expect(changes).toContain(at - delay)
        }
      }),
    )
  })
  test.each([0, -1, Number.NaN])('refuses a bound of %s', (within) => {
    expect(() => scoreAlarms({ changes: [], alarms: [], within })).toThrow(OptionError)
  })
})
