/**
 * The tables of documents that are made of kept results, and nothing else: `npm run write:tables` writes
 * them.
 */
import {
  makePlan,
  type Plan,
  plannedModel,
  type PlanQuestion,
  simulatePlan,
  usualAssumptions,
} from '@burgeon/cluster'
import { parametersOf } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import { format } from '../bench/benchmark.ts'
import { byteSize, compactCount, count } from '../packages/burgeon/src/terminal/quantities.ts'
import { simulatedHeads, simulatedRows } from '../packages/burgeon/src/commands/plan/simulated.ts'
import { keptBenchmarks, type KeptResult, readResult, rowOf } from './kept-results.ts'
import { table } from './markdown-table.ts'
import { filmsLearnt, fiveSenses } from './sense-tables.ts'

/** A table between marks of its name. */
export interface DocTable {
  readonly document: string
  readonly write: () => string
}

const grouped = (value: number, digits = 0): string =>
  value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })

/** Three digits that count, and never fewer than the whole part has. */
function short(value: number): string {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
  return value >= 10_000 ? grouped(value) : value.toFixed(digits)
}

const rivals = ['TensorFlow.js', 'jax-js', 'PyTorch']

function speedRow(title: string, unit: string, result: KeptResult, about: string, metric: string): string[] {
  const cells = rivals.map((rival) => {
    const rows = result.rows.filter(
      (one) => one.case === about && one.metric === metric && (one.peer ?? '').startsWith(rival),
    )
    // Of jax-js the first is the one with its compiler. PyTorch has a row for every setting, and its best one
    // counts.
    const row = rival === 'PyTorch' ? rows.toSorted((a, b) => (a.ratio ?? 0) - (b.ratio ?? 0))[0] : rows[0]
    if (row !== undefined) return row.peerValue === undefined ? '' : short(row.peerValue)
    const failed = result.rows.some(
      ({ case: of, metric: what }) => what === 'fails' && of.startsWith(`${about}, ${rival}`),
    )
    return failed ? 'out of memory' : ''
  })
  return [title, `${short(rowOf(result, about, metric).value)} ${unit}`, ...cells]
}

function speeds(): string {
  const [ops, training, shakespeare] = ['ops', 'training', 'shakespeare'].map(readResult)
  const attention = 'attention [8, 256, 6, 64]'
  const step = (title: string, model: string): string[] =>
    speedRow(`training step, ${title}`, 'ms', training, `training step, ${model}`, 'median')
  return table([
    ['', 'burgeon', 'TensorFlow.js (WASM)', 'jax-js (WASM, jit)', 'PyTorch (OpenBLAS)'],
    speedRow('matmul 512³, one thread', 'GFLOP/s', ops, '512³ NN', 'speed'),
    speedRow(
      'matmul 512³, one thread, not revectorised',
      'GFLOP/s',
      ops,
      '512³ NN, not revectorised',
      'speed',
    ),
    speedRow('matmul 64³, one thread', 'GFLOP/s', ops, '64³ NN', 'speed'),
    speedRow(`${attention}, one thread`, 'ms', ops, attention, 'median'),
    step('4 layers of 128, context 64', 'tiny'),
    step('6 layers of 384, context 256', 'baby'),
    step('12 layers of 768, context 256', 'GPT-2 small'),
    speedRow('2,000 steps on Shakespeare', 's', shakespeare, 'mean', 'training'),
  ])
}

/** Names of the methods of the growth benchmark in docs/benchmarks.md, in its order. */
const growthMethods = {
  'doubled twice, exactly':
    'two layers, doubled twice, copies that write nothing at first: the function is kept',
  'doubled twice, copies beside their originals': 'two layers, doubled twice, copies beside their originals',
  'doubled twice, each beside the copy it shares with':
    'two layers, doubled twice, copies that share what their originals wrote',
  'stacked once, four times as deep': 'two layers, stacked once, four times as deep',
  'doubled on plateau, by a policy': 'two layers, doubled on plateau, by `growOnPlateau`',
  'twice as wide, exactly': 'half as wide, widened exactly',
  'twice as wide, the function not preserved': 'half as wide, widened without keeping the function',
}

function growthPays(): string {
  const result = readResult('growth')
  const metric = 'operations to the loss of its peer, at full size'
  const rows = Object.entries(growthMethods).map(([method, title]) => {
    const { value, peerValue = Number.NaN } = rowOf(result, method, metric)
    return [title, `${value.toFixed(2)} TFLOP`, `${(100 * (1 - value / peerValue)).toFixed(0)} %`]
  })
  const { peerValue = Number.NaN } = rowOf(result, 'twice as wide, exactly', metric)
  return table([['', 'operations', 'saved'], ['from scratch', `${peerValue.toFixed(1)} TFLOP`, ''], ...rows])
}

function digitsRead(): string {
  const result = readResult('mnist')
  const rows = result.rows.map(({ case: about, value, values = [value] }) => [
    about.replace('the program of docs/mnist.md', 'this program'),
    `${value.toFixed(2)} %`,
    values.length > 1 ? values.map((one) => one.toFixed(2)).join(', ') : '',
  ])
  return table([['', 'test digits read', 'seed by seed'], ...rows])
}

function digitsKept(): string {
  const { rows } = readResult('split-mnist')
  const known = rows.filter(({ metric }) => metric === 'accuracy among all classes')
  const lines = known.map(({ case: strategy, value, values = [value], peerValue }) => [
    strategy,
    `${value.toFixed(2)} %`,
    values.map((one) => one.toFixed(2)).join(', '),
    peerValue === undefined ? '' : `${peerValue.toFixed(2)} %`,
  ])
  return table([['', 'of all ten digits', 'seed by seed', 'published'], ...lines])
}

/** That what was timed was right: of many shapes and peers, and told by no figure that anybody wants. */
const saysOnlyThatItIsRight =
  /possible rounding error|lie apart by|difference from the reference|that revectorisation changes|gradients that differ|difference of the losses/

function keptChecks(): string {
  const rows = Object.keys(keptBenchmarks).flatMap((name) =>
    readResult(name)
      .checks.filter((check) => !saysOnlyThatItIsRight.test(check.name))
      // What each part is held to has a table of its own.
      .filter((check) => name !== 'strategies' || !check.holds)
      .map((check) => [
        `\`${name}\``,
        check.name,
        format(check.value),
        check.bound,
        check.holds ? '' : 'fails',
      ]),
  )
  return table([['benchmark', 'what', 'value', 'bound', ''], ...rows])
}

/** Every part of a strategy, what remains with it of a task, and how many of its checks hold. */
function partsKept(): string {
  const { rows, checks } = readResult('strategies')
  const parts = [...new Set(rows.map(({ case: part }) => part))]
  const lines = parts.map((part) => {
    const of = rows.filter((row) => row.case === part)
    const own = checks.filter(({ name }) => name.startsWith(`${part}: `))
    const losses = of.flatMap(({ value, peerValue = Number.NaN }) => [value.toFixed(3), peerValue.toFixed(3)])
    const judged = of[0].metric.includes('second task') ? 'second' : 'first'
    const held = own.filter(({ holds }) => holds).length
    return [`\`${part}\``, judged, ...losses, `${held} of ${own.length}`]
  })
  return table([
    ['', 'task', 'loss, nats', 'without', 'grown in the middle', 'without', 'checks that hold'],
    ...lines,
  ])
}

function serving(): string {
  const result = readResult('serve')
  const clients = ['1 client', '4 clients', '16 clients']
  const cells = (title: string, about: string, metric: string, unit: string): string[] => [
    `${title}, ${unit}`,
    ...clients.map((many) => grouped(rowOf(result, `${about}, ${many}`, metric).value)),
  ]
  const tokens = 'tokens'
  return table([
    ['', ...clients],
    cells('nothing is learnt', 'no learning', tokens, 'tokens/s'),
    cells('learning gets 30 %', 'learning at 30 %', tokens, 'tokens/s'),
    cells('learning gets 90 %', 'learning at 90 %', tokens, 'tokens/s'),
    cells('first token, nothing is learnt', 'no learning', 'first token, median', 'ms'),
    cells('first token, learning gets 30 %', 'learning at 30 %', 'first token, median', 'ms'),
    cells('the slowest of 100, learning gets 30 %', 'learning at 30 %', 'first token, 99th of 100', 'ms'),
  ])
}

/** By name. */
/** What models of several sizes take on one kind of device. */
function plans(): string {
  const rows = [1e9, 7e9, 7e10, 4e11, 1e12, 1e13].map((parameters) => {
    const config = plannedModel({ parameters })
    const asked = { config, device: 'h200', tokens: 20 * parameters }
    const alone = makePlan(asked)
    const { memory, flops, devices, tokensPerSecond } = alone
    const state = memory.weights + memory.masters + memory.gradients + memory.moments
    const inTime = planInTime({ ...asked, days: 90 })
    return [
      compactCount(parameters),
      ...[byteSize(state), flops.toExponential(1), count(devices)],
      ...(inTime === null
        ? ['–', '–', '–']
        : [
            count(inTime.devices),
            `${inTime.megawatts.toPrecision(2)} MW`,
            `${compactCount(inTime.dollars)} $`,
          ]),
      `${compactCount(tokensPerSecond)} tokens/s`,
    ]
  })
  return table([
    [
      'parameters',
      'state',
      'operations',
      'H200 that hold it',
      'H200 in 90 days',
      'power',
      'price',
      'one copy keeps up with',
    ],
    ...rows,
  ])
}

/** What `burgeon plan --parameters 4e11 --days 90 --simulate 200` says. */
function simulatedPlan(): string {
  const { batchTokens, localSteps } = usualAssumptions
  const parameters = 4e11
  const config = plannedModel({ parameters })
  const plan = makePlan({ config, device: 'h200', tokens: 20 * parametersOf(config), days: 90 })
  return table([
    simulatedHeads,
    ...simulatedRows(simulatePlan(plan, { rounds: 200, batchTokens, localSteps })),
  ])
}

/** Null where no number of copies is in time. */
function planInTime(question: PlanQuestion): Plan | null {
  try {
    return makePlan(question)
  } catch (error) {
    if (error instanceof OptionError) return null
    throw error
  }
}

export const docTables: Readonly<Record<string, DocTable>> = {
  'table: checks': { document: 'docs/evidence.md', write: keptChecks },
  'table: serve': { document: 'docs/serving.md', write: serving },
  'table: split-mnist': { document: 'docs/own-models.md', write: digitsKept },
  'table: video': { document: 'docs/senses.md', write: filmsLearnt },
  'table: five-senses': { document: 'docs/senses.md', write: fiveSenses },
  'table: strategies': { document: 'docs/protection.md', write: partsKept },
  'table: mnist': { document: 'docs/mnist.md', write: digitsRead },
  'table: plans': { document: 'docs/scale.md', write: plans },
  'table: simulated': { document: 'docs/scale.md', write: simulatedPlan },
  'table: speeds': { document: 'docs/benchmarks.md', write: speeds },
  'table: growing instead of learning from scratch': { document: 'docs/benchmarks.md', write: growthPays },
}

/** Paragraphs whose numbers are of one kept result, by the mark before them. */
export const quotedResults: readonly string[] = ['growth', 'small-start', 'context', 'where', 'vocabulary']

/** Numbers with decimals, and percentages, of a paragraph that no row of a result rounds to. */
export function unfoundedNumbers(paragraph: string, { rows, checks }: KeptResult): string[] {
  const values = rows.flatMap(({ value, peerValue }) => [
    value,
    ...(peerValue === undefined ? [] : [peerValue]),
  ])
  const pairs = rows.flatMap(({ value, peerValue }) =>
    peerValue === undefined ? [] : [Math.abs(1 - value / peerValue), Math.abs(1 - peerValue / value)],
  )
  // Arms with less to learn with say so in their names.
  const budgets = rows.map(({ case: about }) => Number(/([\d.]+) TFLOP/.exec(about)?.[1]))
  const ofBudgets = budgets.map((budget) => 1 - budget / Math.max(...budgets))
  const shares = [...pairs, ...ofBudgets, ...checks.flatMap(({ value }) => [value, Math.abs(1 - value)])].map(
    (share) => 100 * share,
  )
  const isFounded = (text: string, of: readonly number[]): boolean => {
    const digits = text.split('.')[1]?.length ?? 0
    return of.some((value) => value !== null && Math.abs(value).toFixed(digits) === text)
  }
  const prose = paragraph.replace(/`[^`]*`/g, '')
  const percentages = [...prose.matchAll(/(\d+(?:\.\d+)?) %/g)].map(([, text]) => text)
  const decimals = [...prose.matchAll(/\d+\.\d+(?! %)\b/g)].map(([text]) => text)
  return [
    ...decimals.filter((text) => !isFounded(text, values)),
    ...percentages.filter((text) => !isFounded(text, shares)).map((text) => `${text} %`),
  ]
}
