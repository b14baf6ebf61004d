/** Simulated rounds: against closed forms where there are some, and what must hold of all. */
import {
  makePlan,
  plannedModel,
  simulatePlan,
  type Simulation,
  simulateRounds,
  type SimulationQuestion,
  usualAssumptions,
} from '@burgeon/cluster'
import { OptionError } from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { times } from '../how-long.ts'

const simple = { workers: 8, rounds: 10, stepSeconds: 2 } as const
/** The harmonic number: 1 + 1/2 + … + 1/n. */
const harmonic = (n: number): number =>
  Array.from({ length: n }, (_, i) => 1 / (i + 1)).reduce((a, b) => a + b, 0)
/** The sum of squares of those: the variance of the longest of n exponential times of mean 1. */
const harmonic2 = (n: number): number =>
  Array.from({ length: n }, (_, i) => 1 / (i + 1) ** 2).reduce((a, b) => a + b, 0)
const rounds = 1000

/** Expects a mean of so many rounds within five of its standard deviations. */
function expectMean(found: number, mean: number, variance: number, of = rounds): void {
  expect(Math.abs(found - mean)).toBeLessThan(5 * Math.sqrt(variance / of))
}

describe('closed forms', () => {
  test('without noise a round takes its steps and its exchange, and nothing is lost', () => {
    const found = simulateRounds({
      ...simple,
      localSteps: 5,
      exchangeSeconds: 3,
      exchangeBytes: 7,
      tokens: 11,
    })
    expect(found).toEqual({
      ...{ seconds: 130, failures: 0, lost: 0, utilization: 10 / 13, bytes: 560, tokens: 4400 },
      ...{ tokensPerSecond: 4400 / 130, roundSeconds: { mean: 13, median: 13, p90: 13, p99: 13, max: 13 } },
    })
    const slow = simulateRounds({ ...simple, slow: { share: 0.25, factor: 3 } })
    expect(slow.roundSeconds.mean).toBe(6)
    // Who waits for six of eight does not wait for the slow ones, whose work is lost.
    const quorum = simulateRounds({ ...simple, quorum: 6, slow: { share: 0.25, factor: 3 } })
    expect(quorum.roundSeconds.mean).toBe(2)
    expect(quorum.lost).toBeCloseTo(2 / 8, 12)
  })
  test.each([1, 2, 16, 64])(
    '%i workers of exponential steps: mean·Hₙ, without the k slowest mean·(Hₙ − Hₖ)',
    (workers) => {
      const exponential = { ...simple, workers, rounds, variation: 1 }
      expectMean(simulateRounds(exponential).roundSeconds.mean, 2 * harmonic(workers), 4 * harmonic2(workers))
      for (const k of [1, Math.floor(workers / 4), workers - 1]) {
        if (k < 1 || k >= workers) continue
        const found = simulateRounds({ ...exponential, quorum: workers - k }).roundSeconds.mean
        expectMean(found, 2 * (harmonic(workers) - harmonic(k)), 4 * (harmonic2(workers) - harmonic2(k)))
        // The control: the round that waits for all takes longer by more than chance.
        expect(simulateRounds(exponential).roundSeconds.mean - found).toBeGreaterThan(harmonic(k))
      }
    },
  )
  test('of many local steps: the longest of gamma times, by integration', () => {
    const [workers, localSteps] = [12, 5]
    // The distribution of a sum of five exponential steps, and the mean of the longest of twelve.
    const below = (t: number): number =>
      1 - Math.exp(-t) * [1, t, t ** 2 / 2, t ** 3 / 6, t ** 4 / 24].reduce((a, b) => a + b, 0)
    const grid = Array.from({ length: 40_000 }, (_, i) => (i + 0.5) / 1000)
    const moment = (power: number): number =>
      grid.reduce((sum, t) => sum + (power * t ** (power - 1) * (1 - below(t) ** workers)) / 1000, 0)
    const { roundSeconds } = simulateRounds({ ...simple, workers, localSteps, rounds, variation: 1 })
    expectMean(roundSeconds.mean, 2 * moment(1), 4 * (moment(2) - moment(1) ** 2))
  })
  test.each([0.3, 1, 2])('steps of variation %f have that deviation', (variation) => {
    const { roundSeconds } = simulateRounds({ ...simple, workers: 1, rounds, variation })
    expectMean(roundSeconds.mean, 2, (2 * variation) ** 2)
  })
  test('of failures: the time of one worker is that of checkpoints, and their number is geometric', () => {
    const [stepSeconds, every, back] = [3, 4, 5]
    const found = simulateRounds({ workers: 1, rounds: 5000, stepSeconds, failures: { every, back } })
    // Daly 2006, equation 13 with work of one interval: (1/λ + R)(e^{λT} − 1).
    const mean = (every + back) * (Math.exp(stepSeconds / every) - 1)
    expect(Math.abs(found.roundSeconds.mean / mean - 1)).toBeLessThan(0.1)
    const survives = Math.exp(-stepSeconds / every)
    const variance = (1 - survives) / survives ** 2
    expectMean(found.failures / 5000, (1 - survives) / survives, variance, 5000)
    expect(found.lost).toBeGreaterThan(0.2)
    expect(simulateRounds({ workers: 1, rounds: 100, stepSeconds }).failures).toBe(0)
  })
  test('of partitions: a round waits for those that are not heard, and one with a quorum does not', () => {
    const partitions = { chance: 0.3, share: 0.4, seconds: 50 }
    const question = { workers: 40, rounds: 1000, stepSeconds: 2, partitions }
    // Of forty at least one is apart.
    expectMean(simulateRounds(question).roundSeconds.mean, 2 + 0.3 * 50, 0.21 * 2500, 1000)
    expect(simulateRounds({ ...question, quorum: 10 }).roundSeconds.max).toBe(2)
  })
  test('who has failed is away at the beginning of the next round, too', () => {
    const question = { workers: 50, rounds: 400, stepSeconds: 1, quorum: 25 }
    const shortly = simulateRounds({ ...question, failures: { every: 10, back: 0 } })
    const long = simulateRounds({ ...question, failures: { every: 10, back: 20 } })
    expect(shortly.roundSeconds.mean).toBe(1)
    // Of the time 10 to 20 they are there: a third of fifty is less than the quorum.
    expect(long.roundSeconds.mean).toBeGreaterThan(1.3)
    expect(
      simulateRounds({ ...question, quorum: 5, failures: { every: 10, back: 20 } }).roundSeconds.mean,
    ).toBeCloseTo(1, 1)
  })
})

describe('properties', () => {
  const anything: fc.Arbitrary<SimulationQuestion> = fc
    .record({
      workers: fc.integer({ min: 1, max: 40 }),
      rounds: fc.integer({ min: 1, max: 12 }),
      localSteps: fc.integer({ min: 1, max: 60 }),
      stepSeconds: fc.double({ min: 0.01, max: 10, noNaN: true }),
      variation: fc.double({ min: 0, max: 2, noNaN: true }),
      exchangeSeconds: fc.double({ min: 0, max: 5, noNaN: true }),
      exchangeBytes: fc.integer({ min: 0, max: 1000 }),
      tokens: fc.integer({ min: 0, max: 1000 }),
      seed: fc.integer({ min: 0, max: 1e6 }),
    })
    .chain((question) =>
      fc.integer({ min: 1, max: question.workers }).map((quorum) => ({ ...question, quorum })),
    )
    .chain((question) =>
      fc.option(fc.double({ min: 0.8, max: 3, noNaN: true })).map((rate) => ({
        ...question,
        ...(rate !== null && {
          failures: { every: rate * question.localSteps * question.stepSeconds, back: rate },
          partitions: { chance: 0.5, share: 0.5, seconds: rate },
          slow: { share: 0.3, factor: 1 + rate },
        }),
      })),
    )

  test('the same question has the same answer; shares are shares; counts are exact', () => {
    fc.assert(
      fc.property(anything, (question) => {
        const found = simulateRounds(question)
        expect(simulateRounds(question)).toEqual(found)
        const { workers, rounds: count, quorum = workers, localSteps = 1, tokens = 0 } = question
        expect(found.tokens).toBe(count * quorum * localSteps * tokens)
        const { mean, median, p90, p99, max } = found.roundSeconds
        expect([median, p90, p99, max]).toEqual([median, p90, p99, max].toSorted((a, b) => a - b))
        expect(mean).toBeLessThanOrEqual(max * (1 + 1e-12))
        expect(found.lost).toBeGreaterThanOrEqual(0)
        expect(found.lost).toBeLessThan(1)
        expect(found.utilization).toBeGreaterThan(0)
        expect(found.utilization).toBeLessThanOrEqual(1 + 1e-12)
      }),
      { numRuns: times(60, 2000) },
    )
  })
  test('of the same fates a smaller quorum is never slower, and time scales with that of a step', () => {
    fc.assert(
      fc.property(anything, ({ failures: _failures, ...question }) => {
        const of = (quorum: number): Simulation => simulateRounds({ ...question, quorum })
        const all = of(question.workers)
        const some = of(question.quorum ?? 1)
        expect(some.roundSeconds.mean).toBeLessThanOrEqual(all.roundSeconds.mean * (1 + 1e-12))
        const { partitions: _partitions, ...plain } = { ...question, exchangeSeconds: 0 }
        const twice = simulateRounds({ ...plain, stepSeconds: 2 * plain.stepSeconds })
        expect(twice.seconds / simulateRounds(plain).seconds).toBeCloseTo(2, 9)
      }),
      { numRuns: times(40, 2000) },
    )
  })
  test('hardly any variation is none, and ends', () => {
    expect(simulateRounds({ ...simple, variation: 1e-200 })).toEqual(simulateRounds(simple))
  })
  test('what is no question is refused', () => {
    const refused = (more: object): void => {
      expect(() => simulateRounds({ ...simple, ...more })).toThrow(OptionError)
    }
    for (const more of [
      { workers: 0 },
      { quorum: 9 },
      { stepSeconds: 0 },
      { variation: -1 },
      { variation: 11 },
      { slow: { share: 2, factor: 1 } },
    ])
      refused(more)
    refused({ failures: { every: 0.1, back: 1 } })
    refused({ colour: 1 })
  })
})

describe('a plan', () => {
  const plan = makePlan({ config: plannedModel({ parameters: 7e9 }), tokens: 1e12, device: 'h200', days: 60 })
  const { batchTokens, localSteps } = usualAssumptions
  const question = { rounds: 50, batchTokens, localSteps }
  test('where nothing varies and nothing fails, the rare exchange is what was planned', () => {
    const ways = simulatePlan(plan, { ...question, variation: 0, machineDays: 1e9 })
    expect(ways.map((way) => [way.localSteps, way.quorum])).toEqual(
      [1, localSteps].flatMap((steps) =>
        [plan.copies, plan.copies - Math.round(0.05 * plan.copies)].map((n) => [steps, n]),
      ),
    )
    const [each, , rare] = ways
    expect(rare.simulation.tokensPerSecond / plan.tokensPerSecond).toBeCloseTo(1, 9)
    const step = batchTokens / plan.tokensPerSecond - plan.exchange.rarely
    expect(each.simulation.roundSeconds.mean).toBeCloseTo(step + plan.exchange.everyStep, 9)
    expect(each.simulation.bytes).toBeCloseTo(50 * plan.exchange.bytes * plan.machines, -3)
  })
  test('stragglers cost what waits for all most, and rare exchange least; failures stop it', () => {
    const [each, some, rare] = simulatePlan(plan, { ...question, variation: 0.5 }).map(
      (way) => way.simulation,
    )
    expect(some.roundSeconds.mean).toBeLessThan(each.roundSeconds.mean)
    expect(rare.tokensPerSecond).toBeGreaterThan(each.tokensPerSecond)
    const failing = simulatePlan(plan, { ...question, machineDays: 0.5 }).map((way) => way.simulation)
    expect(failing[2].failures).toBeGreaterThan(0)
    // Not so the tokens a second: what the last of them did is lost.
    expect(failing[3].roundSeconds.mean).toBeLessThan(failing[2].roundSeconds.mean)
  })
  test('one copy waits for itself', () => {
    const alone = makePlan({ config: plannedModel({ parameters: 7e9 }), tokens: 1e9, device: 'h200' })
    expect(simulatePlan(alone, question).map(({ quorum }) => quorum)).toEqual([1, 1])
  })
})
