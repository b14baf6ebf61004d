import { budgeted, dryRun, growOnDrift, growOnPlateau, growOnSchedule, neverGrow } from '@burgeon/continual'
import { gptConfig } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { drawFrom } from './tiny-model.ts'

const config = gptConfig({ context: 8, embed: 8, heads: 2, layers: 2, mlpHidden: 10 })
const random = drawFrom(1)
/** A level with noise for each span. */
const course = (...spans: readonly (readonly [count: number, level: number])[]): number[] =>
  spans.flatMap(([count, level]) => Array.from({ length: count }, () => level + 0.01 * random.normal()))
const life = { config, parameters: 1000 }
const layer = { kind: 'addLayer', at: 0 } as const

test('never is never', () => {
  expect(dryRun(neverGrow, { ...life, losses: course([100, 2]) })).toEqual([])
})

describe('on a schedule', () => {
  test('each growth comes once, at its step or as soon after it as those before allow', () => {
    const policy = growOnSchedule([
      { step: 3, request: layer },
      { step: 3, request: ({ blocks }) => ({ kind: 'addLayer', at: blocks.length }) },
      { step: 7, request: { kind: 'widenMlp', block: 'b0', to: 12 } },
    ])
    const growths = dryRun(policy, { ...life, losses: course([20, 2]) })
    expect(growths.map(({ step }) => step)).toEqual([3, 4, 7])
    expect(growths[1].request).toEqual({ kind: 'addLayer', at: 3 })
    expect(growths[2].parameters - growths[1].parameters).toBe(2 * (2 * 8 + 1))
  })
  test.each([[[3, 2]], [[-1]], [[1.5]], [[Number.NaN]]])('steps %j are refused', (steps) => {
    expect(() => growOnSchedule(steps.map((step) => ({ step, request: layer })))).toThrow(OptionError)
  })
})

describe('on drift', () => {
  const policy = growOnDrift({ patience: 10 })
  test('grows once for an alarm that learning does not make good', () => {
    const losses = course([30, 1], [60, 2])
    const growths = dryRun(policy, { ...life, losses, drifts: [31] })
    expect(growths.map(({ step, request }) => [step, request])).toEqual([
      [41, { kind: 'addLayer', at: 2, how: 'copy' }],
    ])
    expect(growths[0].reason).toMatch(/^10 steps after the drift the loss is (2.0|1.9)/)
  })
  test('and again for the next one', () => {
    const losses = course([30, 1], [30, 2], [30, 3])
    const growths = dryRun(policy, { ...life, losses, drifts: [31, 61] })
    expect(growths.map(({ step }) => step)).toEqual([41, 71])
  })
  test('leaves alone what learning makes good, and an alarm before there was anything', () => {
    const losses = course([30, 1], [5, 2], [60, 1])
    expect(dryRun(policy, { ...life, losses, drifts: [31] })).toEqual([])
    expect(dryRun(policy, { ...life, losses, drifts: [1] })).toEqual([])
    expect(dryRun(policy, { ...life, losses })).toEqual([])
  })
  test.each([{ patience: 0 }, { patience: 1.5 }, { patience: 201 }, { patience: 5, tolerance: 0 }])(
    '%j is refused',
    (options) => {
      expect(() => growOnDrift(options)).toThrow(OptionError)
    },
  )
})

describe('within limits', () => {
  const everySecond = growOnSchedule(Array.from({ length: 20 }, (_, i) => ({ step: 2 * i, request: layer })))
  const losses = course([60, 2])
  const stepsOf = (limits: Parameters<typeof budgeted>[1]): number[] =>
    dryRun(budgeted(everySecond, limits), { ...life, losses }).map(({ step }) => step)

  test('a policy grows so many times at most', () => {
    expect(stepsOf({ growths: 3 })).toEqual([1, 2, 4])
    expect(stepsOf({ growths: 0 })).toEqual([])
  })
  test('or so seldom, without losing a request', () => {
    expect(stepsOf({ steps: 10 })).toEqual([10, 20, 30, 40, 50, 60])
  })
  test('or up to so many parameters', () => {
    const growths = dryRun(budgeted(everySecond, { parameters: 3000 }), { ...life, losses })
    expect(growths.length).toBeGreaterThan(0)
    expect(growths.at(-1)?.parameters).toBeLessThanOrEqual(3000)
    expect(growths.some(({ refused }) => refused)).toBe(false)
  })
  test('and says what it was held back from', () => {
    const policy = budgeted(everySecond, { growths: 0 })
    const signals = { step: 5, losses: [], stepsSinceGrowth: 5, stepsSinceDrift: null, config, parameters: 1 }
    const { reason, request } = policy.decide(signals, { parameters: Infinity }, policy.initial)
    expect([request, reason]).toEqual([null, '0 growths are enough (scheduled for step 0)'])
  })
  test('limits that are no numbers are refused', () => {
    expect(() => budgeted(neverGrow, { parameters: Number.NaN })).toThrow(OptionError)
    expect(() => budgeted(neverGrow, { steps: -1 })).toThrow(OptionError)
  })
})

test('a dry run tells what the budget would refuse', () => {
  const growths = dryRun(growOnSchedule([{ step: 2, request: layer }]), {
    ...life,
    losses: course([5, 2]),
    budget: { parameters: 1001 },
  })
  expect(growths).toEqual([
    { step: 2, request: layer, reason: 'scheduled for step 2', parameters: 1000, refused: true },
  ])
})

test('a plateau policy grows on a plateau, and not while the loss falls', () => {
  const policy = growOnPlateau({ window: 40, patience: 40 })
  const falling = Array.from({ length: 200 }, (_, i) => 3 - 0.01 * i + 0.01 * random.normal())
  expect(dryRun(policy, { ...life, losses: falling })).toEqual([])
  expect(dryRun(policy, { ...life, losses: course([200, 2]) }).length).toBeGreaterThanOrEqual(4)
})
