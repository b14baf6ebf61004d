/**
 * One life through a stream of segments: what it came to, what it cost, and what was rehearsed. Every life has the
 * same operations: a step has room for so many rows, and what old rows and measuring take, new rows do not get.
 */
import { adamw, chain, clipByGlobalNorm, warmUp } from '@burgeon/autograd/optim'
import {
  type Controller,
  evaluateText,
  heldBack,
  type HeldBackOptions,
  type GrowthPolicy,
  type Knobs,
  Learner,
  type ProbeLosses,
  reservoirReplay,
  type StepReport,
  type TokenBatch,
  type Upkeep,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { profileAsync } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { mean } from '../benchmark.ts'
import type { SegmentedStream } from './segments.ts'

const device = openWasm({ threads: 1 })
export const context = 32

/** Width and depth of a model. */
export interface Size {
  readonly embed: number
  readonly layers: number
}

/** What a life differs in from others. */
export interface LifeOptions {
  readonly seed: number
  readonly size: Size
  /** Steps of each segment. */
  readonly steps: number
  /** Rows of a step, old ones among them. */
  readonly rows: number
  /** Old rows for each new one, before any factor. */
  readonly share: number
  /** Learning rate, before any factor. */
  readonly rate: number
  readonly controller?: Controller
  /** Nothing is held back unless given. */
  readonly probes?: HeldBackOptions
  readonly growth?: GrowthPolicy
}

/** What a life came to. Plain data. */
export interface Life {
  /** Mean prequential loss of each segment, by its name, in bits per byte. */
  readonly prequential: Readonly<Record<string, number>>
  /** Loss of each domain's held-out text in the end, in bits per byte. */
  readonly final: Readonly<Record<string, number>>
  /** What was forgotten of each domain in the end, by rows that were held back. */
  readonly forgotten: Readonly<Record<string, number>>
  /** Operations of all steps, measuring included. */
  readonly flops: number
  /** Those of measuring alone. */
  readonly probeFlops: number
  /** Old rows that were learnt, by the segment in which, and by their domain. */
  readonly oldRowsIn: Readonly<Record<string, number>>
  readonly oldRowsOf: Readonly<Record<string, number>>
  /** Mean of the knob `rate` in each segment. */
  readonly rateIn: Readonly<Record<string, number>>
  /** Means of the knobs over all steps. */
  readonly knobs: Knobs
  readonly parameters: number
  /** Steps after which the controller said first that it can do no more, and of growths. */
  readonly saturatedAt: number | null
  readonly growths: readonly number[]
  /** New rows, of which some may have been held back. */
  readonly freshRows: number
  /** Whether it could do no more in the end. */
  readonly isSaturated: boolean
}

/** Mean prequential loss and mean final loss, which is what all lives are judged by. */
export const objectiveOf = ({ prequential, final }: Life): number =>
  mean(Object.values(prequential)) + mean(Object.values(final))

/** What was forgotten in the end of the domain of which it was most. */
export const mostForgotten = ({ forgotten }: Life): number => Math.max(0, ...Object.values(forgotten))

/** Lives through a stream once. */
export async function lived(stream: SegmentedStream, options: LifeOptions): Promise<Life> {
  const { seed, size, steps, rows, share, rate, controller, probes, growth } = options
  const model = Gpt.create({ vocabulary: 256, context, heads: 4, ...size }, { device, seed })
  const notes = controller && noting(controller)
  const oldRowsOf: Record<string, number> = {}
  const counting: Upkeep = {
    name: 'counts old rows',
    afterStep({ old }) {
      for (const domain of old?.domains ?? []) oldRowsOf[domain] = (oldRowsOf[domain] ?? 0) + 1
      return []
    },
  }
  const learner = new Learner({
    model,
    optimizer: chain(clipByGlobalNorm(1), adamw({ learningRate: warmUp(rate, 50), weightDecay: 0.01 })),
    strategy: {
      rehearsal: reservoirReplay({ capacity: 1000, share, seed }),
      upkeep: [counting],
      ...(probes && { probes: heldBack(probes) }),
      ...(notes && { controller: notes.controller }),
      ...(growth && { growth }),
    },
    seed,
  })
  let [flops, rowsMeasured, freshRows, room] = [0, 0, 0, 0]
  const [prequential, oldRowsIn, rateIn]: Record<string, number>[] = [{}, {}, {}]
  for (const segment of stream.segments) {
    const reports: StepReport[] = []
    const before = notes?.knobs.length ?? 0
    const { profile } = await profileAsync(
      async () => {
        for (let step = 0; step < steps; step++) {
          room += rows
          const old = share * (notes?.knobs.at(-1)?.rehearsalShare ?? 1)
          const fresh = Math.min(rows, Math.max(1, Math.round(room / (1 + old))))
          const report = await learner.observe(firstRows(segment.batchAt(step), fresh))
          const measured = measuredIn(report)
          freshRows += fresh
          rowsMeasured += measured
          // A row that is measured is predicted and not learnt, which costs a third.
          room -= fresh + report.rehearsedRows + measured / 3
          reports.push(report)
        }
      },
      { events: 0 },
    )
    flops += profile.total.flops
    prequential[segment.name] = mean(reports.map(({ bitsPerByte }) => bitsPerByte))
    oldRowsIn[segment.name] = reports.reduce((sum, { rehearsedRows }) => sum + rehearsedRows, 0)
    rateIn[segment.name] = mean(notes?.knobs.slice(before).map((knobs) => knobs.rate) ?? [1])
  }
  let last: ProbeLosses = {}
  const measuring = await profileAsync(
    async () => {
      if (probes) last = await learner.measureProbes()
    },
    { events: 0 },
  )
  const rowsOfOne = Object.values(last).reduce((sum, { rows }) => sum + rows, 0)
  const final: Record<string, number> = {}
  for (const [domain, text] of Object.entries(stream.heldOut))
    final[domain] = (await evaluateText(model, text)).bitsPerByte
  const { journal } = learner
  const told = journal.flatMap((event) => (event.kind === 'control' ? [event] : []))
  const life: Life = {
    ...{ prequential, final, flops, freshRows, oldRowsIn, oldRowsOf, rateIn },
    forgotten: Object.fromEntries(Object.entries(last).map(([domain, { forgotten }]) => [domain, forgotten])),
    probeFlops: rowsOfOne === 0 ? 0 : (measuring.profile.total.flops / rowsOfOne) * rowsMeasured,
    knobs: meanOf(notes?.knobs ?? []),
    parameters: model.parameters.size,
    saturatedAt: told.find(({ data }) => data.isSaturated)?.step ?? null,
    growths: journal.flatMap(({ kind, step }) => (kind === 'growth' ? [step] : [])),
    isSaturated: told.at(-1)?.data.isSaturated ?? false,
  }
  learner.dispose()
  model.dispose()
  return life
}

/** The first rows of a batch. */
const firstRows = ({ length, tokens, domains }: TokenBatch, rows: number): TokenBatch => ({
  ...{ rows, length, tokens: tokens.subarray(0, rows * (length + 1)), domains: domains.slice(0, rows) },
})

/** Rows that were measured in a step. */
const measuredIn = ({ events }: StepReport): number =>
  events
    .flatMap((event) => (event.kind === 'probed' ? Object.values(event.data.domains) : []))
    .reduce((sum, { rows }) => sum + rows, 0)

/** The same controller, and all the knobs that it sets. */
function noting(controller: Controller): { readonly controller: Controller; readonly knobs: Knobs[] } {
  const knobs: Knobs[] = []
  return {
    knobs,
    controller: {
      ...controller,
      decide(signals, state) {
        const decision = controller.decide(signals, state)
        knobs.push({ rehearsalShare: 1, rate: 1, penalty: 1, ...decision.knobs })
        return decision
      },
    },
  }
}

function meanOf(knobs: readonly Knobs[]): Knobs {
  const named = [...new Set(knobs.flatMap(({ domains = {} }) => Object.keys(domains)))]
  const over = (valueOf: (one: Knobs) => number): number =>
    knobs.length === 0 ? 1 : mean(knobs.map(valueOf))
  return {
    rehearsalShare: over(({ rehearsalShare }) => rehearsalShare),
    rate: over(({ rate }) => rate),
    penalty: over(({ penalty }) => penalty),
    domains: Object.fromEntries(
      named.map((domain) => [domain, over(({ domains = {} }) => domains[domain] ?? 1)]),
    ),
  }
}
