/**
 * `npm run bench:beside -- COMMIT NAME… [--rounds N]`: whether the present commit is slower than an earlier
 * one. Both are checked out and installed beside each other, and their quick benchmarks run in turn: old,
 * new, new, old. Wants a quiet machine.
 *
 * A ratio of 1.1 means that the new commit takes 1.1 times as long. The control is the old commit against
 * itself: the best of its first runs against the best of its last ones. Exits with 1 where the mean ratio of
 * a benchmark lies above both 1.03 and the control's distance from 1.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import type { BenchmarkRow } from '../bench/benchmark.ts'
import { root } from './pack-packages.ts'

/** How much slower the new commit may be, if the old one repeats itself more closely than that. */
const tolerance = 0.03

/** Time of each case in milliseconds, or the inverse of its speed: less is better. */
type Costs = ReadonlyMap<string, number>

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '2' } },
})
const [commit, ...names] = positionals
const rounds = Number(values.rounds)
if (commit === undefined || names.length === 0) fail('expected a commit and names of benchmarks')
if (!Number.isInteger(rounds) || rounds < 1)
  fail(`got --rounds ${values.rounds}; expected a positive integer`)

const folder = mkdtempSync(join(tmpdir(), 'burgeon-beside-'))
try {
  const old = checkOut(commit, join(folder, 'old'))
  const present = checkOut('HEAD', join(folder, 'new'))
  for (const name of names) compare(name, old, present)
} finally {
  rmSync(folder, { recursive: true, force: true })
  git('worktree', 'prune')
}

function compare(name: string, old: string, present: string): void {
  const earlier: Costs[] = []
  const later: Costs[] = []
  for (let round = 0; round < rounds; round++) {
    earlier.push(costs(name, old))
    later.push(costs(name, present), costs(name, present))
    earlier.push(costs(name, old))
  }
  const [before, after] = [bestOf(earlier), bestOf(later)]
  const cases = [...before.keys()].filter((key) => after.has(key))
  if (cases.length === 0) fail(`${name}: the two commits have no timed case in common`)
  const ratios = cases.map((key) => [key, ratioOf(key, after, before)] as const)
  for (const [key, ratio] of ratios) console.log(`${ratio.toFixed(3)}  ${key}`)
  const mean = geometricMean(ratios.map(([, ratio]) => ratio))
  const firstRuns = bestOf(earlier.slice(0, rounds))
  const lastRuns = bestOf(earlier.slice(rounds))
  const control = geometricMean(cases.map((key) => ratioOf(key, lastRuns, firstRuns)))
  const allowed = 1 + Math.max(tolerance, Math.abs(control - 1))
  const holds = mean <= allowed
  const verdict = `time against ${commit}: ${mean.toFixed(3)} (control, ${commit} against itself: ${control.toFixed(3)})`
  console.log(
    `${holds ? 'holds' : 'FAILS'}  ${name}, ${ratios.length} cases: ${verdict} ≤ ${allowed.toFixed(3)}`,
  )
  if (!holds) process.exitCode = 1
}

/** One run of the quick form. A fresh checkout has no peers in JavaScript. */
function costs(name: string, tree: string): Costs {
  const file = join(folder, 'result.json')
  const script = ['--conditions=@burgeon/source', 'bench/run.ts', name, '--quick', '--json', file]
  try {
    execFileSync(process.execPath, script, {
      cwd: tree,
      env: { ...process.env, PATH: dirname(process.execPath) },
      stdio: 'ignore',
    })
  } catch (error) {
    // A check of the quick form may fail on a loaded machine; the times are there all the same.
    if (!existsSync(file)) fail(`${name} ends in an error in ${tree}: ${(error as Error).message}`)
  }
  const { rows } = JSON.parse(readFileSync(file, 'utf8')) as { rows: readonly BenchmarkRow[] }
  rmSync(file)
  return new Map(rows.flatMap((row) => costOf(row)))
}

function costOf({ case: about, metric, value, unit }: BenchmarkRow): [string, number][] {
  const key = `${about}, ${metric}`
  if (!(value > 0)) return []
  if (/^(?:ns|µs|ms|s)\b/.test(unit)) return [[key, value]]
  return unit.endsWith('/s') ? [[key, 1 / value]] : []
}

function bestOf(runs: readonly Costs[]): Costs {
  const best = new Map<string, number>()
  for (const [key, value] of runs.flatMap((run) => [...run])) {
    best.set(key, Math.min(value, best.get(key) ?? Infinity))
  }
  return best
}

function ratioOf(key: string, over: Costs, under: Costs): number {
  return (over.get(key) ?? Number.NaN) / (under.get(key) ?? Number.NaN)
}

function geometricMean(ratios: readonly number[]): number {
  return Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length)
}

function checkOut(what: string, tree: string): string {
  git('worktree', 'add', '--quiet', '--detach', tree, what)
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: tree,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return tree
}

function git(...args: string[]): void {
  execFileSync('git', args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
}

function fail(why: string): never {
  console.error(`bench-beside: ${why}.`)
  process.exit(1)
}
