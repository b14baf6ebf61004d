/**
 * `npm run bench -- choice --data DIR [--seeds N] [--lives FILE]`: whether it pays to try several ways to learn on the
 * way. A byte GPT reads six segments (English, German, English again, noise, facts told once, Shakespeare) with each
 * of five arms fixed, with trials that choose among them (`chooseAmong`), and with an arm drawn by lot as often as a
 * trial is due. Judged by the mean of the loss before learning, over the segments, and of the loss in the end on
 * held-out text of every domain. All lives hold the same rows back, and what trials take is counted by the op table.
 *
 * Controls: arms that are equal, one of them by another name for a penalty that nothing has, must tie to the bit and
 * be the life without a choice; an arm of a tenth of the rate, in trials that switch nothing, must win where weights
 * are judged as they are, which shows the bias of short trials, and not where they are averaged.
 *
 * Sizes of trials, learning rate and arms were chosen on the stream `tuning` of `segments.ts` with seeds 11 to 16. DIR holds
 * `genesis-english-web.txt`, `genesis-german.txt` and `tinyshakespeare.txt`.
 */
import {
  atLeast,
  atMost,
  type Benchmark,
  type BenchmarkCheck,
  type BenchmarkRow,
  mean,
} from '../benchmark.ts'
import {
  type Arms,
  type ChoosingOutcome,
  choosingLife,
  objectiveOf,
  sizes,
  type Steering,
} from './choosing-life.ts'
import { segmentedStream } from './segments.ts'

const arms: Arms = {
  usual: {},
  slower: { rate: 1 / 3 },
  faster: { rate: 3 },
  'no rehearsal': { rehearsalShare: 0 },
  'more rehearsal': { rehearsalShare: 3 },
}
const [every, steps, rivals, rate] = [400, 20, 1, 1e-3]
/** What the six seeds before it came to was known when the way of choosing was changed for the last time. */
const firstSeed = 7
const placebo: Arms = { usual: {}, 'the same': {}, 'the same by another name': { penalty: 3 } }
/** Trials of 20 steps whose outcome changes nothing, at a rate at which the weights are noisy. */
const rateOfBias = 4e-3
const biased = (averaged: boolean): Steering => ({
  kind: 'chosen',
  options: {
    ...{ arms: { usual: {}, tenth: { rate: 0.1 } }, every: 80, steps: 20 },
    judge: { averaged, significance: 1e9 },
  },
})

const [chosen, drawn, equal] = ['chosen by trials', 'drawn by lot', 'chosen among equal arms']
const [plain, averaged] = [
  'a tenth of the rate, weights as they are',
  'a tenth of the rate, weights averaged',
]
const fixedArms = Object.keys(arms)
const lives: Readonly<Record<string, Steering>> = {
  [chosen]: { kind: 'chosen', options: { arms, every, steps, rivals } },
  ...Object.fromEntries(
    fixedArms.map((name): [string, Steering] => [name, { kind: 'fixed', arms: { [name]: arms[name] } }]),
  ),
  [drawn]: { kind: 'drawn', arms, every },
  [equal]: { kind: 'chosen', options: { arms: placebo, every, steps } },
  [plain]: biased(false),
  [averaged]: biased(true),
}

export const choice: Benchmark = async ({ data, quick, seeds, note, once }) => {
  const found = new Map<string, ChoosingOutcome[]>()
  const ofSegment = quick ? 40 : 350
  for (let seed = firstSeed; seed < firstSeed + (quick ? 1 : seeds); seed++) {
    const stream = segmentedStream('choice', data, { seed, ...sizes, steps: ofSegment, stream: 'reported' })
    for (const [name, steering] of Object.entries(lives)) {
      const outcome = await once(`seed ${seed}, ${name}`, () =>
        choosingLife(stream, steering, {
          ...{ seed, steps: ofSegment, rate: name === plain || name === averaged ? rateOfBias : rate },
        }),
      )
      note(`seed ${seed}, ${name}: ${objectiveOf(outcome).toFixed(4)} bits/byte`)
      found.set(name, [...(found.get(name) ?? []), outcome])
    }
  }
  const of = (name: string): readonly ChoosingOutcome[] => found.get(name) ?? []
  return {
    rows: Object.keys(lives).flatMap((name) => rowsOf(name, of(name))),
    checks: quick ? [] : checksOf(of),
  }
}

function rowsOf(name: string, outcomes: readonly ChoosingOutcome[]): BenchmarkRow[] {
  const row = (metric: string, values: readonly number[], unit: string): BenchmarkRow => ({
    ...{ case: name, metric, value: mean(values), values, unit },
  })
  const losses = (of: (outcome: ChoosingOutcome) => number, metric: string): BenchmarkRow =>
    row(metric, outcomes.map(of), 'bits/byte')
  const judged = [
    losses(objectiveOf, 'mean of both'),
    losses(({ segments }) => mean(segments), 'before learning, mean over the segments'),
    losses(({ heldOut }) => mean(Object.values(heldOut)), 'held-out text in the end, mean over the domains'),
  ]
  const operations = row(
    'operations',
    outcomes.map(({ operations: all }) => all / 1e12),
    'TFLOP',
  )
  if (outcomes.every(({ trials }) => trials.length === 0)) return [...judged, operations]
  return [
    ...judged,
    operations,
    row(
      'trials',
      outcomes.map(({ trials }) => trials.length),
      '',
    ),
    row('operations of trials, as a share of the others', outcomes.map(overheadOf), ''),
    ...(name === plain || name === averaged
      ? [0, 2].map((errors) =>
          row(
            `trials that a tenth of the rate wins, beyond ${errors} standard errors`,
            sharesWon(outcomes, errors),
            '',
          ),
        )
      : []),
  ]
}

const overheadOf = ({ operations, ofTrials }: ChoosingOutcome): number => ofTrials / (operations - ofTrials)

/** Share of the trials in which the second arm was better by so many standard errors. */
const sharesWon = (outcomes: readonly ChoosingOutcome[], errors: number): number[] =>
  outcomes.map(({ trials }) => {
    const won = trials.filter(
      ({
        outcome: {
          arms: [, { gain, error }],
        },
      }) => gain > errors * error,
    )
    return won.length / trials.length
  })

function checksOf(of: (name: string) => readonly ChoosingOutcome[]): BenchmarkCheck[] {
  const meanOf = (name: string): number => mean(of(name).map(objectiveOf))
  const fixed = fixedArms.map(meanOf)
  const [best, usual] = [Math.min(...fixed), mean(fixed)]
  const most = (values: readonly number[]): number => Math.max(...values)
  return [
    atLeast('better than the mean fixed arm, as a share', 1 - meanOf(chosen) / usual, 0.03),
    atMost('worse than the best arm in hindsight, as a share', meanOf(chosen) / best - 1, 0.01),
    atMost(
      'operations of trials, as a share of the others, most of the seeds',
      most(of(chosen).map(overheadOf)),
      0.12,
    ),
    atLeast(
      'control: drawn by lot, worse than the mean fixed arm, as a share',
      meanOf(drawn) / usual - 1,
      0.01,
    ),
    atMost(
      'equal arms: the largest difference of two in a trial, bits',
      most(
        of(equal).flatMap(({ trials }) =>
          trials.flatMap(({ outcome }) => outcome.arms.map(({ gain }) => Math.abs(gain))),
        ),
      ),
      0,
    ),
    atMost(
      'equal arms: trials after which another arm goes on, the placebo among them',
      of(equal).flatMap(({ trials }) => trials.filter(({ goesOn }) => goesOn !== 'usual')).length,
      0,
    ),
    atMost(
      'equal arms: difference from the life without a choice, bits/byte',
      most(of(equal).map((life, seed) => Math.abs(objectiveOf(life) - objectiveOf(of('usual')[seed])))),
      0,
    ),
    atLeast(
      'control: share of trials in which a tenth of the rate has the lower loss, weights as they are',
      mean(sharesWon(of(plain), 0)),
      0.5,
    ),
    atLeast(
      'control: share that it wins beyond two standard errors, weights as they are, over that of averaged ones',
      mean(sharesWon(of(plain), 2)) / Math.max(mean(sharesWon(of(averaged), 2)), 0.01),
      2,
    ),
    atMost(
      'share that a tenth of the rate wins beyond two standard errors, weights averaged',
      mean(sharesWon(of(averaged), 2)),
      0.1,
    ),
  ]
}
