/** A labelled data set as a stream of tasks, each of some of the classes. */
import {
  checkArgument,
  checkOptions,
  type ChecksOf,
  checks,
  keyFromSeed,
  OptionError,
  RandomStream,
} from '@burgeon/tensor'
import type { ExampleBatch } from '../batch.ts'
import type { Trigger } from '../../trigger.ts'

/** Examples with a class each; where they come from does not matter. */
export type LabelledExamples = Pick<ExampleBatch, 'rows' | 'inputs' | 'targets'>

/**
 * What a model has to tell of an example (van de Ven & Tolias 2019, table 1):
 * - `class`: its class among those of all tasks.
 * - `domain`: the place of its class within its task, whichever task it is.
 * - `task`: its class, and the task is known: after the inputs of a row comes for each class of all tasks
 *   1 where it is one of the row's task, else 0 (see `masked` of `classifier`).
 */
export type IncrementalScenario = 'class' | 'domain' | 'task'

/** One of the tasks of a stream. */
export interface Task {
  /** Its classes joined by `+`: the domain of its rows. */
  readonly name: string
  readonly classes: readonly number[]
  /** Batches of it in the stream. */
  readonly batches: number
}

/** A stream whose tasks come one after another, and that says where each ends. */
export interface TaskStream extends AsyncIterable<ExampleBatch> {
  readonly tasks: readonly Task[]
  /** The examples of a task from another set, such as one to test by, in the same form. */
  examplesOf(task: Task, data: LabelledExamples): ExampleBatch
  /** Batches of the stream after which a task ends, counted from its beginning. */
  readonly boundaries: readonly number[]
}

/** How a data set becomes tasks. */
export interface SplitOptions {
  /** The classes of each task, from 0, each class once. */
  readonly tasks: readonly (readonly number[])[]
  /** `class` unless given. */
  readonly scenario?: IncrementalScenario
  /** Rows of a batch, ≥ 1; the last of a task has those that are left. */
  readonly rows: number
  /** Times that each task is gone through, in another order each time; 1 unless given. */
  readonly epochs?: number
  /** Full batches of each task, drawn epoch by epoch, in the place of `epochs`. */
  readonly batches?: number
  /** 0 unless given; for the order of examples. */
  readonly seed?: number
}

const optionChecks: ChecksOf<SplitOptions> = {
  tasks: checks.required(
    checks.list('a list of lists of classes', checks.list('a list of classes', checks.integer({ from: 0 }))),
  ),
  scenario: checks.oneOf('class', 'domain', 'task'),
  rows: checks.required(checks.integer({ from: 1 })),
  epochs: checks.integer({ from: 1 }),
  batches: checks.integer({ from: 1 }),
  seed: checks.seed,
}

/**
 * The examples of a data set, task by task, in an order that the seed decides. It can be gone through any
 * number of times, the same each time.
 *
 * @throws OptionError for options out of range, a class in two tasks, or a task without examples.
 * @example
 * ```ts
 * const stream = splitTasks(examples, { tasks: [[0, 1], [2, 3]], rows: 10 })
 * const strategy = { penalties: [onlineEwc({ strength: 90 })], consolidateWhen: taskEnds(stream) }
 * for await (const batch of stream) await learner.observe(batch)
 * ```
 */
export function splitTasks(data: LabelledExamples, options: SplitOptions): TaskStream {
  const who = 'splitTasks'
  checkExamplesOf(who, data)
  checkOptions(who, options, optionChecks)
  const { tasks: classes, scenario = 'class', rows, epochs = 1, batches, seed = 0 } = options
  const all = classes.flat()
  if (all.length === 0 || new Set(all).size < all.length) {
    throw new OptionError(`${who}: got tasks of ${all.length} classes; expected some, and each of them once.`)
  }
  const members = classes.map((own) => indicesOf(data, own))
  const empty = members.findIndex((own) => own.length === 0)
  if (empty >= 0) {
    throw new OptionError(`${who}: got no example of ${classes[empty].join(', ')}; expected one or more.`)
  }
  const tasks = classes.map((own, i): Task => {
    const perEpoch = Math.ceil(members[i].length / rows)
    return { name: own.join('+'), classes: own, batches: batches ?? epochs * perEpoch }
  })
  const form = formOf(scenario, Math.max(...all) + 1)
  let end = 0
  return {
    tasks,
    boundaries: tasks.map((task) => (end += task.batches)),
    examplesOf: (task, other) => form(other, indicesOf(other, task.classes), task),
    async *[Symbol.asyncIterator]() {
      for (const [i, task] of tasks.entries()) {
        const order = drawnRows(members[i], new RandomStream(keyFromSeed(seed)).named(`task ${i}`))
        for (let batch = 0; batch < task.batches; batch++) {
          yield form(data, order(rows, batches !== undefined), task)
        }
      }
    },
  }
}

/**
 * Fires after the last step of each task of a stream that says where they end, for a learner that has
 * observed nothing else. A stream without boundaries does not compile here.
 */
export function taskEnds(stream: Pick<TaskStream, 'boundaries'>): Trigger {
  checkArgument('taskEnds', 'stream', stream, aBoundedStream)
  checkArgument('taskEnds', 'boundaries of the stream', stream.boundaries, checks.integers)
  const ends = new Set(stream.boundaries)
  return ({ step }) => ends.has(step)
}

const aBoundedStream = checks.role<Pick<TaskStream, 'boundaries'>>(
  'a stream that says where its tasks end',
  'boundaries',
)

/** Throws OptionError for something else than labelled examples. */
export function checkExamplesOf(who: string, data: LabelledExamples, name = 'data'): void {
  checkArgument(who, name, data, labelled)
  const { rows, inputs, targets } = data
  if (Number.isInteger(rows) && rows > 0 && targets.length === rows && inputs.length % rows === 0) return
  throw new OptionError(
    `${who}: got ${inputs.length} inputs and ${targets.length} targets in ${rows} rows; expected as many inputs for each, and one class.`,
  )
}

const labelled = checks.role<LabelledExamples>('labelled examples', 'rows', 'inputs', 'targets')

/** Numbers of the examples of some classes. */
export const indicesOf = ({ targets }: LabelledExamples, classes: readonly number[]): number[] =>
  Array.from(targets.keys()).filter((i) => classes.includes(targets[i]))

/** Takes the next rows of a shuffled set, which is shuffled anew each time that it is used up. */
export function drawnRows(
  members: readonly number[],
  random: RandomStream,
): (rows: number, isFull: boolean) => number[] {
  let left: number[] = []
  const refill = (): void => {
    left = [...members]
    random.shuffle(left)
  }
  return (rows, isFull) => {
    if (left.length === 0) refill()
    const taken = left.splice(0, rows)
    const wanted = isFull ? rows : taken.length
    while (taken.length < wanted) {
      refill()
      taken.push(...left.splice(0, wanted - taken.length))
    }
    return taken
  }
}

/** Makes batches of a scenario. */
export function formOf(
  scenario: IncrementalScenario,
  outputs: number,
): (
  data: LabelledExamples,
  indices: readonly number[],
  task: Pick<Task, 'name' | 'classes'>,
) => ExampleBatch {
  return ({ rows, inputs, targets }, indices, { name, classes }) => {
    const features = inputs.length / rows
    const mask =
      scenario === 'task' ? Array.from({ length: outputs }, (_, c) => Number(classes.includes(c))) : []
    const width = features + mask.length
    const read = new Float32Array(indices.length * width)
    indices.forEach((index, row) => {
      read.set(inputs.subarray(index * features, (index + 1) * features), row * width)
      read.set(mask, row * width + features)
    })
    return {
      rows: indices.length,
      inputs: read,
      targets: Float32Array.from(indices, (index) =>
        scenario === 'domain' ? classes.indexOf(targets[index]) : targets[index],
      ),
      domains: new Array<string>(indices.length).fill(name),
    }
  }
}
