/** A controller that can do no more says so: growth that waits for it, and the journal, which tells all of it again. */
import { sgd } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  type Controller,
  type ControlSignals,
  dryRun,
  forgetAtMost,
  dryRunControl,
  growOnConflict,
  heldBack,
  Learner,
  type LearnerState,
  type ProbeLosses,
  saturationsIn,
  type Strategy,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { OptionError, StateError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { times } from '../how-long.ts'

const device = openReference()
const modelOf = (): Gpt =>
  Gpt.create({ context: 8, embed: 8, heads: 2, layers: 1, mlpHidden: 8 }, { device, seed: 1 })

/** Saturated in some steps, without a word of its own. */
const saturated = (isSaturated: (step: number) => unknown): Controller<null> => ({
  name: 'stops',
  initial: null,
  maySaturate: true,
  decide: ({ step }: ControlSignals) =>
    ({ knobs: {}, reason: null, isSaturated: isSaturated(step), state: null }) as never,
})
const within = (step: number): boolean => step >= 4 && step < 11

const partsOf = (strategy: Strategy) => ({ optimizer: sgd({ learningRate: 0.05 }), strategy })
const learnerOf = (strategy: Strategy): Learner => new Learner({ model: modelOf(), ...partsOf(strategy) })

async function live(learner: Learner, count: number): Promise<void> {
  const text = new TextEncoder().encode('she sells sea shells')
  for (let i = 0; i < count; i++) await learner.observe(batchOfTokens(text, 8, 'shore'))
}
const growthsOf = (learner: Learner): number[] =>
  learner.journal.flatMap(({ kind, step }) => (kind === 'growth' ? [step] : []))

const conflict = (): Strategy => ({
  controller: saturated(within),
  growth: growOnConflict({ patience: 3 }),
})

test('the model grows while it is so, in the step after it was said first, and not at once again', async () => {
  const learner = learnerOf(conflict())
  await live(learner, 15)
  // Said after step 4, so seen in step 5; said no more after step 11, so seen no more in step 12.
  expect(growthsOf(learner)).toEqual([5, 8, 11])
  expect(learner.model.config.blocks).toHaveLength(4)
  const told = learner.journal.flatMap((event) =>
    event.kind === 'control' ? [[event.step, event.data.isSaturated, event.data.reason]] : [],
  )
  expect(told).toEqual([
    [4, true, 'the controller can do no more'],
    [11, false, 'the controller can do something again'],
  ])
})

test('neither before nor without it', async () => {
  for (const isSaturated of [() => false, () => undefined, (step: number) => step > 9]) {
    const learner = learnerOf({ ...conflict(), controller: saturated(isSaturated) })
    await live(learner, 10)
    expect(growthsOf(learner)).toEqual([])
  }
})

test('the journal leads a dry run to the same growths', async () => {
  const learner = learnerOf(conflict())
  const { config } = learner.model
  const parameters = learner.model.parameters.size
  await live(learner, 15)
  const saturations = saturationsIn(learner.journal)
  expect(saturations).toEqual({ 4: true, 11: false })
  const losses = Array.from({ length: 15 }, () => 2)
  const again = dryRun(growOnConflict({ patience: 3 }), { config, parameters, losses, saturations })
  expect(again.map(({ step }) => step)).toEqual(growthsOf(learner))
  expect(dryRun(growOnConflict({ patience: 3 }), { config, parameters, losses })).toEqual([])
})

test('a learner that is saved and taken up at any step grows in the same steps', async () => {
  const whole = learnerOf(conflict())
  const states: LearnerState[] = []
  for (let step = 0; step < 12; step++) {
    states.push(structuredClone(await whole.toState()))
    await live(whole, 1)
  }
  const last = await whole.toState()
  for (const at of [3, 4, 5, 10, 11]) {
    const resumed = Learner.fromState(states[at], { ...partsOf(conflict()), device })
    await live(resumed, 12 - at)
    expect(await resumed.toState(), `from step ${at}`).toEqual(last)
  }
})

test('what is neither true nor false is refused, in a decision and in a state', async () => {
  const learner = learnerOf({ controller: saturated(() => 'yes') })
  await live(learner, 1)
  expect(learner.journal.map(({ kind, summary }) => [kind, summary.includes('isSaturated')])).toEqual([
    ['control refused', true],
  ])
  const state = await learner.toState()
  const damaged = {
    ...state,
    parts: state.parts.map((part) =>
      part.role === 'controller' ? { ...part, state: { ...(part.state as object), isSaturated: 1 } } : part,
    ),
  }
  const parts = partsOf({ controller: saturated(() => true) })
  expect(() => Learner.fromState(damaged, { ...parts, device })).toThrow(StateError)
})

test('the budget holds, and says so in its reason', () => {
  const policy = growOnConflict({ patience: 1, request: () => ({ kind: 'addLayer', at: 0 }) })
  const { config, parameters } = modelOf()
  const signals = {
    ...{ step: 9, losses: [2], stepsSinceGrowth: 9, stepsSinceDrift: null, config, isSaturated: true },
    parameters: parameters.size,
  }
  const asked = policy.decide(signals, { parameters: 1e6 }, null)
  expect(asked.request).toEqual({ kind: 'addLayer', at: 0 })
  const held = policy.decide(signals, { parameters: parameters.size }, null)
  expect([held.request, held.reason]).toEqual([null, 'the budget is spent'])
  for (const options of [{ patience: 0 }, { patience: 1.5 }, { request: 3 }])
    expect(() => growOnConflict(options as never)).toThrow(OptionError)
})

describe('a bound on forgetting', () => {
  const every = 50
  /** What is forgotten of one domain, measured every 50 steps, after each of them. */
  const saturations = (forgotten: readonly number[], epsilon: number): boolean[] => {
    const probes = Object.fromEntries(
      forgotten.map((bits, i): [number, ProbeLosses] => [
        every * (i + 1),
        { shore: { rows: 1, bits: 2 + bits, forgotten: bits } },
      ]),
    )
    const bitsPerByte = Array.from({ length: every * forgotten.length }, () => 2)
    return dryRunControl(forgetAtMost(epsilon), { bitsPerByte, probes }).map((one) => one.isSaturated)
  }
  test('can do no more once too much is forgotten for 500 steps, becomes no less, and hardly more can be rehearsed', () => {
    const bits = fc.double({ min: 0, max: 2, noNaN: true })
    fc.assert(
      fc.property(fc.array(fc.tuple(bits, fc.integer({ min: 1, max: 30 })), { maxLength: 5 }), (spans) => {
        const forgotten = spans.flatMap(([level, count]) => Array.from({ length: count }, () => level))
        const epsilon = 0.1
        const wanted: boolean[] = []
        let [smooth, multiplier, since, at, share] = [0, 0, Infinity, Infinity, 0]
        const stopped = (price: number): number => Math.min(4, Math.max(0, price))
        const isSaturated = (step: number): boolean => step - since >= 500 && share >= 0.9
        for (const [i, each] of forgotten.entries()) {
          for (let step = every * i + 1; step < every * (i + 1); step++) wanted.push(isSaturated(step))
          smooth = (smooth + each) / 2
          multiplier = stopped(multiplier + (smooth - epsilon) / 2)
          share = 1 - Math.exp(-stopped(multiplier + 10 * (smooth - epsilon))) / 2
          if (smooth <= epsilon) [since, at] = [Infinity, Infinity]
          else if (smooth < 0.8 * at) [since, at] = [every * (i + 1), smooth]
          wanted.push(isSaturated(every * (i + 1)))
        }
        expect(saturations(forgotten, epsilon)).toEqual(wanted)
      }),
      { numRuns: times(100, 500) },
    )
    // A little too much, which never brings the price to its stop, and no less for it.
    const stays = saturations(
      [...Array.from({ length: 20 }, () => 0), ...Array.from({ length: 60 }, () => 0.25)],
      0.1,
    )
    expect([stays.indexOf(true) >= 20 * every + 500, stays.includes(true)]).toEqual([true, true])
    // What becomes less by a fifth, again and again, is being mended.
    const mends = Array.from({ length: 80 }, (_, i) => 0.11 + 0.9 * 0.8 ** i)
    expect(saturations(mends.slice(0, 20), 0.1)).not.toContain(true)
    expect(
      saturations(
        Array.from({ length: 40 }, () => 2),
        0.1,
      ),
    ).toContain(true)
  })
  test('is a controller that growth on conflict can wait for', () => {
    expect(() =>
      learnerOf({ probes: heldBack(), controller: forgetAtMost(), growth: growOnConflict() }),
    ).not.toThrow()
  })
})
