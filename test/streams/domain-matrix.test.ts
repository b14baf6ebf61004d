// Reaches inside: what is tested here is a part of its package, not an entry point.
import { describe, expect, test } from 'vitest'
import { EvaluationError, SignalError } from '@burgeon/continual'
import { OptionError, StateError } from '@burgeon/tensor'
import { DomainMatrix } from '../../packages/continual/src/metrics/domain-matrix.ts'

const domains = ['a', 'b', 'c', 'd']

// Rows: after a, b, c, d. Sixteenths, so that every sum below is exact.
const losses = [
  [1, 4, 3.5, 5],
  [1.5, 2, 3, 4.5],
  [0.5, 2.5, 1, 4],
  [1.25, 3, 1.5, 0.5],
]
const untrained = [6, 5, 4, 5]

function filled(values: readonly (readonly number[])[], better: 'lower' | 'higher' = 'lower'): DomainMatrix {
  const matrix = new DomainMatrix(domains, { better })
  values.forEach((row, i) => {
    row.forEach((value, j) => {
      matrix.record(domains[i], domains[j], value)
    })
  })
  return matrix
}

describe('the matrix of a 4×4 loss, computed by hand', () => {
  const matrix = filled(losses)
  domains.forEach((domain, j) => {
    matrix.recordBaseline(domain, untrained[j])
  })

  test('forgets, against the diagonal: ((1.25−1) + (3−2) + (1.5−1)) / 3', () => {
    expect(matrix.forgetting('whenLearnt')).toBeCloseTo(1.75 / 3, 15)
    expect(domains.map((domain) => matrix.forgettingOf(domain, 'whenLearnt'))).toEqual([0.25, 1, 0.5, null])
  })
  test('forgets, against the best ever: ((1.25−0.5) + (3−2) + (1.5−1)) / 3', () => {
    expect(matrix.forgetting('bestEver')).toBeCloseTo(2.25 / 3, 15)
    expect(domains.map((domain) => matrix.forgettingOf(domain, 'bestEver'))).toEqual([0.75, 1, 0.5, null])
  })
  test('has backward transfer −forgetting against the diagonal', () => {
    expect(matrix.backwardTransfer()).toBeCloseTo(-1.75 / 3, 15)
  })
  test('has forward transfer against the untrained: ((5−4) + (4−3) + (5−4)) / 3', () => {
    expect(matrix.forwardTransfer()).toBe(1)
  })
  test('ends with the mean of the last row', () => {
    expect(matrix.finalMean()).toBe((1.25 + 3 + 1.5 + 0.5) / 4)
  })
  test('says the same of accuracies 10 − loss', () => {
    const accuracy = filled(
      losses.map((row) => row.map((loss) => 10 - loss)),
      'higher',
    )
    domains.forEach((domain, j) => {
      accuracy.recordBaseline(domain, 10 - untrained[j])
    })
    for (const reference of ['whenLearnt', 'bestEver', 'bestSinceLearnt'] as const) {
      expect(accuracy.forgetting(reference)).toBeCloseTo(matrix.forgetting(reference) as number, 14)
    }
    expect(accuracy.backwardTransfer()).toBeCloseTo(matrix.backwardTransfer() as number, 14)
    expect(accuracy.forwardTransfer()).toBeCloseTo(matrix.forwardTransfer() as number, 14)
    expect(accuracy.finalMean()).toBeCloseTo(10 - (matrix.finalMean() as number), 14)
  })
  test('survives JSON', () => {
    const restored = DomainMatrix.fromState(JSON.parse(JSON.stringify(matrix.toState())))
    expect(restored.toState()).toEqual(matrix.toState())
    expect(restored.forgetting('bestEver')).toBe(matrix.forgetting('bestEver'))
    restored.record('a', 'a', 3)
    expect(matrix.evaluations).toEqual(domains)
  })
})

describe('the three definitions of forgetting', () => {
  test('differ where a domain was best before it was learnt', () => {
    const values = losses.map((row) => [...row])
    values[0][1] = 1 // b was better after a than after b itself
    const matrix = filled(values)
    expect(matrix.forgettingOf('b', 'whenLearnt')).toBe(1)
    expect(matrix.forgettingOf('b', 'bestEver')).toBe(2)
    expect(matrix.forgettingOf('b', 'bestSinceLearnt')).toBe(1)
  })
  test('differ where a domain improved after it was learnt', () => {
    const matrix = filled(losses)
    expect(matrix.forgettingOf('a', 'whenLearnt')).toBe(0.25)
    expect(matrix.forgettingOf('a', 'bestSinceLearnt')).toBe(0.75)
  })
  test('are negative where the last evaluation is the best', () => {
    const values = losses.map((row) => [...row])
    values[3] = [0.25, 1.5, 0.5, 0.5]
    const matrix = filled(values)
    expect(matrix.forgettingOf('a', 'bestEver')).toBe(-0.25)
    expect(matrix.forgetting('whenLearnt')).toBe(-(0.75 + 0.5 + 0.5) / 3)
  })
})

describe('an incomplete matrix', () => {
  const triangle = (): DomainMatrix => filled(losses.map((row, i) => row.slice(0, i + 1)))

  test('gives every measure that its lower triangle defines', () => {
    expect(triangle().forgetting('whenLearnt')).toBe(filled(losses).forgetting('whenLearnt'))
    expect(triangle().forgetting('bestSinceLearnt')).toBe(filled(losses).forgetting('bestSinceLearnt'))
    expect(triangle().finalMean()).toBe(filled(losses).finalMean())
  })
  test('names the evaluation that a measure misses', () => {
    expect(() => triangle().forgetting('bestEver')).toThrow(EvaluationError)
    expect(() => triangle().forgetting('bestEver')).toThrow("row 0 (after 'a') has no value of 'b'")
    expect(() => filled(losses).forwardTransfer()).toThrow("recordBaseline('b'")
  })
  test('gives null where there is nothing to measure yet', () => {
    const matrix = new DomainMatrix(domains)
    expect(matrix.finalMean()).toBeNull()
    matrix.record('a', 'a', 1)
    expect(matrix.forgetting('whenLearnt')).toBeNull()
    expect(matrix.backwardTransfer()).toBeNull()
    expect(matrix.forwardTransfer()).toBeNull()
    expect(matrix.forgettingOf('b', 'bestEver')).toBeNull()
    expect(matrix.value(0, 'b')).toBeNull()
    expect(matrix.value(5, 'a')).toBeNull()
    expect(matrix.finalMean()).toBe(1)
  })
})

describe('a stream that comes back', () => {
  test('begins a new row, and a domain stays with its first', () => {
    const matrix = new DomainMatrix(['a', 'b'])
    for (const [after, a, b] of [
      ['a', 1, 4],
      ['b', 3, 1],
      ['a', 0.5, 2],
    ] as const) {
      matrix.record(after, 'a', a)
      matrix.record(after, 'b', b)
    }
    expect(matrix.evaluations).toEqual(['a', 'b', 'a'])
    expect(matrix.forgettingOf('a', 'whenLearnt')).toBe(-0.5)
    expect(matrix.forgettingOf('b', 'whenLearnt')).toBe(1)
    expect(matrix.value(1, 'a')).toBe(3)
  })
  test('may bring new domains', () => {
    const matrix = new DomainMatrix(['a'])
    matrix.record('a', 'a', 1)
    matrix.addDomain('b')
    matrix.record('b', 'a', 2)
    matrix.record('b', 'b', 1)
    expect(matrix.forgetting('bestEver')).toBe(1)
    expect(matrix.domains).toEqual(['a', 'b'])
  })
})

describe('a matrix refuses', () => {
  test('unknown, doubled and unmeasured things by name, and is unchanged then', () => {
    const matrix = new DomainMatrix(domains)
    matrix.record('a', 'a', 1)
    const before = JSON.stringify(matrix.toState())
    expect(() => matrix.record('a', 'A', 1)).toThrow(OptionError)
    expect(() => matrix.record('A', 'a', 1)).toThrow("got afterDomain 'A'; expected one of a, b, c, d")
    expect(() => matrix.record('a', 'a', 2)).toThrow(EvaluationError)
    expect(() => matrix.record('b', 'a', Number.NaN)).toThrow(SignalError)
    expect(() => matrix.addDomain('a')).toThrow(OptionError)
    expect(() => new DomainMatrix(['a', 'a'])).toThrow(OptionError)
    expect(() => new DomainMatrix(['a'], { better: 'best' as 'lower' })).toThrow(OptionError)
    expect(() => DomainMatrix.fromState({ kind: 'reservoir' })).toThrow(StateError)
    expect(JSON.stringify(matrix.toState())).toBe(before)
  })
  test('a state in which a number was lost', () => {
    const state = JSON.parse(JSON.stringify(filled(losses).toState()))
    state.evaluations[2].values[1][1] = null
    expect(() => DomainMatrix.fromState(state)).toThrow(StateError)
  })
})
