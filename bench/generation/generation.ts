/**
 * `npm run bench -- generation`: tokens and prompts, ours and the peers' in turn, each in a process of its own.
 * Check, then time, then ratio: what a library makes of the same weights is compared before it is timed.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { atLeast, atMost, type Benchmark, type BenchmarkCheck, type BenchmarkRow } from '../benchmark.ts'
import type { ModelFiles } from '../peers/generation/writer.ts'
import { median } from '../peers/peer.ts'
import { candidates, type Contestant } from './contestants.ts'
import { writeModelFiles } from './model-files.ts'
import { costOfChoosing } from './choosing.ts'
import { gpt2Small, type Shape, stories260K } from './shapes.ts'

const batches = [1, 8]
const promptLength = 64
/** Log-probabilities that lie apart by more are a mistake; llama.cpp rounds inside activations to half precision. */
const tolerances = { usual: 1e-3, llamaCpp: 1e-2 }

/** How many times as fast as with single floats a token must be. */
const packedBounds: Readonly<Record<string, number>> = { bf16: 1.6, int8: 2.3, int4: 3.5 }

/** All times of one contestant at one size of the batch. */
interface Times {
  readonly prompts: number[]
  readonly promptCpus: number[]
  readonly steps: number[]
  readonly stepCpus: number[]
}

interface Measured {
  readonly contestant: Contestant
  readonly times: ReadonlyMap<number, Times>
}

export const generation: Benchmark = async ({ quick, note }) => {
  const rows: BenchmarkRow[] = []
  const checks: BenchmarkCheck[] = []
  const folder = mkdtempSync(join(tmpdir(), 'burgeon-generation-'))
  const threads = [...new Set(quick ? [1] : [1, availableParallelism()])]
  try {
    for (const shape of quick ? [stories260K] : [stories260K, gpt2Small]) {
      note(`${shape.name}: writing its files`)
      const files = writeModelFiles(shape, join(folder, shape.kind))
      for (const count of threads) {
        // A round of the large shape takes a minute and a half.
        const rounds = quick || shape === gpt2Small ? 2 : 5
        const result = await compare(shape, files, count, rounds, note)
        rows.push(...result.rows)
        checks.push(...result.checks)
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const choosing = costOfChoosing()
  return { rows: [...rows, ...choosing.rows], checks: [...checks, ...choosing.checks] }
}

async function compare(
  shape: Shape,
  files: ModelFiles,
  threads: number,
  rounds: number,
  note: (line: string) => void,
): Promise<{ rows: BenchmarkRow[]; checks: BenchmarkCheck[] }> {
  const about = `${shape.name}, ${threads === 1 ? 'one thread' : `${threads} threads`}`
  const contestants: Contestant[] = []
  const missing: BenchmarkRow[] = []
  const checks: BenchmarkCheck[] = []
  const settings = { shape, files, threads, batch: Math.max(...batches) }
  try {
    const few = Array.from({ length: 12 }, (_, i) => 97 + ((7 * i) % 26))
    let ours: Float32Array | undefined
    for (const candidate of candidates) {
      try {
        const contestant = await candidate.open(settings)
        contestants.push(contestant)
        const got = await contestant.logProbabilities(few)
        ours ??= got
        checks.push(...logitChecks(about, contestant, got, ours))
        note(`${about}: ${contestant.name} is there after ${contestant.opened.toFixed(0)} ms`)
      } catch (error) {
        if (candidate.kind === 'ours') throw error
        const [why] = String(error).split('\n')
        note(`${about}: ${candidate.name} is missing: ${why}`)
        const unit = `(${candidate.install}: ${why})`
        missing.push({ case: `${about}, ${candidate.name}`, metric: 'missing', value: 0, unit })
      }
    }
    const measured = contestants.map((contestant) => ({
      contestant,
      times: new Map(batches.map((batch) => [batch, emptyTimes()])),
    }))
    // The first round warms up.
    for (let round = 0; round <= rounds; round++) {
      for (const { contestant, times } of measured) {
        for (const batch of batches) await measure(contestant, times.get(batch), batch, round > 0)
      }
      note(`${about}: round ${round} of ${rounds}`)
    }
    return {
      rows: [...rowsOf(about, measured), ...missing],
      checks: [...checks, ...speedChecks(about, shape, threads, measured)],
    }
  } finally {
    for (const contestant of contestants) contestant.close()
  }
}

const emptyTimes = (): Times => ({ prompts: [], promptCpus: [], steps: [], stepCpus: [] })

async function measure(
  contestant: Contestant,
  times: Times | undefined,
  batch: number,
  isKept: boolean,
): Promise<void> {
  const prompts = Array.from({ length: batch }, (_, row) =>
    Array.from({ length: promptLength }, (_, i) => 97 + ((7 * i + 3 * row + Math.floor(i / 5)) % 26)),
  )
  const timing = await contestant.write(prompts, batch === 1 ? 17 : 9)
  if (!isKept || times === undefined) return
  times.prompts.push(timing.prompt)
  times.promptCpus.push(timing.promptCpu)
  times.steps.push(...timing.steps)
  times.stepCpus.push(timing.stepCpu)
}

function logitChecks(
  about: string,
  { name, kind }: Contestant,
  got: Float32Array,
  ours: Float32Array,
): BenchmarkCheck[] {
  // How far packed weights are from the model is shown elsewhere, by losses.
  if (kind === 'ours' || kind === 'packed') return []
  const told = [...got.keys()].filter((token) => !Number.isNaN(got[token]))
  const apart = Math.max(...(told.length === 0 ? [Infinity] : []), ...blocks(told, got, ours))
  const tolerance = /llama/.test(name) ? tolerances.llamaCpp : tolerances.usual
  return [atMost(`${about}: log-probabilities of ${name} and ours lie apart by`, apart, tolerance)]
}

/** The largest distances of some thousand tokens at a time, for `Math.max` takes only so many. */
function blocks(told: readonly number[], got: Float32Array, ours: Float32Array): number[] {
  const size = 4096
  return Array.from({ length: Math.ceil(told.length / size) }, (_, i) =>
    Math.max(...told.slice(i * size, (i + 1) * size).map((token) => Math.abs(got[token] - ours[token]))),
  )
}

/** What is told of a list of times. */
const figures = {
  min: (times: Times, what: 'step' | 'prompt') => Math.min(...times[`${what}s`]),
  median: (times: Times, what: 'step' | 'prompt') => median(times[`${what}s`]),
  'processor time, min': (times: Times, what: 'step' | 'prompt') => Math.min(...times[`${what}Cpus`]),
}

function rowsOf(about: string, measured: readonly Measured[]): BenchmarkRow[] {
  const [ours, ...peers] = measured
  const rows: BenchmarkRow[] = []
  const beside = (name: string, metric: string, of: (one: Measured) => number): void => {
    const value = of(ours)
    const row = { case: `${about}, ${name}`, metric, value, unit: 'ms' }
    if (peers.length === 0) rows.push(row)
    for (const peer of peers) {
      const peerValue = of(peer)
      rows.push({ ...row, peer: peer.contestant.name, peerValue, ratio: peerValue / value })
    }
  }
  for (const what of ['step', 'prompt'] as const) {
    for (const batch of batches) {
      for (const [metric, figure] of Object.entries(figures)) {
        const name = what === 'step' ? `a token, batch ${batch}` : `prompt of ${promptLength}, batch ${batch}`
        beside(name, metric, ({ times }) => figure(times.get(batch) ?? emptyTimes(), what))
      }
    }
  }
  beside('opening', 'once', ({ contestant }) => contestant.opened)
  return rows
}

/** What is promised at the shape of GPT-2 small on one thread, by minima: others may use the machine. */
function speedChecks(
  about: string,
  shape: Shape,
  threads: number,
  measured: readonly Measured[],
): BenchmarkCheck[] {
  if (shape !== gpt2Small || threads !== 1) return []
  const least = ({ times }: Measured, batch: number, what: 'step' | 'prompt'): number =>
    figures.min(times.get(batch) ?? emptyTimes(), what)
  const [ours] = measured
  const llama = measured.filter(({ contestant }) => contestant.name.startsWith('llama.cpp'))
  const javascript = measured.filter(({ contestant }) => contestant.kind === 'JavaScript')
  const own = least(ours, 1, 'step')
  const best = Math.min(...javascript.map((peer) => least(peer, 1, 'step')))
  return [
    ...llama.map((peer) => atMost(`${about}: a token, times llama.cpp's`, own / least(peer, 1, 'step'), 1.2)),
    ...(javascript.length === 0
      ? []
      : [atLeast(`${about}: a token, times as fast as the best in JavaScript`, best / own, 1.15)]),
    ...measured.flatMap((packed) => {
      const format = packed.contestant.name.replace('burgeon, ', '')
      if (packed.contestant.kind !== 'packed') return []
      const times = own / least(packed, 1, 'step')
      return [
        atLeast(`${about}: a token with ${format}, times as fast as with f32`, times, packedBounds[format]),
      ]
    }),
    atMost(`${about}: a step of batch 8, ms`, least(ours, 8, 'step'), 50),
    atMost(`${about}: a prompt of ${promptLength} at batch 8, ms`, least(ours, 8, 'prompt'), 1500),
    atMost(`${about}: opening a folder, ms`, ours.contestant.opened, 3000),
  ]
}
