/**
 * `npm run bench -- split-mnist --data DIR [--seeds N]`: the digits of MNIST in five tasks of two classes, one
 * pass over each, one head for all ten (Buzzega et al. 2020, Dark Experience Replay, the table of their
 * program's first version): how much a network of 100 and 100 units knows of all ten in the end. Settings are
 * those of that table; the bounds are its numbers.
 *
 * Beyond the table: DER++ judged by a moving average of its weights, and the same with a network that begins at a
 * quarter of the width and grows by a policy that hears drift, not where tasks end. Beside them each part alone:
 * the average without replay, and the small network that stays small. The decay (of four, 0.995 to 0.999)
 * and the growth (of two) were chosen on seed 11.
 */
import { chain, movingAverage, sgd } from '@burgeon/autograd/optim'
import {
  classifier,
  darkReplay,
  evaluateExamples,
  Learner,
  reservoirReplay,
  splitTasks,
  growOnDrift,
  type NetworkStrategy,
  pageHinkley,
  type Rehearsal,
  widerHidden,
  type LabelledExamples,
} from '@burgeon/continual'
import { openWasm } from '@burgeon/tensor/wasm'
import { atLeast, atMost, type Benchmark, type BenchmarkCheck, mean, worseBeyondSeeds } from '../benchmark.ts'
import { mnistFolder } from '../training/idx-files.ts'
import { digitsOf, fewOfEach } from './digits.ts'

const byTwo = [
  [0, 1],
  [2, 3],
  [4, 5],
  [6, 7],
  [8, 9],
]

/** A way to learn the tasks, the settings that the table has for it, and its accuracy there. */
interface Method {
  readonly name: string
  readonly rate: number
  readonly strategy: (seed: number) => NetworkStrategy
  /** One task of all classes. */
  readonly isJoint?: boolean
  /** Units of each hidden layer; 100 unless given. */
  readonly width?: number
  /** Whether it is judged by the moving average of its weights. */
  readonly isAveraged?: boolean
  /** Published accuracy over all ten classes in per cent, and how far ours may be from it. */
  readonly published?: readonly [accuracy: number, within: number]
}

const buffer = 200

const table = 'DER++, 200 digits'
const [averaged, growing] = ['DER++ averaged', 'DER++ averaged, growing from 25 units']
const [small, alone] = ['DER++ averaged, 25 units', 'SGD averaged']
const decay = 0.999
/** Learnt numbers of 784, 100, 100 and 10. */
const fullSize = 89_610

/** 128 rows of memory beside 10 new ones. */
const derPlusPlus = (seed: number): Rehearsal =>
  darkReplay({ capacity: buffer, share: 12.8, alpha: 0.2, beta: 1, logits: 'f32', seed })

/** Gives one hidden layer after the other its whole width, each when a drift has been heard. */
function grows(seed: number): NetworkStrategy {
  return {
    rehearsal: derPlusPlus(seed),
    detector: pageHinkley({ mode: 'up' }),
    growth: growOnDrift({ patience: 10, tolerance: 0.01, request: widerHidden({ share: 3 }) }),
  }
}

const methods: readonly Method[] = [
  { name: 'SGD', rate: 0.03, strategy: () => ({}), published: [19.6, 1] },
  { name: 'joint', rate: 0.03, strategy: () => ({}), isJoint: true, published: [95.57, 1.5] },
  {
    name: 'ER, 200 digits',
    rate: 0.01,
    strategy: (seed) => ({ rehearsal: reservoirReplay({ capacity: buffer, seed }) }),
    published: [80.43, 3],
  },
  {
    name: 'DER, 200 digits',
    rate: 0.03,
    strategy: (seed) => ({
      rehearsal: darkReplay({ capacity: buffer, alpha: 0.2, beta: 0, logits: 'f32', seed }),
    }),
    published: [84.55, 3],
  },
  {
    name: table,
    rate: 0.03,
    strategy: (seed) => ({ rehearsal: derPlusPlus(seed) }),
    published: [85.61, 3],
  },
  { name: averaged, rate: 0.03, strategy: (seed) => ({ rehearsal: derPlusPlus(seed) }), isAveraged: true },
  { name: growing, rate: 0.03, width: 25, strategy: grows, isAveraged: true },
  {
    name: small,
    rate: 0.03,
    width: 25,
    strategy: (seed) => ({ rehearsal: derPlusPlus(seed) }),
    isAveraged: true,
  },
  { name: alone, rate: 0.03, strategy: () => ({}), isAveraged: true },
]

/** Accuracy in per cent in the end. */
interface Outcome {
  /** Among all ten classes. */
  readonly ofAll: number
  /** Among the two of the task, where it is known. */
  readonly ofTask: number
}

export const splitMnist: Benchmark = async ({ data, seeds, quick, note, once }) => {
  const folder = mnistFolder('split-mnist', data)
  const sets = { train: digitsOf(folder, 'train'), test: digitsOf(folder, 'test') }
  if (quick) {
    sets.train = fewOfEach(sets.train, 600)
    sets.test = fewOfEach(sets.test, 100)
  }
  const found = new Map<string, Outcome[]>()
  for (const method of methods) {
    for (let seed = 1; seed <= (quick ? 1 : seeds); seed++) {
      const outcome = await once(`${method.name}, seed ${seed}`, () => live(method, sets, seed))
      note(
        `${method.name}, seed ${seed}: ${outcome.ofAll.toFixed(2)} % among all, ${outcome.ofTask.toFixed(2)} % within the task`,
      )
      found.set(method.name, [...(found.get(method.name) ?? []), outcome])
    }
  }
  const of = (name: string, what: keyof Outcome): number[] => (found.get(name) ?? []).map((one) => one[what])
  const rows = methods.flatMap(({ name, published }) => [
    {
      ...{ case: name, metric: 'accuracy among all classes', unit: '%' },
      ...{ value: mean(of(name, 'ofAll')), values: of(name, 'ofAll') },
      ...(published && { peer: 'published', peerValue: published[0] }),
    },
    {
      ...{ case: name, metric: 'accuracy within the task', unit: '%' },
      ...{ value: mean(of(name, 'ofTask')), values: of(name, 'ofTask') },
    },
  ])
  const bounds = methods.flatMap(({ name, published }): BenchmarkCheck[] => {
    if (published === undefined) return []
    const [accuracy, within] = published
    return [
      atLeast(`accuracy of ${name}, %`, mean(of(name, 'ofAll')), accuracy - within),
      atMost(`accuracy of ${name}, %`, mean(of(name, 'ofAll')), accuracy + within),
    ]
  })
  const errors = (name: string): number[] => of(name, 'ofAll').map((accuracy) => 100 - accuracy)
  const beyond = (worse: string, better: string): BenchmarkCheck =>
    worseBeyondSeeds(`${worse} is worse than ${better}`, errors(worse), errors(better))
  const lost = mean(of(averaged, 'ofAll')) - mean(of(growing, 'ofAll'))
  const ours = [
    beyond(table, averaged),
    beyond(table, growing),
    atMost('what growing from a quarter of the width loses, in points', lost, 1),
    beyond(small, growing),
    beyond(alone, averaged),
  ]
  return { rows, checks: quick ? [] : [...bounds, ...ours] }
}

async function live(
  { rate, strategy, isJoint = false, width = 100, isAveraged = false }: Method,
  { train, test }: Readonly<Record<'train' | 'test', LabelledExamples>>,
  seed: number,
): Promise<Outcome> {
  const device = openWasm()
  const tasks = isJoint ? [byTwo.flat()] : byTwo
  const stream = splitTasks(train, { tasks, rows: 10, seed })
  const model = classifier({ inputs: 784, hidden: [width, width], classes: 10, seed, device })
  const average = movingAverage(decay)
  const learner = new Learner({
    model,
    optimizer: chain(sgd(rate), ...(isAveraged ? [average] : [])),
    strategy: strategy(seed),
    budget: { parameters: fullSize },
    seed,
  })
  for await (const batch of stream) await learner.observe(batch)
  const judged = splitTasks(test, { tasks: byTwo, rows: 500 })
  const weights = average.tensors(model.parameters.tensors())
  const outcomes: Outcome[] = []
  for (const task of judged.tasks) {
    const examples = judged.examplesOf(task, test)
    const [all, own] = [
      await evaluateExamples(model, examples, { weights }),
      await evaluateExamples(model, examples, { weights, among: task.classes }),
    ]
    outcomes.push({ ofAll: 100 * (all.accuracy ?? 0), ofTask: 100 * (own.accuracy ?? 0) })
  }
  learner.dispose()
  model.dispose()
  return {
    ofAll: mean(outcomes.map(({ ofAll }) => ofAll)),
    ofTask: mean(outcomes.map(({ ofTask }) => ofTask)),
  }
}
