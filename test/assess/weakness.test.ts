/** Weak slices of the stream: found where they are, and not where nothing is. Reaches inside for what counts as chance. */
import { type Assessment, selfAssessment } from '@burgeon/continual'
import { StateError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { discoveries, upperTail } from '../../packages/continual/src/assess/weakness/weaknesses.ts'
import { assessedStep, type MadeUp } from './assessed-steps.ts'

function lived(steps: number, how: (step: number) => MadeUp = () => ({}), from = 0): Assessment {
  const assessment = selfAssessment()
  for (let step = 0; step < steps; step++) assessment.update(assessedStep(from + step, how(step)))
  return assessment
}

describe('a slice', () => {
  test('that the model is wrong about is the weakest, by name', () => {
    const { weakest } = lived(60, () => ({ domain: 'german', source: 'book', wrongCapitals: 2 })).summary()
    expect(weakest[0].bytes).toBe('capital letters')
    expect(weakest[0].isWeak).toBe(true)
    expect(weakest[0].excess).toBeGreaterThan(1)
    const names = weakest.filter(({ expects }) => expects === null).map(({ slice }) => slice)
    expect(names.toSorted()).toEqual([
      ...['capital letters', 'domain german', 'domain german, capital letters'],
      ...['domain german, small letters', 'small letters'],
      ...['source book', 'source book, capital letters', 'source book, small letters'],
    ])
    const small = weakest.find(({ slice }) => slice === 'small letters')
    expect(small).toMatchObject({ isWeak: false, domain: null, source: null })
  })
  test('of contexts in which it expects the same is told by what is expected there', () => {
    const { weakest } = lived(60, () => ({ trap: true })).summary()
    expect(weakest[0]).toMatchObject({ domain: null, source: null, bytes: null, isWeak: true, rise: null })
    expect(weakest[0].expects?.slice(0, 2).toSorted()).toEqual(['a', 'b'])
    expect(weakest[0].slice).toMatch(/^where "[ab]", "[ab]".* is expected \(\d+\)$/)
    // One prediction of four is such a one, so that no class of bytes is as weak.
    const [others] = weakest.filter(({ expects }) => expects === null)
    expect(weakest[0].excess).toBeGreaterThan(2 * others.excess)
    expect(weakest.find(({ slice }) => slice.startsWith('domain text, where "'))).toBeDefined()
    // And none is weak where the model knows how sure it may be.
    expect(
      lived(60)
        .summary()
        .weakest.some(({ isWeak }) => isWeak),
    ).toBe(false)
  })
  test('that becomes worse is told once, when it does', () => {
    const assessment = lived(100)
    const told: string[][] = []
    for (let step = 100; step < 140; step++) {
      const { risen } = assessment.update(assessedStep(step, { wrongCapitals: 1.5 }))
      told.push(risen.map(({ slice }) => slice))
    }
    const name = 'domain text, capital letters'
    expect(told.flat().filter((slice) => slice === name)).toHaveLength(1)
    const own = assessment.summary().weakest.find(({ slice }) => slice === name)
    expect(own).toMatchObject({ hasRisen: true })
    expect(own?.rise).toBeGreaterThan(0.5)
  })
  test('with few tokens, or few steps, is not judged', () => {
    expect(lived(3, () => ({ count: 6 })).summary().weakest).toEqual([])
    expect(lived(7, () => ({ count: 600 })).summary().weakest).toEqual([])
    expect(lived(8, () => ({ count: 600 })).summary().weakest).not.toEqual([])
  })
  test('of bytes of all domains does not rise with their shares', () => {
    const assessment = selfAssessment()
    const told: string[] = []
    for (let step = 0; step < 200; step++) {
      // Of two domains, one of which is hard: half of the tokens at first, and all of them in the end.
      const domain = step % 2 === 0 || step > 100 ? 'hard' : 'easy'
      const { risen } = assessment.update(
        assessedStep(step, { domain, wrongCapitals: domain === 'hard' ? 2 : 0 }),
      )
      told.push(...risen.map(({ slice }) => slice))
    }
    expect(told).toEqual([])
    const capitals = assessment.summary().weakest.find(({ slice }) => slice === 'capital letters')
    expect(capitals).toMatchObject({ rise: null, hasRisen: false, isWeak: true })
  })
  test('has nothing to compare with before its steps are enough for lately and before', () => {
    const of = (steps: number): unknown =>
      lived(steps)
        .summary()
        .weakest.find(({ slice }) => slice === 'domain text')?.rise
    expect(of(60)).toBeNull()
    expect(of(75)).toEqual(expect.any(Number))
  })
  test('of a healthy model is seldom told: of 40 lives at most two', () => {
    let alarms = 0
    for (let life = 0; life < 40; life++) {
      const assessment = selfAssessment()
      let isTold = false
      for (let step = 0; step < 150; step++) {
        const domain = step % 3 === 0 ? 'a' : 'b'
        const { risen } = assessment.update(assessedStep(1000 * life + step, { domain, count: 32 }))
        isTold ||= risen.length > 0
      }
      if (isTold) alarms++
    }
    expect(alarms).toBeLessThanOrEqual(2)
  })
  test('that was longest not seen goes first when there are too many', () => {
    const assessment = lived(12, (step) => ({ domain: step < 10 ? 'first' : 'second', count: 256 }))
    for (let i = 0; i < 300; i++) assessment.update(assessedStep(i, { domain: `other ${i}`, count: 8 }))
    const { slices, domains } = assessment.toState() as { slices: [string, unknown][]; domains: unknown[] }
    expect(slices).toHaveLength(1024)
    expect(slices.some(([key]) => key.includes('first'))).toBe(false)
    expect(domains).toHaveLength(32)
  })
})

describe('chance', () => {
  test('P(Z > z) is that of tables', () => {
    for (const [z, p] of [
      [0, 0.5],
      [1, 0.15865525],
      [1.6448536, 0.05],
      [3, 0.001349898],
      [6, 9.8658765e-10],
      [-1, 0.84134475],
      [Infinity, 0],
    ]) {
      expect(upperTail(z)).toBeCloseTo(p, 7)
    }
    expect(upperTail(6) / 9.8658765e-10).toBeCloseTo(1, 5)
  })
  test('discoveries are those of Benjamini and Hochberg', () => {
    // p: 0.001, 0.008, 0.039, 0.041, 0.5; bounds 0.01, 0.02, 0.03, 0.04, 0.05: the first two.
    const z = [3.0902, 2.4089, 1.7624, 1.7392, 0]
    expect(discoveries(z)).toEqual([true, true, false, false, false])
    // A fourth at 0.04 lets the third through, although it is above its own bound.
    expect(discoveries([3.0902, 2.4089, 1.7624, 1.7507, 0])).toEqual([true, true, true, true, false])
    expect(discoveries([null, 4, null])).toEqual([false, true, false])
    expect(discoveries([])).toEqual([])
  })
})

test('a damaged state is refused, and the one before stays', () => {
  const assessment = lived(80)
  const state = structuredClone(assessment.toState()) as Record<string, unknown>
  const before = structuredClone(assessment.toState())
  const [[key, slice]] = state['slices'] as [string, Record<string, unknown>][]
  const [[domain, account]] = state['domains'] as [string, Record<string, unknown>][]
  const expectations = state['expectations'] as Record<string, unknown>
  const wrong: Record<string, unknown>[] = [
    { coverage: 0.8 },
    { slices: [['text', slice]] },
    { slices: [['[null,null,null]', slice]] },
    { slices: [['[null,null,"digits",0.5]', slice]] },
    { slices: [[key, { ...slice, tokens: [0] }]] },
    { slices: [[key, { ...slice, totals: [] }]] },
    { slices: [[key, { ...slice, earlier: { ...(slice['earlier'] as object), squares: -1 } }]] },
    { domains: [[domain, { ...account, logBeta: 9 }]] },
    { domains: [[domain, { ...account, predictions: 3 }]] },
    { domains: [[domain, { ...account, conformal: { level: 0.1, scores: Float64Array.of(2) } }]] },
    { domains: [[domain, { ...account, conformal: { level: 9, scores: new Float64Array(0) } }]] },
    { expectations: { ...expectations, sizes: [0] } },
    { expectations: { ...expectations, sizes: [...(expectations['sizes'] as number[]), 1] } },
    { expectations: { ...expectations, centers: new Float64Array(64).fill(Number.NaN) } },
    { expectations: { ...expectations, likeliest: [[['a', 'b']]] } },
    { risen: [1] },
  ]
  for (const change of wrong) {
    expect(() => assessment.restore({ ...state, ...change }), JSON.stringify(change)).toThrow(StateError)
    expect(assessment.toState()).toEqual(before)
  }
  assessment.restore(state)
  expect(assessment.toState()).toEqual(before)
  // Earlier versions knew of no clusters.
  const { expectations: _, ...earlier } = state
  assessment.restore(earlier)
  expect(assessment.toState()).toMatchObject({ expectations: { sizes: [] } })
})
