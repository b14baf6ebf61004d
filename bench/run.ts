/** `npm run bench -- NAME [--json FILE] [--picture FILE] [--data DIR] [--seeds N] [--quick] [--lives FILE] [--model DIR] [--steps N] [--tuning]` */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { type Benchmark, UsageError, withSpread } from './benchmark.ts'
import { keptLives } from './kept-lives.ts'
import { aligned, printResult } from './print-result.ts'

/** Options of a benchmark besides `--json`. */
type Flag = 'data' | 'seeds' | 'quick' | 'picture' | 'lives' | 'model' | 'steps' | 'tuning'

const benchmarks: Readonly<Record<string, readonly [() => Promise<Benchmark>, ...Flag[]]>> = {
  'first-life': [async () => (await import('./streams/first-life.ts')).firstLife, 'quick', 'seeds'],
  ops: [async () => (await import('./ops/ops.ts')).ops, 'quick'],
  'gpu-ops': [async () => (await import('./gpu/gpu-ops.ts')).gpuOps, 'quick'],
  'gpu-training': [async () => (await import('./gpu/gpu-training.ts')).gpuTraining, 'quick'],
  'per-example': [async () => (await import('./gradients/per-example.ts')).perExample, 'quick'],
  tape: [async () => (await import('./gradients/tape.ts')).tape, 'quick'],
  shakespeare: [
    async () => (await import('./training/shakespeare.ts')).shakespeare,
    'quick',
    'seeds',
    'data',
  ],
  training: [async () => (await import('./training/training.ts')).training, 'quick'],
  adapters: [
    async () => (await import('./training/adapters.ts')).adapters,
    'quick',
    'seeds',
    'data',
    'model',
  ],
  mnist: [async () => (await import('./training/mnist.ts')).mnist, 'quick', 'seeds', 'data'],
  generation: [async () => (await import('./generation/generation.ts')).generation, 'quick'],
  checkpoint: [async () => (await import('./gradients/checkpoint.ts')).checkpointing, 'quick'],
  memory: [async () => (await import('./streams/memory.ts')).memory, 'quick'],
  recall: [async () => (await import('./recall/recall.ts')).recall, 'quick', 'seeds', 'data', 'lives'],
  safety: [async () => (await import('./safety/safety.ts')).safety, 'quick', 'seeds', 'data', 'lives'],
  averaging: [
    async () => (await import('./averaging/averaging.ts')).averaging,
    ...(['quick', 'seeds', 'data', 'lives', 'tuning'] as const),
  ],
  'self-knowledge': [
    async () => (await import('./self-knowledge/self-knowledge.ts')).selfKnowledge,
    ...(['quick', 'seeds', 'data', 'lives'] as const),
  ],
  cluster: [
    async () => (await import('./cluster/cluster.ts')).cluster,
    ...(['quick', 'seeds', 'data', 'lives'] as const),
  ],
  drift: [async () => (await import('./streams/drift.ts')).drift, 'quick'],
  growth: [
    async () => (await import('./growth/growth.ts')).growth,
    'quick',
    'seeds',
    'data',
    'lives',
    'picture',
  ],
  vocabulary: [
    async () => (await import('./streams/vocabulary.ts')).vocabulary,
    'quick',
    'seeds',
    'data',
    'lives',
  ],
  'second-domain': [
    async () => (await import('./streams/second-domain.ts')).secondDomain,
    'quick',
    'seeds',
    'data',
    'lives',
  ],
  'language-shift': [
    async () => (await import('./streams/language-shift.ts')).languageShift,
    'quick',
    'seeds',
    'data',
    'lives',
  ],
  'context-labels': [
    async () => (await import('./streams/context-labels.ts')).contextLabelling,
    'quick',
    'seeds',
    'data',
    'lives',
  ],
  senses: [
    async () => (await import('./senses/senses.ts')).senses,
    'quick',
    'seeds',
    'data',
    'lives',
    'tuning',
  ],
  series: [
    async () => (await import('./senses/series.ts')).series,
    ...(['quick', 'seeds', 'data', 'lives', 'tuning'] as const),
  ],
  video: [
    async () => (await import('./senses/video.ts')).video,
    ...(['quick', 'seeds', 'data', 'lives', 'tuning'] as const),
  ],
  'five-senses': [
    async () => (await import('./senses/five-senses.ts')).fiveSenses,
    ...(['quick', 'seeds', 'data', 'lives', 'tuning'] as const),
  ],
  explain: [async () => (await import('./explain/explain.ts')).explaining, 'quick', 'lives'],
  feedback: [
    async () => (await import('./feedback/feedback.ts')).feedback,
    'quick',
    'seeds',
    'data',
    'lives',
  ],
  sleep: [async () => (await import('./sleep/sleep.ts')).sleeping, 'quick', 'seeds', 'data', 'lives'],
  unattended: [async () => (await import('./sleep/unattended.ts')).unattendedLife, 'quick', 'steps', 'lives'],
  serve: [async () => (await import('./serving/serve.ts')).serve, 'quick'],
  'mixed-load': [async () => (await import('./serving/mixed-load.ts')).mixedLoad, 'quick'],
  'growth-cost': [async () => (await import('./growth/growth-cost.ts')).growthCost, 'quick'],
  'small-start': [
    async () => (await import('./growth/small-start.ts')).smallStart,
    'quick',
    'seeds',
    'data',
    'lives',
  ],
  where: [async () => (await import('./growth/where.ts')).where, 'quick', 'seeds', 'data'],
  freezing: [async () => (await import('./growth/freezing.ts')).freezing, 'quick', 'seeds', 'data'],
  context: [async () => (await import('./growth/context.ts')).context, 'quick', 'seeds', 'data', 'lives'],
  speculation: [
    async () => (await import('./generation/speculation.ts')).speculation,
    'quick',
    'seeds',
    'data',
  ],
  quantized: [async () => (await import('./quantized/quantized.ts')).quantization, 'quick', 'data'],
  'split-mnist': [
    async () => (await import('./classes/split-mnist.ts')).splitMnist,
    'quick',
    'seeds',
    'data',
    'lives',
  ],
  plasticity: [
    async () => (await import('./plasticity/plasticity.ts')).plasticity,
    'quick',
    'seeds',
    'lives',
  ],
  strategies: [
    async () => (await import('./strategies/strategies.ts')).strategies,
    'quick',
    'seeds',
    'lives',
  ],
  'three-scenarios': [
    async () => (await import('./classes/three-scenarios.ts')).threeScenarios,
    'quick',
    'seeds',
    'data',
    'lives',
  ],
  overhead: [async () => (await import('./overhead/overhead.ts')).overhead, 'quick'],
  fork: [async () => (await import('./overhead/fork.ts')).fork, 'quick'],
  'growth-trial': [
    async () => (await import('./control/growth-trial.ts')).growthTrial,
    'quick',
    'seeds',
    'data',
    'lives',
  ],
  choice: [async () => (await import('./control/choice.ts')).choice, 'quick', 'seeds', 'data', 'lives'],
  controller: [
    async () => (await import('./control/controller.ts')).controller,
    'quick',
    'seeds',
    'data',
    'lives',
    'tuning',
  ],
  meta: [async () => (await import('./meta/sinusoid.ts')).sinusoid, 'quick'],
}

const { values, positionals } = flagsOf(process.argv.slice(2))
const [name] = positionals
if (name === undefined || !Object.hasOwn(benchmarks, name)) {
  console.error(`bench: got ${name ?? 'no name'}; expected one of ${Object.keys(benchmarks).join(', ')}.`)
  process.exit(2)
}
const [load, ...flags] = benchmarks[name]
for (const flag of ['data', 'seeds', 'quick', 'picture', 'lives', 'model', 'steps', 'tuning'] as const) {
  if (!values[flag] || flags.includes(flag)) continue
  console.error(`bench: ${name} takes no --${flag}.`)
  process.exit(2)
}
const seeds = Number(values.seeds ?? 3)
if (!Number.isInteger(seeds) || seeds < 1) {
  console.error(`bench: got --seeds ${values.seeds}; expected a positive integer.`)
  process.exit(2)
}
const steps = values.steps === undefined ? undefined : Number(values.steps)
if (steps !== undefined && !(Number.isInteger(steps) && steps >= 1)) {
  console.error(`bench: got --steps ${values.steps}; expected a positive integer.`)
  process.exit(2)
}

// What runs is what was there when it began.
const begunAt = commit()
const benchmark = await load()
const { picture, table, ...result } = await benchmark({
  quick: values.quick,
  seeds,
  tuning: values.tuning,
  ...(steps !== undefined && { steps }),
  ...(values.data !== undefined && { data: values.data }),
  ...(values.model !== undefined && { model: values.model }),
  note: (line) => console.error(line),
  once: keptLives(values.lives, `${begunAt}, ${name}${values.quick ? ', quick' : ''}`),
}).catch((error: unknown) => {
  if (!(error instanceof UsageError)) throw error
  console.error(error.message)
  process.exit(2)
})
if (table !== undefined) console.log(`${aligned(table)}\n`)
printResult(result)
if (values.json !== undefined) {
  const about = {
    bench: name,
    // Where the data lay says nothing to anybody else.
    command: `npm run bench -- ${process.argv
      .slice(2)
      .filter((arg, i, args) => arg !== '--lives' && args[i - 1] !== '--lives')
      .map((arg) => (arg === values.data ? 'DIR' : arg === values.model ? 'MODEL' : arg))
      .join(' ')}`,
    commit: begunAt,
    node: process.version,
    device: cpus()[0]?.model.trim() ?? 'unknown',
  }
  writeFileSync(
    values.json,
    `${JSON.stringify({ ...about, ...result, rows: withSpread(result.rows) }, null, 2)}\n`,
  )
}
if (values.picture !== undefined && picture !== undefined) writeFileSync(values.picture, picture)
if (result.checks.some(({ holds }) => !holds)) process.exitCode = 1

function flagsOf(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'string' },
        picture: { type: 'string' },
        lives: { type: 'string' },
        data: { type: 'string' },
        model: { type: 'string' },
        seeds: { type: 'string' },
        steps: { type: 'string' },
        quick: { type: 'boolean', default: false },
        tuning: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    console.error(`bench: ${(error as Error).message}`)
    process.exit(2)
  }
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
}
