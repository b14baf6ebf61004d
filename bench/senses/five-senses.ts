/**
 * `npm run bench -- five-senses --data DIR [--seeds N] [--quick] [--tuning] [--lives FILE]`: text, pictures, sound, a
 * series and films in one model.
 *
 * Plays of Shakespeare, digits of MNIST, spoken digits as loudness of pitches, the temperature of a machine, and films
 * of moving digits, a step of each in turn. What is held back of each costs how many bits a byte, beside a model of the
 * same size that has learnt the same rows of that sense and no other.
 *
 * A life of four senses, to which films come at half of it: no bit of any logit of the four may move then, as a step of
 * learning moves them; and after 2,000 steps more, a fifth of them films, each of the four costs how much more than in
 * a life that goes on without.
 *
 * Settings were chosen on seed 11, by what lies before the end of what is learnt from.
 */
import { openWasm } from '@burgeon/tensor/wasm'
import { atLeast, atMost, type Benchmark, type BenchmarkRow, mean, UsageError } from '../benchmark.ts'
import { mnistFolder } from '../training/idx-files.ts'
import { type BitsBySense, type LifeOfSenses, type LifeOptions, liveWithSenses } from './life-of-senses.ts'
import { type SenseStream, senseStreams } from './sense-streams.ts'

const settings: Omit<LifeOptions, 'seed' | 'device' | 'note'> = { rate: 1.5e-3, judged: 100 }

/** Rounds of a life, and those before and after films come: 5 × 400 steps are 2,000. */
const [whole, before, after] = [400, 250, 400]

/** What one seed has come to. Plain data. */
interface Outcome {
  readonly parameters: number
  readonly together: BitsBySense
  readonly alone: BitsBySense
  readonly late: LifeOfSenses
  readonly without: BitsBySense
}

export const fiveSenses: Benchmark = async ({ data, seeds, quick, tuning = false, note, once }) => {
  if (data === undefined)
    throw new UsageError('five-senses: got no --data DIR; expected a folder with data sets.')
  const folder = mnistFolder('five-senses', data)
  const device = openWasm()
  const [rounds, first, rest] = [whole, before, after].map((count) => (quick ? count / 50 : count))
  const how = { ...settings, ...(quick && { judged: 5 }) }
  const outcomes = new Array<Outcome>()
  const began = tuning ? 11 : 1
  for (let seed = began; seed < began + (quick || tuning ? 1 : seeds); seed++) {
    const senses = senseStreams(data, folder, seed, tuning)
    const old = senses.slice(0, -1)
    const options: LifeOptions = { ...how, seed, device, note }
    const plain = ({ states: _, ...life }: Awaited<ReturnType<typeof liveWithSenses>>): LifeOfSenses => life
    const live = (name: string, some: readonly SenseStream[]) =>
      once(`${name}, seed ${seed}`, async () =>
        plain(await liveWithSenses([{ senses: some, rounds }], options)),
      )
    const together = await live('together', senses)
    note(`together, seed ${seed}: ${told(together.bits[0])}`)
    const alone: Record<string, number | undefined> = {}
    for (const sense of senses) {
      const [own] = (await live(sense.name, [sense])).bits
      note(`alone, seed ${seed}: ${told(own)}`)
      Object.assign(alone, own)
    }
    const { late, without } = await once(`later, seed ${seed}`, async () => {
      const phases = [
        { senses: old, rounds: first },
        { senses, rounds: rest },
      ]
      const { states, ...life } = await liveWithSenses(phases, options)
      const onward = [phases[0], { senses: old, rounds: rest }]
      return { late: life, without: (await liveWithSenses(onward, options, states[0])).bits[0] }
    })
    note(`later, seed ${seed}: ${told(late.bits[1])}; without: ${told(without)}; ${late.moved} logits moved`)
    outcomes.push({ parameters: together.parameters, together: together.bits[0], alone, late, without })
  }
  return resultOf(outcomes)
}

const told = (bits: BitsBySense): string =>
  Object.entries(bits)
    .map(([name, value]) => `${name} ${value.toFixed(4)}`)
    .join(', ')

function resultOf(outcomes: readonly Outcome[]): Awaited<ReturnType<Benchmark>> {
  const names = Object.keys(outcomes[0].together) as SenseStream['name'][]
  const old = names.slice(0, -1)
  const of = (name: SenseStream['name'], bits: (outcome: Outcome) => BitsBySense): number[] =>
    outcomes.map((outcome) => bits(outcome)[name] ?? NaN)
  const row = (
    about: string,
    name: SenseStream['name'],
    peer: string,
    [own, other]: readonly [(outcome: Outcome) => BitsBySense, (outcome: Outcome) => BitsBySense],
  ): BenchmarkRow => {
    const [values, peers] = [of(name, own), of(name, other)]
    return {
      ...{ case: `${name}, ${about}`, metric: 'bits per byte', unit: 'bits', value: mean(values), values },
      ...{ peer, peerValue: mean(peers), ratio: mean(peers) / mean(values) },
    }
  }
  const rows = [
    ...names.map((name) =>
      row('of five', name, 'the same rows alone', [({ together }) => together, ({ alone }) => alone]),
    ),
    ...old.map((name) =>
      row('films later', name, 'without films', [({ late }) => late.bits[1], ({ without }) => without]),
    ),
    row('later', 'films', 'from the beginning', [({ late }) => late.bits[1], ({ together }) => together]),
  ]
  const more = (name: SenseStream['name']): number =>
    mean(outcomes.map(({ late, without }) => (late.bits[1][name] ?? NaN) - (without[name] ?? NaN)))
  return {
    rows,
    checks: [
      ...names.map((name) =>
        atMost(
          `${name} of five beside alone, bits per byte`,
          mean(of(name, ({ together }) => together)) / mean(of(name, ({ alone }) => alone)),
          1.05,
        ),
      ),
      atMost(
        'logits that films moved when they came',
        Math.max(...outcomes.map(({ late }) => late.moved)),
        0,
      ),
      atLeast('logits that a step moved then', Math.min(...outcomes.map(({ late }) => late.movedByStep)), 1),
      ...old.map((name) =>
        atMost(`${name} after films came, bits per byte more than without`, more(name), 0.02),
      ),
      atMost('parameters', Math.max(...outcomes.map(({ parameters }) => parameters)), 1_000_000),
    ],
  }
}
