/** The context of new rows as a signal of drift. Reaches inside for a row of a batch. */
import { adamw } from '@burgeon/autograd/optim'
import {
  classifier,
  contextLabels,
  inferredContext,
  joinBatches,
  kernelTwoSample,
  Learner,
  type StepReport,
  watching,
} from '@burgeon/continual'
import { OptionError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { always, bornOn, labelled, lossAfter, rowsIn } from './label-lives.ts'
import { rowOf } from '../../packages/continual/src/stream/batch.ts'

/** Rows of one of two texts, which begin alike and go on with other tokens. */
const rowsOfText = (which: number, step: number, domain: string) => {
  const { tokens, ...batch } = rowsIn([domain, domain], step)
  const moved = tokens.map((_, i) => (i % 7 === 0 ? 0 : 1 + 5 * which + ((i * i + step) % 5)))
  return { ...batch, tokens: Int32Array.from(moved) }
}

describe('the inferred context', () => {
  test('is what Bayes says of each row, whatever its label, the mean over rows', async () => {
    const { learner, labels } = labelled()
    for (let step = 0; step < 10; step++) await learner.observe(rowsIn(['a', 'b', 'c'], step % 4))
    const fresh = rowsIn(['c', '', 'unknown'], 2)
    const found = await inferredContext(labels)({ model: learner.model, fresh })
    const told = Array.from({ length: 3 }, (_, row) => {
      const weights = labels.contextsOf().map(({ tokens }) => {
        return Math.exp(-6 * lossAfter(learner.model, tokens, [...rowOf(fresh, row)]))
      })
      const total = weights.reduce((a, b) => a + b, 0)
      return weights.map((weight) => weight / total)
    })
    const means = [0, 1, 2].map((c) => told.reduce((sum, own) => sum + own[c], 0) / 3)
    expect([...found.slice(0, 3)]).toEqual(means.map((p) => expect.closeTo(p, 2)))
    expect(found).toHaveLength(64)
    expect([...found.slice(3)].every((p) => p === 0)).toBe(true)
  })
  test('has a place for every label there may be, from before the first one on', async () => {
    const { learner, labels } = labelled({ ...always, limit: 5 })
    const signal = inferredContext(labels)
    const at = async () => [...(await signal({ model: learner.model, fresh: rowsIn(['']) }))]
    expect(await at()).toEqual([0, 0, 0, 0, 0])
    await learner.observe(rowsIn(['a', 'b']))
    expect((await at()).slice(2)).toEqual([0, 0, 0])
    expect((await at()).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 2)
  })
  test('jumps where the stream goes over to another context that it has had before', async () => {
    const context = contextLabels(always)
    const detector = kernelTwoSample({ recent: 8, past: 20, clock: 1, permutations: 100 })
    const detectors = [watching(inferredContext(context), detector)]
    const optimizer = adamw({ learningRate: 3e-2 })
    const learner = new Learner({ model: bornOn(), optimizer, strategy: { context, detectors } })
    const isAlarm = ({ events }: StepReport): boolean => events.some(({ kind }) => kind === 'drift')
    // Both texts in every step: nothing changes.
    for (let step = 0; step < 100; step++) {
      const both = [rowsOfText(0, step, 'first'), rowsOfText(1, step, 'second')]
      await learner.observe(joinBatches(both))
    }
    detector.reset()
    const alarms: number[] = []
    for (let step = 0; step < 80; step++) {
      // Nobody says which text it is.
      if (isAlarm(await learner.observe(rowsOfText(step < 40 ? 0 : 1, step, '')))) alarms.push(step)
    }
    expect(alarms.length).toBeGreaterThan(0)
    expect(alarms[0]).toBeGreaterThanOrEqual(40)
    expect(alarms[0]).toBeLessThan(50)
  })
  test('is of labels, of rows of tokens, and of a Gpt', async () => {
    expect(() => inferredContext({} as never)).toThrow(OptionError)
    const signal = inferredContext(contextLabels())
    const examples = { rows: 1, inputs: Float32Array.of(1), targets: Float32Array.of(0), domains: ['a'] }
    await expect(signal({ model: bornOn(), fresh: examples })).rejects.toThrow(OptionError)
    const network = classifier({ inputs: 2, classes: 2 })
    await expect(signal({ model: network, fresh: rowsIn(['a']) })).rejects.toThrow('expected a Gpt')
  })
})
