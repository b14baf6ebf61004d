/**
 * `npm run bench -- three-scenarios --data DIR [--seeds N]`: the digits of MNIST in five contexts of two
 * classes, 2,000 batches of 128 for each, as a task-, a domain- and a class-incremental problem (van de Ven,
 * Tuytelaars & Tolias 2022, Three types of incremental learning, table 2): a network of 400 and 400 units under
 * Adam, with the settings and the published accuracies of that paper. Which classes come together, and in what
 * order, is drawn by the seed.
 */
import { adamw } from '@burgeon/autograd/optim'
import {
  aGem,
  balancedMemory,
  classifier,
  evaluateExamples,
  ewc,
  type IncrementalScenario,
  joinBatches,
  type LabelledExamples,
  Learner,
  learningWithoutForgetting,
  type Model,
  type Penalty,
  replay,
  splitTasks,
  type StrategyOf,
  synapticIntelligence,
  taskEnds,
  type TaskStream,
} from '@burgeon/continual'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { atLeast, atMost, type Benchmark, type BenchmarkCheck, mean } from '../benchmark.ts'
import { mnistFolder } from '../training/idx-files.ts'
import { digitsOf, fewOfEach } from './digits.ts'

const scenarios = ['task', 'domain', 'class'] as const satisfies readonly IncrementalScenario[]
type ByScenario<T> = Readonly<Record<(typeof scenarios)[number], T>>

/** A way to learn the contexts, and its accuracy in the paper. */
interface Method {
  readonly name: string
  readonly strategy: (scenario: IncrementalScenario, stream: TaskStream, seed: number) => StrategyOf<Model>
  /** All contexts at once. */
  readonly isJoint?: boolean
  /** Accuracy in per cent, and how far ours may be from it. */
  readonly published: ByScenario<readonly [accuracy: number, within: number]>
}

/** Digits in memory: a hundred of each class. */
const buffer = 1000

const penalized = (of: (scenario: IncrementalScenario, seed: number) => Penalty): Method['strategy'] => {
  return (scenario, stream, seed) => ({
    penalties: [of(scenario, seed)],
    consolidateWhen: taskEnds(stream),
  })
}

const kept = (seed: number) => replay({ capacity: buffer, memory: balancedMemory({ by: 'class' }), seed })

const methods: readonly Method[] = [
  {
    name: 'none',
    strategy: () => ({}),
    published: { task: [84.3, 8], domain: [60.1, 4], class: [19.89, 1] },
  },
  {
    name: 'EWC',
    strategy: penalized((scenario, seed) =>
      ewc({ strength: { task: 1e5, domain: 1e10, class: 1e9 }[scenario], fisher: 'exact', rows: 1000, seed }),
    ),
    published: { task: [99.1, 1.5], domain: [63, 4], class: [20.64, 3] },
  },
  {
    name: 'SI',
    // Ours has the ½ that the paper leaves out.
    strategy: penalized((scenario) =>
      synapticIntelligence({ strength: 2 * { task: 10, domain: 5e4, class: 5e3 }[scenario], damping: 0.1 }),
    ),
    published: { task: [99.2, 1.5], domain: [66.9, 4], class: [21.2, 3] },
  },
  {
    name: 'LwF',
    strategy: penalized(() => learningWithoutForgetting({ strength: 1, temperature: 2 })),
    published: { task: [99.6, 1.5], domain: [71.2, 4], class: [21.89, 3] },
  },
  {
    name: 'A-GEM, 1,000 digits',
    strategy: (_, __, seed) => ({ projections: [aGem({ memory: kept(seed), rows: 128 })] }),
    published: { task: [98.6, 1.5], domain: [87.7, 6], class: [65.1, 6] },
  },
  {
    name: 'replay, 1,000 digits',
    strategy: (_, __, seed) => ({ rehearsal: kept(seed) }),
    published: { task: [99, 1.5], domain: [93.8, 1.5], class: [88.79, 1.5] },
  },
  {
    name: 'joint',
    strategy: () => ({}),
    isJoint: true,
    published: { task: [99.7, 1.5], domain: [98.6, 1.5], class: [98.17, 1.5] },
  },
]

export const threeScenarios: Benchmark = async ({ data, seeds, quick, note, once }) => {
  const folder = mnistFolder('three-scenarios', data)
  const sets = { train: digitsOf(folder, 'train'), test: digitsOf(folder, 'test') }
  if (quick) sets.test = fewOfEach(sets.test, 100)
  const batches = quick ? 20 : 2000
  const found = new Map<string, number[]>()
  for (const method of methods) {
    for (const scenario of scenarios) {
      const name = `${method.name}, ${scenario}-incremental`
      for (let seed = 1; seed <= (quick ? 1 : seeds); seed++) {
        const accuracy = await once(`${name}, seed ${seed}`, () =>
          live(method, scenario, sets, { batches, seed }),
        )
        note(`${name}, seed ${seed}: ${accuracy.toFixed(2)} %`)
        found.set(name, [...(found.get(name) ?? []), accuracy])
      }
    }
  }
  const results = methods.flatMap(({ name, published }) =>
    scenarios.map((scenario) => {
      const values = found.get(`${name}, ${scenario}-incremental`) ?? []
      const [accuracy, within] = published[scenario]
      return { name: `${name}, ${scenario}-incremental`, values, accuracy, within }
    }),
  )
  const rows = results.map(({ name, values, accuracy }) => ({
    ...{ case: name, metric: 'accuracy of all contexts', unit: '%', value: mean(values), values },
    ...{ peer: 'published', peerValue: accuracy },
  }))
  const checks = results.flatMap(({ name, values, accuracy, within }): BenchmarkCheck[] => [
    atLeast(`accuracy of ${name}, %`, mean(values), accuracy - within),
    atMost(`accuracy of ${name}, %`, mean(values), accuracy + within),
  ])
  return { rows, checks: quick ? [] : checks }
}

/** Mean accuracy of the contexts at the end, in per cent. */
async function live(
  { strategy, isJoint = false }: Method,
  scenario: IncrementalScenario,
  { train, test }: Readonly<Record<'train' | 'test', LabelledExamples>>,
  { batches, seed }: { readonly batches: number; readonly seed: number },
): Promise<number> {
  const contexts = drawnContexts(seed)
  const sizes = { rows: 128, batches, seed }
  const stream = splitTasks(train, { tasks: contexts, scenario, ...sizes })
  const model = classifier({
    inputs: 784,
    hidden: [400, 400],
    classes: scenario === 'domain' ? 2 : 10,
    masked: scenario === 'task',
    initial: 'pytorch',
    seed,
    device: openWasm(),
  })
  const learner = new Learner({
    model,
    optimizer: adamw({ learningRate: 1e-3, weightDecay: 0 }),
    strategy: isJoint ? {} : strategy(scenario, stream, seed),
    seed,
  })
  for await (const batch of isJoint ? atOnce(stream, train, sizes) : stream) await learner.observe(batch)
  const accuracies: number[] = []
  for (const task of stream.tasks) {
    const { accuracy } = await evaluateExamples(model, stream.examplesOf(task, test))
    accuracies.push(100 * (accuracy ?? 0))
  }
  learner.dispose()
  model.dispose()
  return mean(accuracies)
}

/** The contexts of a stream as one, each row in the form of its own context. */
function atOnce(
  { tasks, examplesOf }: TaskStream,
  train: LabelledExamples,
  { batches, ...sizes }: { readonly rows: number; readonly batches: number; readonly seed: number },
): TaskStream {
  const all = joinBatches(tasks.map((task) => examplesOf(task, train)))
  return splitTasks(all, { tasks: [[...new Set(all.targets)]], ...sizes, batches: tasks.length * batches })
}

/** Two classes each, in an order of the seed. */
function drawnContexts(seed: number): number[][] {
  const classes = Array.from({ length: 10 }, (_, i) => i)
  new RandomStream(keyFromSeed(seed)).named('contexts').shuffle(classes)
  return Array.from({ length: 5 }, (_, i) => classes.slice(2 * i, 2 * i + 2))
}
