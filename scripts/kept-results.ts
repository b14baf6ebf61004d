/** The results of benchmarks that are kept, and the commands that make them anew. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchmarkCheck, BenchmarkRow } from '../bench/benchmark.ts'
import { root } from './pack-packages.ts'

/** A file of `bench/results`. */
export interface KeptResult {
  readonly bench: string
  readonly commit: string
  readonly rows: readonly BenchmarkRow[]
  readonly checks: readonly BenchmarkCheck[]
}

/**
 * Arguments of `npm run bench` besides `--json`, by the name of the file. DIR stands for the folder with data
 * sets.
 */
export const keptBenchmarks: Readonly<Record<string, readonly string[]>> = {
  tape: ['tape'],
  'per-example': ['per-example'],
  checkpoint: ['checkpoint'],
  memory: ['memory'],
  meta: ['meta'],
  cluster: ['cluster', '--seeds', '3', '--data', 'DIR'],
  explain: ['explain'],
  drift: ['drift'],
  ops: ['ops'],
  training: ['training'],
  generation: ['generation'],
  serve: ['serve'],
  'mixed-load': ['mixed-load'],
  'growth-cost': ['growth-cost'],
  'first-life': ['first-life', '--seeds', '3'],
  mnist: ['mnist', '--seeds', '3', '--data', 'DIR'],
  shakespeare: ['shakespeare', '--seeds', '3', '--data', 'DIR'],
  growth: ['growth', '--seeds', '3', '--data', 'DIR', '--picture', 'bench/results/growth.svg'],
  'small-start': ['small-start', '--seeds', '3', '--data', 'DIR'],
  where: ['where', '--seeds', '3', '--data', 'DIR'],
  context: ['context', '--seeds', '3', '--data', 'DIR'],
  vocabulary: ['vocabulary', '--seeds', '3', '--data', 'DIR'],
  freezing: ['freezing', '--seeds', '3', '--data', 'DIR'],
  strategies: ['strategies'],
  'split-mnist': ['split-mnist', '--seeds', '5', '--data', 'DIR'],
  'language-shift': ['language-shift', '--seeds', '5', '--data', 'DIR'],
  plasticity: ['plasticity', '--seeds', '20'],
  'context-labels': ['context-labels', '--seeds', '3', '--data', 'DIR'],
  choice: ['choice', '--seeds', '3', '--data', 'DIR'],
  controller: ['controller', '--seeds', '3', '--data', 'DIR'],
  feedback: ['feedback', '--seeds', '3', '--data', 'DIR'],
  'self-knowledge': ['self-knowledge', '--seeds', '3', '--data', 'DIR'],
  averaging: ['averaging', '--seeds', '3', '--data', 'DIR'],
  safety: ['safety', '--seeds', '3', '--data', 'DIR'],
  recall: ['recall', '--seeds', '3', '--data', 'DIR'],
  sleep: ['sleep', '--seeds', '3', '--data', 'DIR'],
  unattended: ['unattended'],
  'five-senses': ['five-senses', '--seeds', '3', '--data', 'DIR'],
  video: ['video', '--seeds', '3', '--data', 'DIR'],
}

export const readResult = (name: string): KeptResult =>
  JSON.parse(readFileSync(join(root, 'bench/results', `${name}.json`), 'utf8')) as KeptResult

/** The row of a case and a metric, and of a peer whose name begins so. Throws RangeError if there is none. */
export function rowOf(result: KeptResult, about: string, metric: string, peer = ''): BenchmarkRow {
  const found = result.rows.find(
    (row) => row.case === about && row.metric === metric && (row.peer ?? '').startsWith(peer),
  )
  if (found === undefined)
    throw new RangeError(
      `bench/results/${result.bench}.json has no row "${about}", "${metric}", peer "${peer}".`,
    )
  return found
}
