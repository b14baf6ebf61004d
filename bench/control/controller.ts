/**
 * `npm run bench -- controller --data DIR [--seeds N] [--tuning]`: whether a bound on forgetting steers a learner
 * better than any fixed share of old rows and any fixed learning rate do.
 *
 * A byte GPT lives through six segments: English, German, English again, noise, facts that are told once,
 * Shakespeare. A life is judged by its mean prequential loss, every segment alike, and by its mean loss on held-out
 * text of all domains in the end. `forgetAtMost` is held against sixteen lives of four shares and four rates, whose
 * best has to lie inside that grid. All have the same operations: a step has room for sixteen rows, and what old rows
 * take of it, and measuring, new ones do not get.
 *
 * Controls: the same life with its knobs held at their means, which tells whether it matters when they move; and
 * with the factors of domains passed on to the next domain, which tells whether it matters whose rows come back. A
 * model that is too small for all it meets shall ask for growth when nothing else helps, and that shall help; its
 * control does not grow.
 *
 * Everything that could be chosen was chosen with `--tuning`: another stream of other seeds (Shakespeare, French,
 * Shakespeare again, noise, other facts, English).
 */
import { type Controller, forgetAtMost, growOnConflict, type HeldBackOptions } from '@burgeon/continual'
import {
  atLeast,
  atMost,
  type Benchmark,
  type BenchmarkCheck,
  type BenchmarkRow,
  mean,
} from '../benchmark.ts'
import { type SegmentedStream, segmentedStream } from './segments.ts'
import { context, type Life, lived, mostForgotten, objectiveOf, type Size } from './steered-life.ts'

const shares = [0.5, 1, 2, 4]
const rates = [1.5e-3, 3e-3, 6e-3, 12e-3]
/** What the controller begins with, and what it is to hold, in bits per byte. */
const chosen = { share: 2, rate: 4.5e-3, epsilon: 0.02 }
const probes: HeldBackOptions = { every: 25, rows: 16 }

const enough: Size = { embed: 48, layers: 2 }
const tooSmall: Size = { embed: 16, layers: 1 }
/** Steps of a segment, and rows of a step; the small model gets more steps, of fewer rows. */
const usual = { steps: 150, rows: 16 }
const long = { steps: 600, rows: 4 }
const segmentsOfLife = 6

const pairs = shares.flatMap((share) => rates.map((rate) => ({ share, rate })))
const pairOf = ({ share, rate }: { readonly share: number; readonly rate: number }): string =>
  `share ${share}, rate ${rate}`
const [steered, atMeans, shuffled] = [
  'forgetAtMost',
  'knobs held at their means',
  'factors of other domains',
] as const
const [growing, without] = ['too small, grows on conflict', 'too small, never grows'] as const

type Lives = ReadonlyMap<string, readonly Life[]>

export const controller: Benchmark = async ({ data, quick, seeds, tuning = false, note, once }) => {
  const found = new Map<string, Life[]>()
  const [first, last] = tuning ? [101, 100 + seeds] : [1, quick ? 1 : seeds]
  for (let seed = first; seed <= last; seed++) {
    const streamOf = ({ steps, rows }: typeof usual): SegmentedStream =>
      segmentedStream('controller', data, {
        ...{ seed, rows, length: context, steps: quick ? 40 : steps },
        stream: tuning ? 'tuning' : 'reported',
      })
    const live = async (arm: string, run: () => Promise<Life>): Promise<Life> => {
      const life = await once(`${tuning ? 'tuning, ' : ''}seed ${seed}, ${arm}`, run)
      note(`seed ${seed}, ${arm}: ${said(life)}`)
      found.set(arm, [...(found.get(arm) ?? []), life])
      return life
    }
    const base = { seed, size: enough, ...usual, steps: quick ? 40 : usual.steps, ...chosen }
    const run = (options: { readonly controller?: Controller; readonly probes?: HeldBackOptions }) =>
      lived(streamOf(usual), { ...base, probes, ...options })
    const own = await live(steered, () => run({ controller: bound() }))
    await live(atMeans, () => run({ controller: held(own) }))
    await live(shuffled, () => run({ controller: passedOn(bound()) }))
    for (const pair of quick ? pairs.slice(5, 7) : pairs)
      await live(pairOf(pair), () => lived(streamOf(usual), { ...base, ...pair }))
    const steps = quick ? 40 : long.steps
    const small = { ...base, ...long, steps, size: tooSmall, controller: bound(), probes }
    await live(growing, () => lived(streamOf(long), { ...small, growth: growOnConflict() }))
    await live(without, () => lived(streamOf(long), small))
  }
  return { rows: rowsOf(found), checks: quick ? [] : checksOf(found) }
}

const bound = (): Controller => forgetAtMost(chosen.epsilon)

/** Knobs that never move. */
const held = ({ knobs }: Life): Controller => ({
  name: 'held',
  initial: null,
  decide: () => ({ knobs, reason: null, state: null }),
})

/** The same controller, whose factor of each domain goes to the next one. */
const passedOn = (own: Controller): Controller => ({
  ...own,
  decide(signals, state) {
    const decision = own.decide(signals, state)
    const factors = Object.entries(decision.knobs.domains ?? {})
    const domains = factors.map(([domain], i) => [domain, factors.at(i - 1)?.[1] ?? 1] as const)
    return { ...decision, knobs: { ...decision.knobs, domains: Object.fromEntries(domains) } }
  },
})

const meanOf = (lives: readonly Life[], valueOf: (life: Life) => number): number => mean(lives.map(valueOf))

/** The pair of the grid that is best on average. */
function bestPair(found: Lives): (typeof pairs)[number] {
  const objective = (pair: (typeof pairs)[number]): number =>
    meanOf(found.get(pairOf(pair)) ?? [], objectiveOf) || Infinity
  return pairs.reduce((best, pair) => (objective(pair) < objective(best) ? pair : best))
}

function rowsOf(found: Lives): BenchmarkRow[] {
  return [...found].flatMap(([arm, lives]): BenchmarkRow[] => {
    const row = (metric: string, unit: string, valueOf: (life: Life) => number): BenchmarkRow => {
      const values = lives.map(valueOf)
      return { case: arm, metric, value: mean(values), values, unit }
    }
    const prequentialOf = ({ prequential }: Life): number => mean(Object.values(prequential))
    const isSteered = lives.some((life) => Object.keys(life.forgotten).length > 0)
    return [
      row('mean prequential and mean final loss, together', 'bits/byte', objectiveOf),
      row('mean prequential loss', 'bits/byte', prequentialOf),
      row('mean final loss', 'bits/byte', ({ final }) => mean(Object.values(final))),
      row('operations', 'TFLOP', ({ flops }) => flops / 1e12),
      row('share of old rows learnt during the noise', '', ({ oldRowsIn }) => shareOf(oldRowsIn, 'noise')),
      row('share of old rows that are noise', '', ({ oldRowsOf }) => shareOf(oldRowsOf, 'noise')),
      ...(isSteered
        ? [
            row('most forgotten of a domain in the end', 'bits/byte', mostForgotten),
            row('share of operations that measures', '', ({ probeFlops, flops }) => probeFlops / flops),
            row('rate during the noise', 'times', ({ rateIn }) => rateIn['noise']),
            row('parameters in the end', '', ({ parameters }) => parameters),
          ]
        : []),
    ]
  })
}

const shareOf = (counts: Readonly<Record<string, number>>, name: string): number =>
  (counts[name] ?? 0) /
  Math.max(
    1,
    Object.values(counts).reduce((a, b) => a + b, 0),
  )

function checksOf(found: Lives): BenchmarkCheck[] {
  const lives = (arm: string): readonly Life[] => found.get(arm) ?? []
  const best = bestPair(found)
  const isAtEdge = [[shares, best.share] as const, [rates, best.rate] as const].some(
    ([all, one]) => one === all[0] || one === all.at(-1),
  )
  const own = meanOf(lives(steered), objectiveOf)
  const bestFixed = meanOf(lives(pairOf(best)), objectiveOf)
  const flopsOf = (arm: string): number => meanOf(lives(arm), ({ flops }) => flops)
  /** Steps from the first time that nothing more could be done to the growth after it; the whole life for never. */
  const delays = lives(growing).map(({ saturatedAt, growths }) => {
    const grown = saturatedAt === null ? undefined : growths.find((step) => step > saturatedAt)
    return grown === undefined ? long.steps * segmentsOfLife : grown - (saturatedAt ?? 0)
  })
  return [
    atMost(
      `the best fixed pair (${pairOf(best)}) lies at the edge of the grid: 1 for yes`,
      isAtEdge ? 1 : 0,
      0,
    ),
    atMost('forgetAtMost less the best fixed pair, bits/byte', own - bestFixed, 0),
    atMost(
      'operations of forgetAtMost, relative to the best fixed pair',
      flopsOf(steered) / flopsOf(pairOf(best)),
      1.001,
    ),
    atMost(
      'share of its operations that measures',
      meanOf(lives(steered), ({ probeFlops, flops }) => probeFlops / flops),
      0.03,
    ),
    atMost(
      'most forgotten of a domain in the end, bits/byte',
      meanOf(lives(steered), mostForgotten),
      chosen.epsilon + 0.01,
    ),
    atLeast(
      'control: knobs held at their means less forgetAtMost, bits/byte',
      meanOf(lives(atMeans), objectiveOf) - own,
      0,
    ),
    atLeast(
      'control: factors of other domains less forgetAtMost, bits/byte',
      meanOf(lives(shuffled), objectiveOf) - own,
      0,
    ),
    atMost(
      'share of old rows learnt during the noise',
      meanOf(lives(steered), ({ oldRowsIn }) => shareOf(oldRowsIn, 'noise')),
      1 / 6,
    ),
    atMost('too small: steps from where nothing else helps to growth', Math.max(...delays), 1000),
    atMost(
      'too small, grown: most forgotten in the end, bits/byte',
      meanOf(lives(growing), mostForgotten),
      chosen.epsilon + 0.01,
    ),
    atLeast(
      'control: too small, not grown: the same',
      meanOf(lives(without), mostForgotten),
      chosen.epsilon + 0.01,
    ),
  ]
}

function said(life: Life): string {
  const { flops, forgotten, growths, saturatedAt } = life
  const most = Object.keys(forgotten).length > 0 ? `, ${mostForgotten(life).toFixed(3)} forgotten` : ''
  const stop =
    saturatedAt === null ? '' : `, nothing more to do at ${saturatedAt}, growths at ${growths.join(' ')}`
  return `${objectiveOf(life).toFixed(4)} bits/byte, ${(flops / 1e12).toFixed(3)} TFLOP${most}${stop}`
}
