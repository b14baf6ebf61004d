/**
 * `npm run bench -- plasticity [--seeds N]`: loss of plasticity in the slowly changing regression of Dohare et
 * al. 2024, 200,000 samples one by one, and what is done against it. The bounds are numbers of an independent
 * program. Settings that are not theirs were chosen with a third program, on streams that are not reported.
 * Controls: plain SGD, which must get worse, and a network that has all units of the grown one from the start.
 */
import { decayWeights, sgd } from '@burgeon/autograd/optim'
import {
  continualBackpropagation,
  type DenseNetwork,
  type DenseSizes,
  everySteps,
  type GrowthPolicy,
  growOnSchedule,
  joinBatches,
  Learner,
  measurePlasticity,
  recycleDormant,
  regressor,
  shrinkAndPerturb,
  type StrategyOf,
} from '@burgeon/continual'
import { openWasm } from '@burgeon/tensor/wasm'
import {
  atLeast,
  atMost,
  type Benchmark,
  type BenchmarkCheck,
  type BenchmarkRow,
  mean,
} from '../benchmark.ts'
import { fastBits, slowBits, slowRegression } from './slow-regression.ts'
import { differenceFromPlain } from './plain-descent.ts'

const rate = 0.01
const [fewUnits, manyUnits] = [5, 45]

/** A way to learn the stream. */
interface Arm {
  readonly name: string
  readonly units: number
  readonly strategy: (seed: number, samples: number) => StrategyOf<DenseNetwork>
}

/** One more unit after each fortieth of the stream. */
const oneMoreUnit = (samples: number): GrowthPolicy<unknown, DenseSizes> =>
  growOnSchedule<DenseSizes>(
    Array.from({ length: manyUnits - fewUnits }, (_, i) => ({
      step: ((i + 1) * samples) / 40,
      request: ({ hidden: [units] }) => ({ kind: 'widenHidden', layer: 0, to: units + 1 }),
    })),
  )

const [plain, replacing, growing, large] = [
  'SGD',
  'continual backpropagation',
  `growing from ${fewUnits} units to ${manyUnits}`,
  `SGD, ${manyUnits} units from the start`,
]

const arms: readonly Arm[] = [
  { name: plain, units: fewUnits, strategy: () => ({}) },
  {
    name: replacing,
    units: fewUnits,
    strategy: (seed) => ({
      upkeep: [continualBackpropagation({ replacementRate: 1e-4, maturity: 100, seed })],
    }),
  },
  {
    name: growing,
    units: fewUnits,
    strategy: (_, samples) => ({ growth: oneMoreUnit(samples) }),
  },
  { name: large, units: manyUnits, strategy: () => ({}) },
  {
    name: 'ReDo',
    units: fewUnits,
    strategy: (seed) => ({ upkeep: [recycleDormant({ every: 1000, over: 100, seed })] }),
  },
  {
    name: 'shrink and perturb',
    units: fewUnits,
    strategy: (seed) => ({
      upkeep: [shrinkAndPerturb({ shrink: 0.95, perturb: 0.05, when: everySteps(1000), seed })],
    }),
  },
  { name: 'L2', units: fewUnits, strategy: () => ({ transforms: [decayWeights(0.01)] }) },
]

/** Outcome of a life. */
interface Outcome {
  /** Mean squared error of each tenth of the stream. */
  readonly errors: readonly number[]
  /** Share of hidden units that are 0 for all of the next samples. */
  readonly dead: number
  readonly parameters: number
}

export const plasticity: Benchmark = async ({ quick, seeds, note, once }) => {
  const samples = quick ? 20_000 : 200_000
  const difference = await differenceFromPlain(rate, fewUnits, 500)
  const found = new Map<string, Outcome[]>()
  for (let seed = 1; seed <= (quick ? 1 : seeds); seed++) {
    for (const arm of arms) {
      const outcome = await once(`${arm.name}, seed ${seed}`, () => live(arm, samples, seed))
      note(`${arm.name}, seed ${seed}: ${outcome.errors.map((error) => error.toFixed(2)).join(' ')}`)
      found.set(arm.name, [...(found.get(arm.name) ?? []), outcome])
    }
  }
  const of = (name: string, what: (outcome: Outcome) => number): number[] => (found.get(name) ?? []).map(what)
  const first = ({ errors }: Outcome): number => errors[0]
  const last = ({ errors }: Outcome): number => mean(errors.slice(-2))
  const rows = arms.flatMap(({ name }): BenchmarkRow[] => {
    const row = (metric: string, unit: string, values: readonly number[]): BenchmarkRow => ({
      ...{ case: name, metric, unit, values, value: mean(values) },
    })
    return [
      row('squared error, first tenth', '', of(name, first)),
      row('squared error, last fifth', '', of(name, last)),
      row(
        'dead units at the end',
        '%',
        of(name, ({ dead }) => 100 * dead),
      ),
      row(
        'parameters at the end',
        '',
        of(name, ({ parameters }) => parameters),
      ),
    ]
  })
  const end = (name: string): number => mean(of(name, last))
  const worse = mean(of(plain, (outcome) => (last(outcome) > first(outcome) ? 1 : 0)))
  const near = (name: string, published: number, within: number): BenchmarkCheck[] => [
    atLeast(`squared error of ${name}, last fifth`, end(name), published - within),
    atMost(`squared error of ${name}, last fifth`, end(name), published + within),
  ]
  const right = atMost('largest difference from a step in plain numbers', difference, 1e-4)
  const bounds = [
    ...near(plain, 0.88, 0.1),
    ...near(replacing, 0.54, 0.08),
    // The control: without it there would be nothing to be saved.
    atLeast('share of lives of SGD that end worse than they began', worse, 0.7),
    atMost(`${growing}: error over that of continual backpropagation`, end(growing) / end(replacing), 1),
    atMost(`${growing}: error over that of as many from the start`, end(growing) / end(large), 1),
  ]
  return { rows, checks: quick ? [right] : [right, ...bounds] }
}

async function live({ units, strategy }: Arm, samples: number, seed: number): Promise<Outcome> {
  // What a step computes is far too little for a second thread.
  const device = openWasm({ threads: 1 })
  const inputs = slowBits + fastBits
  const model = regressor({ inputs, hidden: [units], outputs: 1, initial: 'he', seed, device })
  const learner = new Learner({ model, optimizer: sgd(rate), strategy: strategy(seed, samples), seed })
  const stream = slowRegression(seed, samples / 20)
  const errors = new Array<number>(10).fill(0)
  for (let i = 0; i < samples; i++) {
    const { loss } = await learner.observe(stream.next().value)
    errors[Math.floor((10 * i) / samples)] += loss / (samples / 10)
  }
  const probe = Array.from({ length: 256 }, () => stream.next().value)
  const [{ dead }] = await measurePlasticity(model, joinBatches(probe))
  const { size: parameters } = model.parameters
  learner.dispose()
  model.dispose()
  return { errors, dead, parameters }
}
