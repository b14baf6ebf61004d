/** Steps without fresh rows: what they learn, and what they leave alone. */
import { adamw, dynamicLossScale, sgd } from '@burgeon/autograd/optim'
import { Learner, type LearnerState, reservoirReplay } from '@burgeon/continual'
import { OptionError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { live, lives, newLearner, textOf } from './lives.ts'

const make = lives['that protects, watches, grows and freezes']
const partNamed = (state: LearnerState, role: string): unknown =>
  state.parts.filter((part) => part.role === role).map((part) => part.state)

describe('a learner that rehearses', () => {
  test('learns what it remembers, and leaves record, detectors and memory alone', async () => {
    const learner = newLearner(make)
    await live(learner, 0, 4)
    const before = structuredClone(await learner.toState())
    const report = await learner.rehearse(3, { rows: 2 })
    expect(report).toMatchObject({ steps: 3, rows: 6 })
    for (const numbers of [report.losses, report.updateNorms]) {
      expect(numbers).toHaveLength(3)
      for (const each of numbers) expect(each).toBeGreaterThan(0)
    }
    const after = await learner.toState()
    for (const role of ['detector', 'signal', 'growth', 'freezing']) {
      expect(partNamed(after, role)).toEqual(partNamed(before, role))
    }
    const [memory] = partNamed(after, 'rehearsal') as [Record<string, unknown>]
    const [was] = partNamed(before, 'rehearsal') as [Record<string, unknown>]
    for (const field of ['seen', 'memory', 'packed', 'losses', 'owed'])
      expect(memory[field]).toEqual(was[field])
    expect(memory.random).not.toEqual(was.random)
    const { model, parts: _, rehearsed, ...record } = after
    expect(rehearsed).toBe(3)
    expect(record).toEqual({
      step: 4,
      losses: before.losses,
      lastDrift: before.lastDrift,
      journal: before.journal,
    })
    expect(model.weights).not.toEqual(before.model.weights)
  })
  test('lowers the loss of what it remembers', async () => {
    const learner = newLearner(() => ({
      optimizer: adamw({ learningRate: 1e-2 }),
      strategy: { rehearsal: reservoirReplay({ capacity: 4 }) },
    }))
    await live(learner, 0, 3)
    const { losses } = await learner.rehearse(30, { rows: 4 })
    expect(losses[29]).toBeLessThan(losses[0] - 0.3)
  })
  test('goes on to the bit after its state was saved, also between two rehearsals', async () => {
    const whole = newLearner(make)
    await live(whole, 0, 4)
    await whole.rehearse(4)
    await live(whole, 4, 8)
    const saved = newLearner(make)
    await live(saved, 0, 4)
    await saved.rehearse(2)
    const resumed = Learner.fromState(structuredClone(await saved.toState()), make())
    await resumed.rehearse(2)
    await live(resumed, 4, 8)
    expect(await resumed.toState()).toEqual(await whole.toState())
  })
  test('drops other units of an adapter in each step, as resumed', async () => {
    const parts = () => ({
      optimizer: adamw({ learningRate: 1e-2 }),
      strategy: { rehearsal: reservoirReplay({ capacity: 4 }) },
      adapter: { rank: 2, dropout: 0.5 },
    })
    const learner = newLearner(parts)
    await live(learner, 0, 3)
    const { losses } = await learner.rehearse(2, { rows: 4 })
    const again = newLearner(parts)
    await live(again, 0, 3)
    expect((await again.rehearse(1, { rows: 4 })).losses).toEqual(losses.slice(0, 1))
    const resumed = Learner.fromState(structuredClone(await again.toState()), parts())
    expect((await resumed.rehearse(1, { rows: 4 })).losses).toEqual(losses.slice(1))
  })
  test('in a fork does so there alone', async () => {
    const [learner, other] = [newLearner(make), newLearner(make)]
    for (const one of [learner, other]) await live(one, 0, 4)
    const before = structuredClone(await learner.toState())
    const [dropped, kept] = [learner.fork(), learner.fork()]
    await dropped.rehearse(2)
    await dropped.drop()
    expect(await learner.toState()).toEqual(before)
    await kept.rehearse(2)
    await kept.keep()
    await other.rehearse(2)
    expect(await learner.toState()).toEqual(await other.toState())
  })
  test('takes nothing from a state without a count, as of an earlier version', async () => {
    const learner = newLearner(make)
    await live(learner, 0, 2)
    expect(await learner.toState()).not.toHaveProperty('rehearsed')
  })
})

describe('it throws', () => {
  test('without a rehearsal, or before there is anything to rehearse', async () => {
    await expect(newLearner(lives.plain).rehearse()).rejects.toThrow('has no rehearsal')
    await expect(newLearner(make).rehearse()).rejects.toThrow('remembers nothing yet')
  })
  test.each<[unknown, unknown]>([
    [0, {}],
    [1.5, {}],
    [1, { rows: 0 }],
    [1, { row: 2 }],
  ])('for %j steps with %j', async (steps, options) => {
    const learner = newLearner(make)
    await live(learner, 0, 2)
    const before = structuredClone(await learner.toState())
    await expect(learner.rehearse(steps as number, options as object)).rejects.toThrow(OptionError)
    expect(await learner.toState()).toEqual(before)
  })
  test('for a rate that is none, after which its random stream is as before it', async () => {
    let rate = 0.1
    const parts = () => ({
      optimizer: sgd({ learningRate: () => rate }),
      strategy: { rehearsal: reservoirReplay({ capacity: 8 }) },
    })
    const [learner, other] = [newLearner(parts), newLearner(parts)]
    for (const one of [learner, other]) await live(one, 0, 4)
    rate = Number.NaN
    await expect(learner.rehearse(3)).rejects.toThrow(OptionError)
    rate = 0.1
    expect(await learner.rehearse(2)).toEqual(await other.rehearse(2))
    expect(await learner.toState()).toEqual(await other.toState())
  })
  test('never for a loss scale that is too high at first, which is halved', async () => {
    const learner = newLearner(() => ({
      optimizer: sgd(0.01),
      lossScale: dynamicLossScale({ initial: 2 ** 24 }),
      strategy: { rehearsal: reservoirReplay({ capacity: 8 }) },
    }))
    await learner.observe(textOf(0))
    const { updateNorms } = await learner.rehearse(3)
    expect(updateNorms).toHaveLength(3)
  })
})
