/** Tasks learnt one after another, and what is known of all of them after each. */
import { chain, movingAverage, sgd } from '@burgeon/autograd/optim'
import {
  callbackSink,
  classifier,
  denseFromState,
  evaluateExamples,
  Learner,
  learnTasks,
  regressor,
  type SinkRecord,
  splitTasks,
} from '@burgeon/continual'
import { OptionError, plainTensors } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { expect, test } from 'vitest'
import { points } from './four-corners.ts'

const device = openReference()
const [train, judged] = [points(120, 0), points(40, 1000)]
const tasks = [
  [0, 1],
  [2, 3],
]
const stream = splitTasks(train, { tasks, rows: 7, epochs: 3, seed: 2 })
const learnerOf = () =>
  new Learner({
    model: classifier({ inputs: 2, hidden: [8], classes: 4, seed: 1, device }),
    optimizer: sgd(0.2),
  })

test('all tasks are judged before the first and after each, by examples that are not learnt', async () => {
  const byHand = learnerOf()
  const known = async (): Promise<(number | null)[]> => {
    const found = []
    for (const task of stream.tasks) {
      found.push((await evaluateExamples(byHand.model, stream.examplesOf(task, judged))).accuracy)
    }
    return found
  }
  const expected = [await known()]
  for await (const batch of stream) {
    await byHand.observe(batch)
    if (stream.boundaries.includes(byHand.step)) expected.push(await known())
  }
  const records: SinkRecord[] = []
  const learner = learnerOf()
  const sink = callbackSink((record) => void records.push(record))
  const matrix = await learnTasks(learner, stream, judged, { sink })
  expect(learner.step).toBe(byHand.step)
  expect(matrix.domains).toEqual(['0+1', '2+3'])
  expect(matrix.evaluations).toEqual(['0+1', '2+3'])
  const rows = [0, 1].map((row) => matrix.domains.map((domain) => matrix.value(row, domain)))
  expect(rows).toEqual(expected.slice(1))
  expect(matrix.toState().baseline).toEqual([
    ['0+1', expected[0][0]],
    ['2+3', expected[0][1]],
  ])
  // Plain descent knows the last task and forgets the first; more is better.
  expect(matrix.forgetting('whenLearnt')).toBeGreaterThan(0.3)
  expect(records.map(({ step, scalars }) => [step, scalars])).toEqual(
    stream.boundaries.map((step, i) => [step, { 'accuracy/0+1': rows[i][0], 'accuracy/2+3': rows[i][1] }]),
  )
})

test('where numbers are predicted, the loss is what is known', async () => {
  const model = regressor({ inputs: 2, hidden: [8], outputs: 1, seed: 1, device })
  const records: SinkRecord[] = []
  const sink = callbackSink((record) => void records.push(record))
  const matrix = await learnTasks(new Learner({ model, optimizer: sgd(0.05) }), stream, judged, { sink })
  const [task] = stream.tasks
  const { loss } = await evaluateExamples(model, stream.examplesOf(task, judged))
  expect(matrix.value(1, '0+1')).toBe(loss)
  expect(records[1].scalars['loss/0+1']).toBe(loss)
  // The loss of the first task rose: that is forgetting, less would be better.
  expect(matrix.forgetting('whenLearnt')).toBe(loss - (matrix.value(0, '0+1') ?? 0))
  expect(matrix.forgetting('whenLearnt')).toBeGreaterThan(0)
})

test('a moving average of the weights is judged in their place', async () => {
  const average = movingAverage(0.98)
  const model = classifier({ inputs: 2, hidden: [8], classes: 4, seed: 1, device })
  const learner = new Learner({ model, optimizer: chain(sgd(0.2), average) })
  const matrix = await learnTasks(learner, stream, judged, { weights: (own) => average.tensors(own) })
  const state = await model.toState()
  const weights = await plainTensors(average.tensors(model.parameters.tensors()))
  const other = denseFromState({ ...state, weights }, device)
  const { accuracy } = await evaluateExamples(other, stream.examplesOf(stream.tasks[0], judged))
  expect(matrix.value(1, '0+1')).toBe(accuracy)
  const plain = await evaluateExamples(model, stream.examplesOf(stream.tasks[0], judged))
  expect(plain.accuracy).not.toBe(accuracy)
})

test('a learner that has lived before starts where it is', async () => {
  const learner = learnerOf()
  for await (const batch of stream) await learner.observe(batch)
  const matrix = await learnTasks(learner, stream, judged)
  expect(matrix.evaluations).toHaveLength(2)
  expect(learner.step).toBe(2 * (stream.boundaries.at(-1) ?? 0))
})

test('weights that are not all are refused by name', async () => {
  const { model } = learnerOf()
  const { 'layers.1.bias': _, ...most } = model.parameters.tensors()
  const examples = stream.examplesOf(stream.tasks[0], judged)
  await expect(evaluateExamples(model, examples, { weights: most })).rejects.toThrow(
    'evaluateExamples: got weights without layers.1.bias',
  )
  await expect(learnTasks(learnerOf(), stream, judged, { weights: () => 3 as never })).rejects.toThrow(
    'learnTasks: got what weights returned 3',
  )
})

test('a test set that is none is refused before anything is learnt', async () => {
  const learner = learnerOf()
  const short = { ...judged, targets: judged.targets.slice(1) }
  await expect(learnTasks(learner, stream, short)).rejects.toThrow(OptionError)
  expect(learner.step).toBe(0)
})
