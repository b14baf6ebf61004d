/**
 * `npm run bench -- overhead`: what the parts of a learner cost in time of a step, on a byte GPT and a
 * classifier. The yardstick is a loop by hand of the same gradients and updates, and for the parts a learner
 * without any; all steps of a round follow each other in one process, on one thread. Replay learns as many rows
 * as the learner without it, half of them old.
 *
 * A share is the median of those of many rounds, by processor time. Beside it stands the share of the least
 * times by the clock: where the two are far apart the machine was not quiet, and the run says little.
 */
import { mkdtempSync, openSync, rmSync, writeSync, closeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  adaptiveWindowing,
  byteShift,
  darkReplay,
  jsonlSink,
  learningWithoutForgetting,
  memoryAwareSynapses,
  type Model,
  type ModelStrategy,
  onlineEwc,
  pageHinkley,
  recordOf,
  reservoirReplay,
  type StrategyOf,
  synapticIntelligence,
  watching,
} from '@burgeon/continual'
import type { Gpt } from '@burgeon/gpt'
import { openWasm } from '@burgeon/tensor/wasm'
import { atMost, type Benchmark, type BenchmarkCheck, type BenchmarkRow } from '../benchmark.ts'
import { type Beside, byHand, byLearner, bytes, examples, type Stepping, type Subject } from './subjects.ts'

/** Steps before time counts; penalties consolidate in them. */
const warmUp = 8
const consolidateWhen = ({ step }: { readonly step: number }): boolean => step === 4

/** A strategy that any model can follow, with the part of its step that may be its own at most. */
interface Measured {
  readonly strategy: () => ModelStrategy
  readonly fresh?: number
  /** Share of a step that it may add; there is no target where none is given. */
  readonly atMost?: number
}

const measured: Readonly<Record<string, Measured>> = {
  'synaptic intelligence': {
    strategy: () => ({ penalties: [synapticIntelligence({ strength: 1 })], consolidateWhen }),
    atMost: 0.05,
  },
  'memory aware synapses': {
    strategy: () => ({ penalties: [memoryAwareSynapses({ strength: 1e-3 })], consolidateWhen }),
    atMost: 0.05,
  },
  'online EWC': { strategy: () => ({ penalties: [onlineEwc({ strength: 1 })], consolidateWhen }) },
  'learning without forgetting': {
    strategy: () => ({ penalties: [learningWithoutForgetting({ strength: 1 })], consolidateWhen }),
  },
  'replay, half of the rows': {
    strategy: () => ({ rehearsal: reservoirReplay({ capacity: 500 }) }),
    fresh: 0.5,
    atMost: 0.05,
  },
  'DER++, half of the rows': {
    strategy: () => ({ rehearsal: darkReplay({ capacity: 100, share: 0.5 }) }),
    fresh: 0.5,
  },
  'Page–Hinkley and ADWIN on the loss': {
    strategy: () => ({
      detector: pageHinkley(),
      detectors: [watching(({ bitsPerByte }) => bitsPerByte, adaptiveWindowing())],
    }),
    atMost: 0.02,
  },
}
const [hand, empty, sinks] = ['loop by hand', 'no parts', 'records of every step, JSON lines in a file']

export const overhead: Benchmark = async ({ quick, note }) => {
  const device = openWasm({ threads: 1 })
  const folder = mkdtempSync(join(tmpdir(), 'burgeon-overhead-'))
  const file = openSync(join(folder, 'records.jsonl'), 'w')
  const sink = jsonlSink({ write: (data) => void writeSync(file, data) })
  const recorded: Beside<Model>['report'] = (report) => sink.write(recordOf(report))
  const rounds = quick ? 30 : 150
  try {
    const ofBytes = steppings(bytes(device, quick), recorded)
    ofBytes['watch of the bytes'] = byLearner<Gpt>(bytes(device, quick), {
      strategy: { watches: [byteShift()] },
    })
    const found = [
      await timed('byte GPT', ofBytes, rounds, note),
      await timed('classifier', steppings(examples(device, quick), recorded), rounds, note),
    ]
    return {
      rows: found.flatMap(({ rows }) => rows),
      // What is so small that a step takes no time says nothing of shares.
      checks: quick ? [] : found.flatMap(({ checks }) => checks),
    }
  } finally {
    await sink.close()
    closeSync(file)
    rmSync(folder, { recursive: true })
  }
}

/** All that is measured on one subject. */
function steppings<M extends Model>(
  subject: Subject<M>,
  report: Beside<M>['report'],
): Record<string, Stepping> {
  const own: Record<string, Stepping> = {
    [hand]: byHand(subject),
    [empty]: byLearner(subject, { strategy: {} as StrategyOf<M> }),
    [sinks]: byLearner(subject, { strategy: {} as StrategyOf<M>, ...(report && { report }) }),
  }
  for (const [name, { strategy, fresh }] of Object.entries(measured)) {
    own[name] = byLearner(subject, { strategy: strategy() as StrategyOf<M>, ...(fresh && { fresh }) })
  }
  return own
}

/** Milliseconds of one step, by the clock and of the processor. */
interface Times {
  readonly wall: number[]
  readonly cpu: number[]
}

async function timed(
  subject: string,
  all: Readonly<Record<string, Stepping>>,
  rounds: number,
  note: (line: string) => void,
): Promise<{ rows: BenchmarkRow[]; checks: BenchmarkCheck[] }> {
  const times = Object.fromEntries(
    Object.keys(all).map((name): [string, Times] => [name, { wall: [], cpu: [] }]),
  )
  const names = Object.keys(all)
  for (let round = -warmUp; round < rounds; round++) {
    // Whoever comes first in a round finds caches as the last one left them: places change.
    const from = (round + warmUp) % names.length
    for (const name of [...names.slice(from), ...names.slice(0, from)]) {
      const [wall, cpu] = [performance.now(), process.cpuUsage()]
      await all[name].step()
      if (round < 0) continue
      const { user, system } = process.cpuUsage(cpu)
      times[name].wall.push(performance.now() - wall)
      times[name].cpu.push((user + system) / 1000)
    }
  }
  for (const each of Object.values(all)) each.dispose()
  note(`${subject}: ${rounds} rounds`)
  const rows: BenchmarkRow[] = []
  const checks: BenchmarkCheck[] = []
  for (const name of names) {
    const base = name === empty ? hand : empty
    const least = Math.min(...times[name].wall)
    rows.push({ case: `${subject}, ${name}`, metric: 'step, least', value: least, unit: 'ms' })
    if (name === hand) continue
    const share = least / Math.min(...times[base].wall) - 1
    const byCpu = median(times[name].cpu.map((own, round) => own / times[base].cpu[round])) - 1
    rows.push(
      { case: `${subject}, ${name}`, metric: `above ${base}, least times`, value: 100 * share, unit: '%' },
      { case: `${subject}, ${name}`, metric: `above ${base}, processor time`, value: 100 * byCpu, unit: '%' },
    )
    const target = name === empty || name === sinks ? 0.02 : measured[name]?.atMost
    if (target !== undefined) {
      checks.push(atMost(`${subject}, ${name}: above ${base}, %`, 100 * byCpu, 100 * target))
    }
  }
  return { rows, checks }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
