/** A labelled data set as a stream without boundaries: one task fades into the next. */
import { checkOptions, type ChecksOf, checks, keyFromSeed, OptionError, RandomStream } from '@burgeon/tensor'
import { type ExampleBatch, joinBatches } from '../batch.ts'
import {
  checkExamplesOf,
  drawnRows,
  formOf,
  type IncrementalScenario,
  indicesOf,
  type LabelledExamples,
} from './split-tasks.ts'

/** How tasks fade into each other. */
export interface BlurOptions {
  /** The classes of each task, from 0. A class may come in several. */
  readonly tasks: readonly (readonly number[])[]
  /** `class` unless given. */
  readonly scenario?: IncrementalScenario
  /** Rows of each batch, ≥ 1. */
  readonly rows: number
  /** Batches for each task, ≥ 1. */
  readonly batches: number
  /**
   * Batches over which one task fades into the next, half of them before its end, in [0, batches]; all
   * unless given. With 0 the tasks change at once, and nobody is told.
   */
  readonly fade?: number
  /** 0 unless given. */
  readonly seed?: number
}

/** A stream that does not say where its tasks end. */
export interface BlurredStream extends AsyncIterable<ExampleBatch> {
  /** Batches in all. */
  readonly batches: number
}

const optionChecks: ChecksOf<BlurOptions> = {
  tasks: checks.required(
    checks.list('a list of lists of classes', checks.list('a list of classes', checks.integer({ from: 0 }))),
  ),
  scenario: checks.oneOf('class', 'domain', 'task'),
  rows: checks.required(checks.integer({ from: 1 })),
  batches: checks.required(checks.integer({ from: 1 })),
  fade: checks.number({ from: 0 }),
  seed: checks.seed,
}

/**
 * Examples of tasks that come one after another without a boundary: around the place where one ends each row
 * is of the next with a probability that rises from 0 to 1.
 *
 * @throws OptionError for options out of range, or a task without examples.
 */
export function blurredTasks(data: LabelledExamples, options: BlurOptions): BlurredStream {
  const who = 'blurredTasks'
  checkExamplesOf(who, data)
  checkOptions(who, options, optionChecks)
  const { tasks, scenario = 'class', rows, batches, fade = batches, seed = 0 } = options
  if (fade > batches)
    throw new OptionError(`${who}: got fade ${fade}; expected at most ${batches}, the batches.`)
  const members = tasks.map((own) => indicesOf(data, own))
  const empty = members.findIndex((own) => own.length === 0)
  if (tasks.length === 0 || empty >= 0) {
    throw new OptionError(`${who}: got tasks without examples; expected one or more of each.`)
  }
  const form = formOf(scenario, Math.max(...tasks.flat()) + 1)
  const last = tasks.length - 1
  return {
    batches: batches * tasks.length,
    async *[Symbol.asyncIterator]() {
      const random = new RandomStream(keyFromSeed(seed)).named('blur')
      const orders = members.map((own, i) => drawnRows(own, random.named(`task ${i}`)))
      for (let batch = 0; batch < batches * tasks.length; batch++) {
        const nearest = Math.round(batch / batches)
        const within =
          fade === 0 ? Number(batch >= nearest * batches) : 0.5 + (batch - nearest * batches) / fade
        const parts = Array.from({ length: rows }, () => {
          // Before a border its probability is below one half, behind it above.
          const isNext = random.uniform() < within
          const task = Math.min(last, Math.max(0, isNext ? nearest : nearest - 1))
          return form(data, orders[task](1, true), { name: tasks[task].join('+'), classes: tasks[task] })
        })
        yield joinBatches(parts)
      }
    },
  }
}
