/**
 * `npm run bench -- first-life [--data DIR] [--seeds N]`: what every part of the default life is worth. The
 * same start model lives the same text with each part alone, with all of them, and as large from the start as
 * it would grow; on the default stream and, with `--data`, on texts of other kinds.
 */
import { type DomainText, domainChunks, firstLifeBytes, firstLifeSettings, defaultStream } from 'burgeon/demo'
import {
  buildLearner,
  driftAlarms,
  emptyRecord,
  evaluationsOf,
  type Life,
  type LifeSettings,
  consume,
} from 'burgeon/session'
import { profileAsync } from '@burgeon/tensor'
import { atLeast, atMost, type Benchmark, type BenchmarkRow, mean, worseBeyondSeeds } from '../benchmark.ts'
import { otherStreams } from './other-streams.ts'

/** Numbers of one life. */
interface Outcome {
  /** Mean held-out loss of all domains at the end, in bits per byte. */
  readonly final: number
  /** Mean loss of all bytes before they were learnt. */
  readonly prequential: number
  /** Mean rise of a domain's loss from when it was learnt to the end. */
  readonly forgetting: number
  readonly parameters: number
  readonly teraflops: number
  readonly noticed: number
  readonly changes: number
  readonly falseAlarms: number
}

const none = { memoryRows: 0, protection: 0, plateau: 0, vocabulary: 256 }
const replay = { protection: 0, plateau: 0, vocabulary: 256 }
const theDefault = 'the default: replay, growth, vocabulary'

/** The size that the default model has grown to by the end of the default stream. */
const grownSizes = { context: 64, embed: 96, heads: 3, layers: 3, mlpHidden: 288 }

/** Settings of each life that differ from the default. */
const arms: Readonly<Record<string, Partial<LifeSettings>>> = {
  'naive fine-tuning': none,
  'EWC alone': { ...none, protection: 5 },
  'growth alone': { ...none, plateau: 250 },
  'vocabulary alone': { ...none, vocabulary: 1536 },
  'replay alone': replay,
  'replay + EWC': { ...replay, protection: 5 },
  'replay + growth': { vocabulary: 256 },
  'replay, as large from the start': {
    ...replay,
    model: grownSizes,
  },
  'replay + vocabulary': { plateau: 0 },
  'replay + vocabulary, as large from the start': { plateau: 0, model: grownSizes },
  [theDefault]: {},
  'the default + EWC': { protection: 5 },
}

/** The default without each of its parts. */
const withoutPart: Readonly<Record<string, string>> = {
  replay: 'vocabulary alone',
  growth: 'replay + vocabulary',
  vocabulary: 'replay + growth',
}

const measures = [
  'final',
  'prequential',
  'forgetting',
  'parameters',
  'teraflops',
  'noticed',
  'falseAlarms',
] as const
const units: Readonly<Record<(typeof measures)[number], string>> = {
  final: 'bits/byte',
  prequential: 'bits/byte',
  forgetting: 'bits/byte',
  parameters: '',
  teraflops: 'TFLOP',
  noticed: 'changes',
  falseAlarms: 'alarms',
}

export const firstLife: Benchmark = async ({ quick, seeds, data, note }) => {
  const bytes = firstLifeBytes(quick)
  const streams = {
    checkout: await defaultStream({ root: process.cwd(), ...bytes }),
    ...(data === undefined ? {} : otherStreams(data, bytes)),
  }
  const rows: BenchmarkRow[] = []
  const checks = []
  for (const [text, domains] of Object.entries(streams)) {
    const outcomes: Record<string, Outcome[]> = {}
    for (let seed = 0; seed < seeds; seed++) {
      for (const [arm, change] of Object.entries(arms)) {
        const outcome = await lived({ ...firstLifeSettings(seed, quick), ...change }, domains)
        note(`${text}, seed ${seed}, ${arm}: ${said(outcome)}`)
        outcomes[arm] = [...(outcomes[arm] ?? []), outcome]
      }
    }
    rows.push(...Object.entries(outcomes).flatMap(([arm, lives]) => rowsOf(`${text}, ${arm}`, lives)))
    checks.push(...checksOf(text, outcomes))
  }
  return { rows, checks: quick ? [] : checks }
}

function rowsOf(about: string, lives: readonly Outcome[]): BenchmarkRow[] {
  return measures.map((metric) => {
    const values = lives.map((life) => life[metric])
    return { case: about, metric, value: mean(values), values, unit: units[metric] }
  })
}

function checksOf(text: string, outcomes: Readonly<Record<string, readonly Outcome[]>>) {
  const own = outcomes[theDefault]
  const others = Object.entries(outcomes).filter(([arm]) => arm !== theDefault)
  const finalOf = (lives: readonly Outcome[]): number => mean(lives.map(({ final }) => final))
  const best = Math.min(...others.map(([, lives]) => finalOf(lives)))
  const forgotten = (arm: string): number => mean(outcomes[arm].map(({ forgetting }) => forgetting))
  return [
    atMost(`${text}: final loss of the default less that of the best other life`, finalOf(own) - best, 0),
    ...Object.entries(withoutPart).map(([part, arm]) =>
      worseBeyondSeeds(
        `${text}: final loss without ${part} above that with it`,
        outcomes[arm].map(({ final }) => final),
        own.map(({ final }) => final),
      ),
    ),
    atMost(
      `${text}: forgetting, replay alone less naive`,
      forgotten('replay alone') - forgotten('naive fine-tuning'),
      0,
    ),
    atLeast(
      `${text}: share of changes noticed within 8,192 bytes by the default`,
      mean(own.map(({ noticed, changes }) => noticed / changes)),
      1,
    ),
    atMost(
      `${text}: false alarms per life of the default`,
      mean(own.map(({ falseAlarms }) => falseAlarms)),
      1,
    ),
  ]
}

async function lived(settings: LifeSettings, domains: readonly DomainText[]): Promise<Outcome> {
  const learner = buildLearner(settings)
  const life: Life = { settings, learner, record: emptyRecord(learner.model.parameters.size) }
  let [bits, bytes] = [0, 0]
  const { profile } = await profileAsync(
    () =>
      consume(life, domainChunks(domains), {
        heldOut: domains.map(({ name, heldOut }) => ({ name, bytes: heldOut })),
        measureEvery: Infinity,
        onStep: (report) => {
          bits += report.bitsPerByte * report.bytes
          bytes += report.bytes
        },
        betweenSteps: () => Promise.resolve(),
        stop: new AbortController().signal,
      }),
    { events: 0 },
  )
  const matrix = evaluationsOf(life.record.measurements)
  const alarms = driftAlarms(life.record, true)
  const noticed = alarms.filter(({ verdict }) => verdict === 'true-change').length
  const { size: parameters } = learner.model.parameters
  learner.dispose()
  learner.model.dispose()
  return {
    final: matrix.finalMean() ?? Number.NaN,
    prequential: bits / bytes,
    forgetting: matrix.forgetting('whenLearnt') ?? Number.NaN,
    parameters,
    teraflops: profile.total.flops / 1e12,
    noticed,
    changes: life.record.spans.length - 1,
    falseAlarms: alarms.length - noticed,
  }
}

function said({
  final,
  forgetting,
  prequential,
  parameters,
  teraflops,
  noticed,
  changes,
  falseAlarms,
}: Outcome): string {
  return (
    `final ${final.toFixed(3)}, prequential ${prequential.toFixed(3)}, forgetting ${forgetting.toFixed(3)} bits/byte, ` +
    `${parameters} parameters, ${teraflops.toFixed(3)} TFLOP, ${noticed} of ${changes} changes, ${falseAlarms} false alarms`
  )
}
