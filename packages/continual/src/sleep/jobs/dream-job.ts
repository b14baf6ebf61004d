/** Dreams: text that the model writes itself, from beginnings that it remembers. */
import { Gpt, generate } from '@burgeon/gpt'
import { checkOptions, checks, OptionError, RandomStream } from '@burgeon/tensor'
import { operationsOf } from '../../model/operations-of.ts'
import { ownSource } from '../../stream/origin.ts'
import { type Batch, isTokenBatch } from '../../stream/batch.ts'
import {
  batchFromRows,
  isTokenRow,
  type Row,
  rowAt,
  type TokenRow,
  withoutPadding,
} from '../../stream/row.ts'
import type { SleepContext, SleepJob } from '../sleep-job.ts'
import { learntSummary } from './learnt-summary.ts'

/** How much is dreamt. */
export interface DreamJobOptions {
  /** Rows of a step, ≥ 4; one in four of them is a dream, and the others are remembered. Default 8. */
  readonly rows?: number
  /** Most steps, ≥ 1. Default as many as the sleep's share of operations allows. */
  readonly steps?: number
}

/** Of a batch one row in so many is dreamt: more of it, and a model learns itself. */
const oneIn = 4
/** What of a dream is remembered: its beginning. */
const remembered = 0.25

/**
 * Learns text of the model's own (self-generated replay): each dream goes on from the first quarter of a row
 * that is remembered, drawn at temperature 1 from what the model expects, and is learnt beside three times as
 * many remembered rows. Dreams carry an origin whose source is `self`, are never remembered, and are on no
 * record.
 *
 * @throws OptionError for other options, and where a learner is built of another model than a GPT, without a
 *   rehearsal, or with labels, which nobody writes.
 * @example
 * ```ts
 * const asleep = sleep({ when: everySteps(1000), jobs: [dreamJob({ steps: 20 })] })
 * ```
 */
export function dreamJob(options: DreamJobOptions = {}): SleepJob {
  checkOptions('dreamJob', options, {
    rows: checks.integer({ from: oneIn }),
    steps: checks.integer({ from: 1 }),
  })
  const { rows = 8, steps = Infinity } = options
  return {
    name: 'dreams',
    changesWeights: true,
    begin({ model, rehearsal, hasLabels }) {
      const wrong = [
        ...(model instanceof Gpt ? [] : ['a model that writes no text']),
        ...(rehearsal ? [] : ['no rehearsal, with whose rows dreams could begin']),
        ...(hasLabels ? ['labels before rows, which are read and never written'] : []),
      ]
      if (wrong.length === 0) return
      throw new OptionError(
        `dreamJob: got ${wrong[0]}; expected a Gpt with a rehearsal, such as reservoirReplay({ capacity: 500 }), and without labels.`,
      )
    },
    async run(context) {
      const random = new RandomStream(context.key)
      const losses: number[] = []
      while (losses.length < steps) {
        const batch = await dreamt(context, rows, random)
        const loss = batch && (await context.learn(batch))
        if (loss === null) break
        losses.push(loss)
      }
      const one = Math.floor(rows / oneIn)
      const summary = losses.length > 0 && learntSummary(losses, `${one} dreams in ${rows} rows`)
      return summary ? { summary } : null
    },
  }
}

/** Remembered rows, and dreams in the place of a quarter of them; null where that is too much or too few. */
async function dreamt(context: SleepContext, rows: number, random: RandomStream): Promise<Batch | null> {
  const { model, adapter, pay, left } = context
  const sample = context.sample(rows)
  if (sample === null || !isTokenBatch(sample) || !(model instanceof Gpt)) return null
  const all = Array.from({ length: sample.rows }, (_, i) => withoutPadding(rowAt(sample, i)))
  const own = all.filter(isLong).slice(0, Math.floor(all.length / oneIn))
  const { forward, training } = operationsOf(model)
  const [writing, learning] = [own.length * sample.length * forward, sample.rows * sample.length * training]
  if (own.length === 0 || left < writing + learning || !pay(writing)) return null
  const prompts = own.map(({ tokens }) => [...tokens.subarray(0, Math.ceil(remembered * tokens.length))])
  const lengths = own.map(({ tokens }, i) => tokens.length - prompts[i].length)
  const written = await generate(model, prompts, {
    ...{ tokens: Math.max(...lengths), temperature: 1, seed: random.uint32() },
    ...(adapter && { adapters: adapter }),
  })
  const dreams = own.map(({ domain }, i): Row => {
    const tokens = Int32Array.of(...prompts[i], ...written[i].tokens.slice(0, lengths[i]))
    return { tokens, domain, origin: { id: 0, source: ownSource, domain, at: i, trust: 1 } }
  })
  const rest = all.filter((row) => !own.some((begun) => begun === row))
  return batchFromRows([...dreams, ...rest])
}

/** Whether a row has something to be dreamt after its beginning. */
const isLong = (row: Row): row is TokenRow => isTokenRow(row) && row.tokens.length >= oneIn
