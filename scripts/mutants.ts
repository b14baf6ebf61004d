/**
 * `npm run mutants [-- --quick | FILE…]`: whether the tests notice when the learner breaks.
 *
 * StrykerJS changes one expression of the parts of the learner at a time (a `+` to a `-`, a condition to
 * `false`, a call to nothing) and runs the tests that reach it. Changes that no test notices are printed;
 * each needs a test, or a reason in `test/mutants/survivors.json`. The wording of messages is left alone.
 *
 * It works on a copy of the tracked files, for mutants are written into the sources. `--quick` takes the
 * parts that decide what is learnt and protected, for every run of CI; of files that are named, these alone are
 * tried, and no bound is asked of them.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Files that decide which rows are learnt, what is protected, and what is called drift. */
const core = [
  'packages/continual/src/drift/{byte-shift,fading-counts}.ts',
  'packages/continual/src/metrics/alarm-score.ts',
  'packages/continual/src/penalty/{elastic-weight-consolidation,penalty}.ts',
  'packages/continual/src/rehearsal/*.ts',
  'packages/continual/src/trigger.ts',
  'packages/continual/src/upkeep/{consolidation,notice-drift}.ts',
  'packages/burgeon/src/session/life-report-of.ts',
]

const more = [
  'packages/continual/src/{learner,learner-parts,learner-state,predict}.ts',
  'packages/continual/src/learning/*.ts',
  'packages/continual/src/strategy/*.ts',
  'packages/continual/src/drift/{page-hinkley,standardized,adaptive-windowing}.ts',
  'packages/continual/src/freezing/*.ts',
  'packages/continual/src/penalty/!(elastic-weight-consolidation|penalty).ts',
  'packages/continual/src/{plasticity,projection}/*.ts',
  'packages/continual/src/rehearsal/*/*.ts',
  'packages/continual/src/metrics/*.ts',
  'packages/continual/src/stream/*.ts',
  'packages/continual/src/vocabulary/*.ts',
  'packages/burgeon/src/demo/domain-chunks.ts',
  'packages/burgeon/src/session/{consume,source-chunks,record/life-record,life/build-learner}.ts',
]

/**
 * Tests of these parts that run in one thread: what starts processes or threads of its own cannot see a
 * mutant.
 */
const tests = [
  'test/continual/*.test.ts',
  'test/{forks,probes}/*.test.ts',
  'test/feedback/{preference-weights,store,votes}.test.ts',
  'test/recall/forget.test.ts',
  'test/streams/*.test.ts',
  'test/life/{dispose,fisher-information,freezing,life-report,nothing-learnt,vocabulary,whole-report}.test.ts',
  'test/life/predicted-before-learnt.test.ts',
  'test/growth/policies.test.ts',
  'test/penalties/{by-definition,fresh-slices}.test.ts',
  'test/plasticity/*.test.ts',
  'test/projections/*.test.ts',
  'test/rehearsal/{balanced-memory,capacity,dark-replay,interference,memories,own-text,packed-rows,row-weights,two-in-one}.test.ts',
  'test/front-door/{life-record,report}.test.ts',
]

/** At least so many mutants, and so large a share of them noticed. */
const [minMutants, minShare] = [150, 0.9]

interface Mutant {
  readonly status: string
  readonly mutatorName: string
  readonly replacement?: string
  readonly location: { readonly start: { readonly line: number }; readonly end: { readonly line: number } }
}

interface Survivor {
  readonly file: string
  /** The line of source, and what stood in its place. */
  readonly source: string
  readonly replacement: string
}

interface KnownSurvivor extends Survivor {
  readonly reason: string
}

/** The tracked files, with dependencies linked and our own packages pointing at the copy. */
function copyOfTheProject(): string {
  const folder = mkdtempSync(join(tmpdir(), 'burgeon-mutants-'))
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0')
  for (const file of tracked.filter((name) => name !== '')) cpSync(join(root, file), join(folder, file))
  const [from, to] = [join(root, 'node_modules'), join(folder, 'node_modules')]
  mkdirSync(join(to, '@burgeon'), { recursive: true })
  for (const name of readdirSync(from)) {
    if (name !== '@burgeon' && name !== 'burgeon') symlinkSync(join(from, name), join(to, name))
  }
  for (const name of readdirSync(join(from, '@burgeon'))) {
    symlinkSync(join('..', '..', 'packages', name), join(to, '@burgeon', name))
  }
  symlinkSync(join('..', 'packages', 'burgeon'), join(to, 'burgeon'))
  return folder
}

function configure(folder: string, mutate: readonly string[]): void {
  writeFileSync(
    join(folder, 'stryker.json'),
    JSON.stringify({
      testRunner: 'vitest',
      plugins: ['@stryker-mutator/vitest-runner'],
      vitest: { configFile: 'vitest.mutants.ts', related: false },
      inPlace: true,
      mutate,
      mutator: { excludedMutations: ['StringLiteral'] },
      coverageAnalysis: 'perTest',
      ignoreStatic: true,
      concurrency: 2,
      reporters: ['progress-append-only', 'json'],
      jsonReporter: { fileName: 'mutants.json' },
    }),
  )
  writeFileSync(
    join(folder, 'vitest.mutants.ts'),
    `import config from './vitest.config.ts'
// Stryker itself runs two at a time.
export default { ...config, test: { ...config.test, maxWorkers: 1, isolate: true, include: ${JSON.stringify(tests)} } }\n`,
  )
}

/** Runs Stryker in the copy and returns what became of every mutant. */
function tried(folder: string): { total: number; survivors: Survivor[] } {
  const stryker = join(root, 'node_modules/@stryker-mutator/core/bin/stryker.js')
  const { status } = spawnSync(process.execPath, [stryker, 'run', 'stryker.json'], {
    cwd: folder,
    stdio: 'inherit',
  })
  if (status !== 0) throw new Error(`Stryker ended with status ${String(status)}; see above.`)
  const { files } = JSON.parse(readFileSync(join(folder, 'mutants.json'), 'utf8')) as {
    files: Readonly<Record<string, { readonly source: string; readonly mutants: readonly Mutant[] }>>
  }
  let total = 0
  const survivors = Object.entries(files).flatMap(([file, { source, mutants }]) => {
    const counted = mutants.filter((mutant) => !['Ignored', 'CompileError'].includes(mutant.status))
    total += counted.length
    const lines = source.split('\n')
    return counted
      .filter((mutant) => ['Survived', 'NoCoverage'].includes(mutant.status))
      .map(({ mutatorName, replacement = '', location }) => ({
        file,
        source: lines[location.start.line - 1].trim(),
        replacement: `${mutatorName}: ${replacement.replaceAll(/\s+/g, ' ').slice(0, 120)}`,
      }))
  })
  return { total, survivors }
}

const isSame = (a: Survivor, b: Survivor): boolean =>
  a.file === b.file && a.source === b.source && a.replacement === b.replacement

const [option, ...rest] = process.argv.slice(2)
const quick = option === '--quick'
const named = option === undefined || quick ? [] : [option, ...rest]
const folder = copyOfTheProject()
try {
  configure(folder, named.length > 0 ? named : quick ? core : [...core, ...more])
  const { total, survivors } = tried(folder)
  const known = JSON.parse(readFileSync(join(root, 'test/mutants/survivors.json'), 'utf8')) as KnownSurvivor[]
  const unexplained = survivors.filter((survivor) => !known.some((one) => isSame(one, survivor)))
  const noticed = total - survivors.length
  console.log(JSON.stringify(unexplained, null, 2))
  console.log(
    `${noticed} of ${total} mutants noticed (${((100 * noticed) / total).toFixed(1)} %); ` +
      `${survivors.length - unexplained.length} survive for a known reason, ${unexplained.length} without one.`,
  )
  if (named.length === 0 && (total < minMutants || noticed < minShare * total)) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
