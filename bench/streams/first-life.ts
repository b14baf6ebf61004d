/**
 * What protecting and growing are worth on the default stream: the same start model lives the same text three times,
 * as naive fine-tuning, with replay and EWC, and with growth on top.
 */
import {
  buildLearner,
  defaultStream,
  domainChunks,
  domainMatrix,
  driftAlarms,
  emptyRecord,
  firstLifeBytes,
  firstLifeSettings,
  forgettingRows,
  type Life,
  type LifeSettings,
  live,
} from 'burgeon/life'
import { atMost, type Benchmark, type BenchmarkRow } from '../benchmark.ts'

/** A true change counts as noticed only if the alarm comes within so many bytes of it. */
const delayBound = 8192

interface Outcome {
  readonly forgetting: number
  readonly finalMean: number
  readonly parameters: number
  readonly changes: number
  readonly delays: readonly number[]
  readonly falseAlarms: number
}

const arms = {
  'naive fine-tuning': { memoryRows: 0, protection: 0, plateau: 0 },
  'replay + EWC': { plateau: 0 },
  'replay + EWC + growth': {},
} satisfies Record<string, Partial<LifeSettings>>

export const firstLife: Benchmark = async ({ quick, seeds, note }) => {
  const domains = await defaultStream({ root: process.cwd(), ...firstLifeBytes(quick) })
  const outcomes: Record<string, Outcome[]> = {}
  for (let seed = 0; seed < seeds; seed++) {
    for (const [arm, change] of Object.entries(arms)) {
      const outcome = await lived({ ...firstLifeSettings(seed, quick), ...change }, domains)
      note(
        `seed ${seed}, ${arm}: forgetting ${outcome.forgetting.toFixed(3)}, final mean ${outcome.finalMean.toFixed(3)} ` +
          `bits/byte, ${outcome.parameters} parameters, alarms after ${outcome.delays.join(' and ')} bytes, ` +
          `${outcome.falseAlarms} false`,
      )
      outcomes[arm] = [...(outcomes[arm] ?? []), outcome]
    }
  }
  const naive = outcomes['naive fine-tuning']
  const fixed = outcomes['replay + EWC']
  const grown = outcomes['replay + EWC + growth']
  const rows: BenchmarkRow[] = Object.entries(outcomes).flatMap(([arm, all]) => [
    row(arm, 'mean forgetting', mean(all, 'forgetting'), 'bits/byte', mean(naive, 'forgetting')),
    row(arm, 'final mean', mean(all, 'finalMean'), 'bits/byte', mean(naive, 'finalMean')),
    { case: arm, metric: 'parameters', value: mean(all, 'parameters'), unit: '' },
    {
      case: arm,
      metric: 'largest delay',
      value: Math.max(...all.flatMap(({ delays }) => delays)),
      unit: 'bytes',
    },
    { case: arm, metric: 'changes noticed', value: noticed(all), unit: `of ${all[0].changes} per life` },
    { case: arm, metric: 'false alarms', value: mean(all, 'falseAlarms'), unit: 'per life' },
  ])
  const everything = Object.values(outcomes).flat()
  return {
    rows,
    checks: [
      atMost(
        'forgetting, replay + EWC over naive',
        mean(fixed, 'forgetting') / mean(naive, 'forgetting'),
        1 / 3,
      ),
      atMost('final mean, growth minus fixed (worst seed)', worst(grown, fixed), -1e-9),
      atMost(
        'largest delay of a true alarm, bytes',
        Math.max(...everything.flatMap(({ delays }) => delays)),
        delayBound,
      ),
    ],
  }
}

async function lived(
  settings: LifeSettings,
  domains: Awaited<ReturnType<typeof defaultStream>>,
): Promise<Outcome> {
  const learner = buildLearner(settings)
  const life: Life = { settings, learner, record: emptyRecord(learner.model.parameters.size) }
  await live(life, domainChunks(domains), {
    heldOut: domains.map(({ name, heldOut }) => ({ name, bytes: heldOut })),
    measureEvery: Infinity,
    onStep: () => {},
    betweenSteps: () => Promise.resolve(),
    stop: new AbortController().signal,
  })
  const { measurements, spans } = life.record
  const forgotten = forgettingRows(measurements)
    .slice(0, -1)
    .map(({ whenLearnt, atEnd }) => atEnd - whenLearnt)
  const final = domainMatrix(measurements).rows.at(-1)?.values ?? []
  const alarms = driftAlarms(life.record, true)
  const timely = alarms.filter(
    ({ verdict, delayBytes }) => verdict === 'true-change' && (delayBytes ?? 0) <= delayBound,
  )
  const parameters = learner.model.parameters.size
  learner.model.dispose()
  return {
    forgetting: average(forgotten),
    finalMean: average(final.map((value) => value ?? Number.NaN)),
    parameters,
    changes: spans.length - 1,
    delays: timely.map(({ delayBytes }) => delayBytes ?? 0),
    falseAlarms: alarms.length - timely.length,
  }
}

function row(arm: string, metric: string, value: number, unit: string, naive: number): BenchmarkRow {
  const isNaive = arm === 'naive fine-tuning'
  if (isNaive) return { case: arm, metric, value, unit }
  return { case: arm, metric, value, unit, peer: 'naive fine-tuning', peerValue: naive, ratio: naive / value }
}

/** True changes that raised an alarm in time, per life. */
function noticed(outcomes: readonly Outcome[]): number {
  return average(outcomes.map(({ delays }) => delays.length))
}

function worst(grown: readonly Outcome[], fixed: readonly Outcome[]): number {
  return Math.max(...grown.map(({ finalMean }, seed) => finalMean - fixed[seed].finalMean))
}

function mean(
  outcomes: readonly Outcome[],
  key: 'forgetting' | 'finalMean' | 'parameters' | 'falseAlarms',
): number {
  return average(outcomes.map((outcome) => outcome[key]))
}

function average(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0) / numbers.length
}
