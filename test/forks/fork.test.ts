/** What is tried beside a learner is kept or dropped to the bit. Reaches inside gpt for a disk in memory. */
import { sgd } from '@burgeon/autograd/optim'
import { growingVocabulary, Learner, type LearnerState, reservoirReplay } from '@burgeon/continual'
import { type Gpt, readCheckpoint, writeCheckpoint } from '@burgeon/gpt'
import { NonFiniteError, OptionError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import { examples } from '../models/linear-model.ts'
import { growsAt, live, lives, newClassifier, newLearner, textOf } from './lives.ts'

const wasm = openWasm({ threads: 1 })
const { buffers, bytes } = wasm.memory
const memoryNow = (): readonly number[] => [wasm.memory.buffers - buffers, wasm.memory.bytes - bytes]

const first = 3
const last = 9

describe.each(Object.entries(lives))('a life %s', (_, make) => {
  test('is to the bit and to the byte as if a dropped fork had never been', async () => {
    const before = memoryNow()
    const learner = newLearner(make, wasm)
    await live(learner, 0, first)
    const [state, memory] = [structuredClone(await learner.toState()), memoryNow()]
    const journal = [...learner.journal]
    const trial = learner.fork()
    await live(trial, first, last)
    expect(learner.step).toBe(last)
    await trial.drop()
    expect(memoryNow()).toEqual(memory)
    expect(await learner.toState()).toEqual(state)
    expect([learner.step, learner.journal]).toEqual([first, journal])
    const never = newLearner(make, wasm)
    await live(never, 0, last)
    await live(learner, first, last)
    expect(await learner.toState()).toEqual(await never.toState())
    for (const one of [learner, never]) {
      one.dispose()
      one.model.dispose()
    }
    expect(memoryNow()).toEqual(before)
  })
  test('is to the bit as without a fork where it is kept', async () => {
    const [forked, never] = [newLearner(make, wasm), newLearner(make, wasm)]
    for (const one of [forked, never]) await live(one, 0, first)
    const trial = forked.fork()
    await live(trial, first, growsAt + 1)
    await trial.keep()
    await live(never, first, growsAt + 1)
    expect(await forked.toState()).toEqual(await never.toState())
    expect(wasm.memory.buffers).toBeGreaterThan(0)
    for (const one of [forked, never]) await live(one, growsAt + 1, last)
    expect(await forked.toState()).toEqual(await never.toState())
    for (const one of [forked, never]) {
      one.dispose()
      one.model.dispose()
    }
    expect(memoryNow()).toEqual([0, 0])
  })
  test('lets two forks of one moment go on in turn, each by itself', async () => {
    const learner = newLearner(make, wasm)
    await live(learner, 0, first)
    const state = structuredClone(await learner.toState())
    const [slow, quick] = [learner.fork({ rate: 0.5 }), learner.fork({ rate: 2, penalty: 3 })]
    for (let step = first; step < growsAt + 1; step++) {
      await slow.observe(textOf(step))
      expect(await learner.toState()).toEqual(state)
      await quick.observe(textOf(step))
    }
    const alone = newLearner(make, wasm)
    await live(alone, 0, first)
    const own = alone.fork({ rate: 2, penalty: 3 })
    await live(own, first, growsAt + 1)
    await own.keep()
    const wanted = await alone.toState()
    await quick.keep()
    expect(await learner.toState()).toEqual(wanted)
    await expect(slow.observe('more')).rejects.toThrow('an open one')
    for (const one of [learner, alone]) {
      one.dispose()
      one.model.dispose()
    }
    expect(memoryNow()).toEqual([0, 0])
  })
})

test('a classifier that grows in a fork is put back, and goes on as kept', async () => {
  const [learner, never] = [newClassifier(), newClassifier()]
  const lived = async (one: Pick<typeof learner, 'observe'>, from: number, to: number): Promise<void> => {
    for (let step = from; step < to; step++) await one.observe(examples(4 * step, 4 * step + 4))
  }
  for (const one of [learner, never]) await lived(one, 0, first)
  const before = structuredClone(await learner.toState())
  const [dropped, kept] = [learner.fork(), learner.fork()]
  await lived(dropped, first, last)
  expect(learner.model.sizes.hidden).toEqual([7])
  await dropped.drop()
  expect(await learner.toState()).toEqual(before)
  await lived(kept, first, last)
  await kept.keep()
  await lived(never, first, last)
  expect(await learner.toState()).toEqual(await never.toState())
})

describe('while a fork is open', () => {
  const make = lives['that protects, watches, grows and freezes']
  test('a checkpoint holds the learner alone: resumed, it goes on as if nothing had been tried', async () => {
    const [learner, never] = [newLearner(make), newLearner(make)]
    await live(learner, 0, first)
    const trial = learner.fork()
    await live(trial, first, growsAt + 2)
    const disk = memoryDisk()
    await writeCheckpoint(disk, { learner: await learner.toState() })
    // Here the process is killed.
    const { learner: state } = await readCheckpoint(disk)
    const resumed = Learner.fromState(state as LearnerState, make())
    await live(resumed, first, last)
    await live(never, 0, last)
    expect(await resumed.toState()).toEqual(await never.toState())
    // And if it was not, the trial goes on.
    await live(trial, growsAt + 2, last)
    await trial.keep()
    expect(await learner.toState()).toEqual(await never.toState())
  })
  test('predictions are the learner’s own, and those of the fork are measured in it', async () => {
    const learner = newLearner(make)
    await live(learner, 0, first)
    const before = await learner.predict('the quick')
    const trial = learner.fork({ rate: 5 })
    expect(await learner.predict('the quick')).toEqual(before)
    await live(trial, first, last)
    const weightsOf = async (model: Gpt) => (await model.toState()).weights
    const inTrial = await trial.measure(weightsOf)
    expect(await learner.predict('the quick')).toEqual(before)
    expect(await trial.measure(weightsOf)).toEqual(inTrial)
    await trial.keep()
    expect((await learner.toState()).model.weights).toEqual(inTrial)
    expect(await learner.predict('the quick')).not.toEqual(before)
  })
  test('the learner takes no steps of its own', async () => {
    const learner = newLearner(make)
    await live(learner, 0, 1)
    const trial = learner.fork()
    await expect(learner.observe('more')).rejects.toThrow('while 1 of its forks are open')
    await expect(learner.rehearse()).rejects.toThrow(OptionError)
    await trial.drop()
    await trial.drop()
    await learner.observe('more')
    for (const act of [trial.keep(), trial.observe('more'), trial.rehearse(), trial.measure(() => 1)]) {
      await expect(act).rejects.toThrow('an open one')
    }
  })
  test('a learner that is disposed frees what its forks hold', async () => {
    const learner = newLearner(make, wasm)
    await live(learner, 0, first)
    const [a, b] = [learner.fork(), learner.fork()]
    await live(a, first, last)
    await live(b, first, first + 1)
    learner.dispose()
    learner.model.dispose()
    expect(memoryNow()).toEqual([0, 0])
  })
  test('a step that fails in it leaves it and the learner as they were', async () => {
    const learner = newLearner(() => ({
      optimizer: sgd(0.1),
      strategy: { rehearsal: reservoirReplay({ capacity: 4 }) },
    }))
    await live(learner, 0, 2)
    const trial = learner.fork({ rate: 1e38 })
    await expect(live(trial, 2, 6)).rejects.toThrow(NonFiniteError)
    await expect(trial.observe('1')).rejects.toThrow(OptionError)
    const before = structuredClone(await learner.toState())
    await trial.drop()
    expect(await learner.toState()).toEqual(before)
  })
})

describe('knobs', () => {
  const withMemory = lives['with momentum and a memory']
  test('of 0 stop the weights, and the share of what is recalled', async () => {
    const learner = newLearner(withMemory, openReference())
    await live(learner, 0, first)
    const { weights } = (await learner.toState()).model
    const still = learner.fork({ rate: 0, rehearsalShare: 0 })
    const report = await still.observe(textOf(first))
    expect([report.updateNorm, report.rehearsedRows]).toEqual([0, 0])
    expect((await still.measure((model) => model.toState())).weights).toEqual(weights)
    const more = learner.fork({ rehearsalShare: 2 })
    // Two rows of text, a share of 0.75 and nothing owed, twice.
    expect((await more.observe(textOf(first))).rehearsedRows).toBeGreaterThan(2)
  })
  test('scale the update and each penalty by their factor', async () => {
    const make = lives['that protects, watches, grows and freezes']
    const learner = newLearner(make, openReference())
    await live(learner, 0, 4)
    const reports = await Promise.all(
      [{}, { rate: 0.5 }, { penalty: 4 }].map((knobs) => learner.fork(knobs).observe(textOf(4))),
    )
    expect(reports[1].updateNorm).toBeCloseTo(reports[0].updateNorm / 2, 6)
    const [own, , scaled] = reports.map(({ penalties }) => Object.values(penalties))
    expect(own.length).toBeGreaterThan(0)
    own.forEach((term, i) => expect(scaled[i]).toBeCloseTo(4 * term, 6))
    expect(reports[2].loss).toBe(reports[0].loss)
  })
  test.each([
    [{ rate: -1 }, 'a number'],
    [{ penalty: Number.NaN }, 'a number'],
    [{ share: 2 }, 'share'],
    [3, 'object'],
  ])('%j are refused', (knobs, says) => {
    const learner = newLearner(lives.plain)
    expect(() => learner.fork(knobs as never)).toThrow(says)
    expect(() => learner.fork(knobs as never)).toThrow(OptionError)
  })
})

test('a vocabulary that may grow has no fork, for its tokens cannot be let go of', () => {
  const vocabulary = growingVocabulary({ tokens: 300 })
  const learner = newLearner(() => ({ optimizer: sgd(0.1), strategy: { vocabulary } }))
  expect(() => learner.fork()).toThrow(/vocabulary of at most 300 tokens.*does not grow/)
})
