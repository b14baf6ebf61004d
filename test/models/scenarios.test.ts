/** Streams of tasks from a labelled data set, and how a learner is told where they end. */
import { sgd } from '@burgeon/autograd/optim'
import {
  blurredTasks,
  classifier,
  type ExampleBatch,
  evaluateExamples,
  Learner,
  type LabelledExamples,
  onlineEwc,
  regressor,
  type SplitOptions,
  splitTasks,
  taskEnds,
  type TaskStream,
} from '@burgeon/continual'
import { OptionError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { times } from '../how-long.ts'

/** Examples of which each has its number for an input, and its class is that modulo `classes`. */
function numbered(rows: number, classes: number): LabelledExamples {
  const numbers = Array.from({ length: rows }, (_, i) => i)
  return {
    rows,
    inputs: Float32Array.from(numbers.flatMap((i) => [i, -i])),
    targets: Float32Array.from(numbers, (i) => i % classes),
  }
}

const allOf = async (stream: AsyncIterable<ExampleBatch>): Promise<ExampleBatch[]> => {
  const all = []
  for await (const batch of stream) all.push(batch)
  return all
}

const byTwo = [
  [0, 3],
  [2, 1],
]

describe('a stream of tasks', () => {
  test('holds every example of its classes once in each epoch, task after task', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 4, max: 40 }),
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 3 }),
        async (count, rows, epochs) => {
          const data = numbered(count, 4)
          const stream = splitTasks(data, { tasks: byTwo, rows, epochs, seed: count })
          const batches = await allOf(stream)
          expect(batches).toHaveLength(stream.boundaries.at(-1) ?? 0)
          let from = 0
          for (const [i, task] of stream.tasks.entries()) {
            const own = batches.slice(from, stream.boundaries[i])
            from = stream.boundaries[i]
            const seen = own.flatMap(({ inputs }) => [...inputs].filter((_, at) => at % 2 === 0))
            const wanted = [...data.targets.keys()].filter((n) => task.classes.includes(n % 4))
            const inOrder = (numbers: number[]): number[] => numbers.toSorted((a, b) => a - b)
            expect(inOrder(seen)).toEqual(inOrder(Array.from({ length: epochs }, () => wanted).flat()))
            for (const batch of own) {
              expect(batch.domains).toEqual(batch.domains.map(() => task.name))
              batch.targets.forEach((target, row) => expect(target).toBe(batch.inputs[2 * row] % 4))
            }
          }
        },
      ),
      { numRuns: times(20, 200) },
    )
  })
  test('comes in the order of its seed, and the same each time', async () => {
    const of = (seed: number): TaskStream => splitTasks(numbered(40, 4), { tasks: byTwo, rows: 3, seed })
    const stream = of(1)
    expect(await allOf(stream)).toEqual(await allOf(stream))
    expect(await allOf(of(1))).toEqual(await allOf(stream))
    expect(await allOf(of(2))).not.toEqual(await allOf(stream))
  })
  test('has as many full batches as it is asked for', async () => {
    const stream = splitTasks(numbered(12, 4), { tasks: byTwo, rows: 5, batches: 4 })
    const batches = await allOf(stream)
    expect(stream.boundaries).toEqual([4, 8])
    expect(batches.map(({ rows }) => rows)).toEqual(new Array(8).fill(5))
    // Nobody comes a third time before everybody came twice.
    const firsts = batches.slice(0, 4).flatMap(({ inputs }) => [...inputs].filter((_, i) => i % 2 === 0))
    for (let i = 0; i + 6 <= firsts.length; i += 6) expect(new Set(firsts.slice(i, i + 6)).size).toBe(6)
  })
  test('says the place of a class within its task, or which classes can be meant', async () => {
    const data = numbered(8, 4)
    const [domain, task] = (['domain', 'task'] as const).map((scenario) =>
      splitTasks(data, { tasks: byTwo, rows: 8, scenario }),
    )
    const [, second] = await allOf(domain)
    second.targets.forEach((target, row) => expect(target).toBe(second.inputs[2 * row] % 4 === 2 ? 0 : 1))
    const [first] = await allOf(task)
    expect(first.inputs).toHaveLength(4 * 6)
    for (let row = 0; row < 4; row++) {
      expect([...first.inputs.subarray(6 * row + 2, 6 * row + 6)]).toEqual([1, 0, 0, 1])
    }
    expect(task.examplesOf(task.tasks[1], numbered(6, 4)).inputs.slice(2, 6)).toEqual(
      Float32Array.of(0, 1, 1, 0),
    )
  })
  test.each<[string, Partial<SplitOptions>]>([
    ['each of them once', { tasks: [[0], [1, 0]] }],
    ['expected some', { tasks: [] }],
    ['one or more', { tasks: [[0], [9]] }],
    ['rows', { rows: 0 }],
  ])('is refused where it can be none: %s', (message, wrong) => {
    const make = (): unknown => splitTasks(numbered(8, 4), { tasks: byTwo, rows: 2, ...wrong })
    expect(make).toThrow(OptionError)
    expect(make).toThrow(message)
    expect(() => splitTasks({ ...numbered(8, 4), rows: 3 }, { tasks: byTwo, rows: 2 })).toThrow('one class')
  })
})

describe('a learner', () => {
  test('consolidates where a task ends, and nowhere else', async () => {
    const stream = splitTasks(numbered(24, 4), { tasks: byTwo, rows: 3 })
    const model = classifier({ inputs: 2, classes: 4, device: openReference() })
    const strategy = { penalties: [onlineEwc({ strength: 1 })], consolidateWhen: taskEnds(stream) }
    const learner = new Learner({ model, optimizer: sgd(1e-3), strategy })
    for await (const batch of stream) await learner.observe(batch)
    expect(learner.journal.map(({ kind, step }) => [kind, step])).toEqual(
      stream.boundaries.map((end) => ['consolidation', end]),
    )
  })
  test('of a stream without boundaries cannot be told where tasks end', () => {
    const stream = blurredTasks(numbered(24, 4), { tasks: byTwo, rows: 3, batches: 4 })
    // @ts-expect-error: a stream that does not say where its tasks end
    expect(() => taskEnds(stream)).toThrow(OptionError)
  })
})

describe('a stream without boundaries', () => {
  test('fades from each task into the next', async () => {
    const stream = blurredTasks(numbered(400, 4), { tasks: byTwo, rows: 40, batches: 40, fade: 20, seed: 3 })
    const batches = await allOf(stream)
    expect(batches).toHaveLength(stream.batches)
    const shareOfNext = batches.map(({ domains }) => domains.filter((name) => name === '2+1').length / 40)
    expect(shareOfNext.slice(0, 30).every((share) => share === 0)).toBe(true)
    expect(shareOfNext.slice(50).every((share) => share === 1)).toBe(true)
    expect(Math.abs(shareOfNext[40] - 0.5)).toBeLessThan(0.35)
    const halves = [shareOfNext.slice(31, 40), shareOfNext.slice(41, 50)]
    const [before, after] = halves.map((shares) => shares.reduce((a, b) => a + b, 0) / shares.length)
    expect(before).toBeLessThan(0.4)
    expect(after).toBeGreaterThan(0.6)
    expect(await allOf(stream)).toEqual(batches)
  })
  test('can change at once, without a word', async () => {
    const stream = blurredTasks(numbered(40, 4), { tasks: byTwo, rows: 2, batches: 3, fade: 0 })
    expect((await allOf(stream)).map(({ domains }) => domains[1])).toEqual([
      '0+3',
      '0+3',
      '0+3',
      '2+1',
      '2+1',
      '2+1',
    ])
  })
  test('is refused where it can be none', () => {
    const right = { tasks: byTwo, rows: 2, batches: 3 }
    expect(() => blurredTasks(numbered(8, 4), { ...right, fade: 4 })).toThrow('at most 3')
    expect(() => blurredTasks(numbered(8, 4), { ...right, tasks: [[7]] })).toThrow('one or more of each')
  })
})

describe('examples are judged', () => {
  const device = openReference()
  const data = { ...numbered(7, 2), domains: new Array<string>(7).fill('a') }
  test('by the class of the largest output, among all or some, however many at a time', async () => {
    const model = classifier({ inputs: 2, hidden: [3], classes: 4, seed: 4, device })
    using x = device.tensor(data.inputs, { shape: [7, 2], dtype: 'f32' })
    using outputs = model.forward(x)
    const numbers = outputs.readSync()
    const right = (classes: readonly number[]): number =>
      data.targets.filter((target, row) => {
        const own = classes.map((c) => numbers[4 * row + c])
        return classes[own.indexOf(Math.max(...own))] === target
      }).length / 7
    const whole = await evaluateExamples(model, data)
    expect(whole).toMatchObject({ rows: 7, accuracy: right([0, 1, 2, 3]) })
    const parts = await evaluateExamples(model, data, { rows: 2, among: [0, 1] })
    expect(parts.accuracy).toBe(right([0, 1]))
    expect(parts.loss).toBeCloseTo(whole.loss, 10)
  })
  test('a model that is told the task puts the others out of the question', async () => {
    const model = classifier({ inputs: 2, hidden: [3], classes: 4, masked: true, seed: 4, device })
    const stream = splitTasks(numbered(12, 4), { tasks: byTwo, rows: 6, scenario: 'task' })
    for (const task of stream.tasks) {
      const examples = stream.examplesOf(task, numbered(12, 4))
      const all = await evaluateExamples(model, examples)
      expect(await evaluateExamples(model, examples, { among: task.classes })).toEqual(all)
      expect(all.loss).toBeLessThan(100)
    }
    const learner = new Learner({ model, optimizer: sgd(0.01) })
    for await (const batch of stream) await learner.observe(batch)
    await expect(learner.observe(data)).rejects.toThrow('expected 6')
  })
  test('a regressor has a loss alone', async () => {
    const model = regressor({ inputs: 2, outputs: 1, device })
    expect(await evaluateExamples(model, data)).toMatchObject({ accuracy: null })
    await expect(evaluateExamples(model, data, { among: [0] })).rejects.toThrow(OptionError)
  })
})
