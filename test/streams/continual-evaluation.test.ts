/** Evaluations after every step, computed by hand, and the dips between rows of a matrix. */
import { ContinualEvaluation, DomainMatrix, EvaluationError, SignalError } from '@burgeon/continual'
import { OptionError, StateError } from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

/** Accuracies in sixteenths. Domain a is lost at both changes and comes back; b is lost at the second and stays away. */
const records: [step: number, learning: string, values: Record<string, number>][] = [
  [1, 'a', { a: 12 }],
  [2, 'a', { a: 14 }],
  [3, 'b', { a: 8, b: 4 }],
  [5, 'b', { a: 6, b: 10 }],
  [7, 'b', { a: 13, b: 12 }],
  [8, 'c', { a: 5, b: 11, c: 2 }],
  [9, 'c', { a: 12, b: 9, c: 9, later: 1 }],
]

function evaluated(better: 'lower' | 'higher' = 'higher'): ContinualEvaluation {
  const evaluation = new ContinualEvaluation({ better })
  const sign = better === 'higher' ? 1 : -1
  for (const [step, learning, values] of records) {
    const signed = Object.entries(values).map(([name, value]) => [name, sign * value])
    evaluation.record(step, learning, Object.fromEntries(signed))
  }
  return evaluation
}

describe('seven evaluations of three domains', () => {
  const evaluation = evaluated()
  test('end at the mean of the last one', () => {
    expect(evaluation.steps).toBe(7)
    expect(evaluation.finalMean()).toBe((12 + 9 + 9) / 3)
  })
  test('have the mean of all means as their any-time mean', () => {
    const means = [12, 14, (8 + 4) / 2, (6 + 10) / 2, (13 + 12) / 2, (5 + 11 + 2) / 3, (12 + 9 + 9) / 3]
    expect(evaluation.anytimeMean()).toBeCloseTo(means.reduce((a, b) => a + b, 0) / 7, 14)
  })
  test('have the worst of a (5, at step 8) and of b (9, at step 9) as min-ACC, and c beside them as worst case', () => {
    expect(evaluation.worstMean()).toBe((5 + 9) / 2)
    expect(evaluation.worstCase()).toBeCloseTo(9 / 3 + (2 / 3) * 7, 14)
  })
  test('have three dips, of which what came back is the depth', () => {
    expect(evaluation.gaps()).toEqual([
      { domain: 'a', learning: 'b', before: 14, worst: 6, worstStep: 5, after: 13, depth: 13 - 6 },
      { domain: 'a', learning: 'c', before: 13, worst: 5, worstStep: 8, after: 12, depth: 12 - 5 },
      { domain: 'b', learning: 'c', before: 12, worst: 9, worstStep: 9, after: 9, depth: 0 },
    ])
    expect(evaluation.stabilityGap()).toBeCloseTo(14 / 3, 14)
  })
  test('say the same of losses', () => {
    const losses = evaluated('lower')
    expect(losses.worstMean()).toBe(-7)
    expect(losses.stabilityGap()).toBeCloseTo(14 / 3, 14)
    expect(losses.gaps().map(({ worst }) => worst)).toEqual([-6, -5, -9])
  })
})

test('a domain that gets better at once has no dip, and keeps what it was before as its worst', () => {
  const evaluation = new ContinualEvaluation()
  evaluation.record(1, 'a', { a: 3 })
  evaluation.record(2, 'b', { a: 2, b: 9 })
  expect(evaluation.gaps()).toEqual([
    { domain: 'a', learning: 'b', before: 3, worst: 3, worstStep: 2, after: 2, depth: 0 },
  ])
  expect(evaluation.worstMean()).toBe(2)
})

test('a domain that is learnt again begins a new stretch, and is the present one', () => {
  const evaluation = new ContinualEvaluation({ better: 'higher' })
  evaluation.record(1, 'a', { a: 9 })
  evaluation.record(2, 'b', { a: 1, b: 9 })
  evaluation.record(3, 'a', { a: 9, b: 5 })
  evaluation.record(4, 'b', { a: 4, b: 9 })
  expect(evaluation.gaps().map(({ domain, learning, worst }) => [domain, learning, worst])).toEqual([
    ['a', 'b', 1],
    ['b', 'a', 5],
    ['a', 'b', 4],
  ])
  expect(evaluation.worstMean()).toBe(1)
})

test('before the first record there is nothing', () => {
  const evaluation = new ContinualEvaluation()
  const all = [
    evaluation.finalMean(),
    evaluation.anytimeMean(),
    evaluation.worstMean(),
    evaluation.worstCase(),
  ]
  expect([...all, evaluation.stabilityGap()]).toEqual([null, null, null, null, null])
  evaluation.record(1, 'a', { a: 3 })
  expect([evaluation.worstMean(), evaluation.worstCase(), evaluation.stabilityGap()]).toEqual([null, 3, null])
})

test('a record that cannot be is refused, and changes nothing', () => {
  const evaluation = evaluated()
  const before = evaluation.toState()
  const all = { a: 1, b: 1, c: 1 }
  expect(() => evaluation.record(9, 'c', all)).toThrow(OptionError)
  expect(() => evaluation.record(10, 'c', { a: 1, c: 1 })).toThrow(/no value of 'b'/)
  expect(() => evaluation.record(10, 'd', all)).toThrow(EvaluationError)
  expect(() => evaluation.record(10, 'c', { ...all, b: Number.NaN })).toThrow(SignalError)
  expect(evaluation.toState()).toEqual(before)
  expect(() => new ContinualEvaluation({ better: 'same' as 'lower' })).toThrow(OptionError)
})

test('goes on from any state as it would have', () => {
  for (let cut = 0; cut <= records.length; cut++) {
    let evaluation = new ContinualEvaluation({ better: 'higher' })
    records.forEach(([step, learning, values], i) => {
      if (i === cut)
        evaluation = ContinualEvaluation.fromState(JSON.parse(JSON.stringify(evaluation.toState())))
      evaluation.record(step, learning, values)
    })
    expect(evaluation.toState()).toEqual(evaluated().toState())
  }
  const state = evaluated().toState()
  for (const wrong of [{ present: [] }, { worst: [] }, { learning: 'z' }, { steps: -1 }, { gaps: [{}] }])
    expect(() => ContinualEvaluation.fromState({ ...state, ...wrong })).toThrow(StateError)
})

test('with one evaluation at the end of each domain it agrees with the matrix', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.integer({ min: 0, max: 64 }), { minLength: 4, maxLength: 4 }), {
        minLength: 4,
        maxLength: 4,
      }),
      (rows) => {
        const names = ['a', 'b', 'c', 'd']
        const matrix = new DomainMatrix(names, { better: 'higher' })
        const evaluation = new ContinualEvaluation({ better: 'higher' })
        rows.forEach((row, i) => {
          row.forEach((value, j) => matrix.record(names[i], names[j], value))
          evaluation.record(i, names[i], Object.fromEntries(row.map((value, j) => [names[j], value])))
        })
        expect(evaluation.finalMean()).toBeCloseTo(matrix.finalMean() as number, 12)
        expect(evaluation.anytimeMean()).toBeCloseTo(matrix.averageMean() as number, 12)
      },
    ),
  )
})

describe('the matrix', () => {
  const matrix = new DomainMatrix(['a', 'b', 'c'], { better: 'higher' })
  const rows = [
    [8, 1, 0],
    [6, 10, 2],
    [4, 7, 9],
  ]
  rows.forEach((row, i) => row.forEach((value, j) => matrix.record('abc'[i], 'abc'[j], value)))
  test('averages what was known after each domain: (8 + (6 + 10)/2 + (4 + 7 + 9)/3) / 3', () => {
    expect(matrix.averageMean()).toBeCloseTo((8 + 8 + 20 / 3) / 3, 14)
  })
  test('averages its diagonal', () => expect(matrix.learntMean()).toBe((8 + 10 + 9) / 3))
  test('has neither before the first row', () => {
    const empty = new DomainMatrix(['a'])
    expect([empty.averageMean(), empty.learntMean()]).toEqual([null, null])
  })
})
