/**
 * A batch on its way through the stages, in micro-batches: while one is in the second stage, the next is in the
 * first (GPipe, Huang et al. 2019, section 2.3; that a micro-batch comes back as soon as it can, so that no stage
 * holds more of them than there are stages, is PipeDream's order, Narayanan et al. 2019, section 3.2).
 */
import type { GptConfig } from '@burgeon/gpt'
import { checkArgument, checks, OptionError } from '@burgeon/tensor'
import { messageOf, type Numbers, type Reals, realsIn } from './message.ts'
import type { Stages } from './stages.ts'

/** Rows of tokens: what a `TokenBatch` is besides. */
export interface RowsOfTokens {
  readonly rows: number
  /** Predictions of a row, T. */
  readonly length: number
  /** `B · (T + 1)` tokens, row after row; −1 fills the end of a short row. */
  readonly tokens: Int32Array
}

/** One of the parts that go through the stages. */
export interface MicroRows {
  readonly rows: number
  /** `i32 [B, T]`, with 0 in the place of what fills a row. */
  readonly input: Numbers
  /** `i32 [B·T]`, negative where nothing is to be predicted. */
  readonly targets: Numbers
}

/** A batch in parts. */
export interface WholeStep {
  readonly parts: readonly MicroRows[]
  /** Predictions that count. */
  readonly counted: number
}

/** What came of one of the parts. */
export interface MicroResult {
  readonly share: number
  readonly losses: Reals
}

/**
 * Cuts a batch into parts of as equal numbers of rows as can be.
 *
 * @throws OptionError for a batch that is none, that the model cannot read, or in which nothing is to be predicted.
 */
export function microBatches(who: string, config: GptConfig, batch: RowsOfTokens, count: number): WholeStep {
  const { vocabulary, context } = config
  checkArgument(who, 'batch', batch, checks.role<RowsOfTokens>('rows of tokens', 'rows', 'length', 'tokens'))
  const { rows, length, tokens } = batch
  checkArgument(who, 'batch.rows', rows, checks.integer({ from: 1 }))
  checkArgument(who, 'batch.length', length, checks.integer({ from: 1, to: context }))
  checkArgument(who, 'batch.tokens', tokens, checks.instance('an Int32Array', Int32Array))
  if (tokens.length !== rows * (length + 1)) {
    throw new OptionError(`${who}: got ${tokens.length} tokens; expected ${rows} rows of ${length + 1}.`)
  }
  const wrong = tokens.find((token) => token < -1 || token >= vocabulary)
  if (wrong !== undefined) {
    throw new OptionError(
      `${who}: got token ${wrong}; expected those from 0 to ${vocabulary - 1}, or −1 behind a row.`,
    )
  }
  if ('weights' in batch && batch.weights !== undefined) {
    throw new OptionError(`${who}: got rows with weights; expected rows that all count alike.`)
  }
  const parts = Math.min(count, rows)
  const border = (i: number): number => Math.floor((i * rows) / parts)
  const cut = Array.from({ length: parts }, (_, i): MicroRows => {
    const [from, to] = [border(i), border(i + 1)]
    const [input, targets] = [0, 1].map((shift) => {
      const numbers = new Int32Array((to - from) * length)
      for (let row = from; row < to; row++) {
        const start = row * (length + 1) + shift
        numbers.set(tokens.subarray(start, start + length), (row - from) * length)
      }
      return numbers
    })
    return {
      rows: to - from,
      input: { shape: [to - from, length], data: input.map((token) => Math.max(token, 0)) },
      targets: { shape: [targets.length], data: targets },
    }
  })
  const counted = cut.reduce((sum, { targets }) => sum + targets.data.filter((token) => token >= 0).length, 0)
  if (counted === 0)
    throw new OptionError(`${who}: got rows in which nothing is to be predicted; expected some.`)
  return { parts: cut, counted }
}

/**
 * Takes all parts through all stages, and back where they are learnt.
 *
 * @returns For each part, in order.
 * @throws As a stage does; then none of the parts is under way any more.
 */
export async function throughPipeline(
  stages: Stages,
  { parts, counted }: WholeStep,
  { learns, step }: { readonly learns: boolean; readonly step: number },
): Promise<MicroResult[]> {
  const last = stages.count - 1
  // The stage where the way back ends; there is none where nothing is learnt.
  const lowest = learns ? 0 : last
  // Of each stage the part that came back last: the next one waits for it, so that sums have one order.
  const back: Promise<unknown>[] = Array.from({ length: stages.count }, () => Promise.resolve())
  const inOrder = <R>(stage: number, ask: () => Promise<R>): Promise<R> => {
    const next = back[stage].then(ask)
    back[stage] = next.catch(() => {})
    return next
  }
  // A part begins when the one that is `count` before it is through: no stage holds more of them.
  const done: Promise<MicroResult>[] = []
  for (const [micro, { rows, input, targets }] of parts.entries()) {
    // The places in the order of the way back are taken now, in the order of the parts.
    const started: Promise<unknown> = micro < stages.count ? Promise.resolve() : done[micro - stages.count]
    const facts = { step, micro, rows }
    const kind = learns ? 'forward' : 'evaluate'
    const forward = async (): Promise<Numbers> => {
      await started
      let x: Numbers = input
      for (let stage = 0; stage < last; stage++) {
        x = realsIn(await stages.ask(stage, messageOf(kind, facts, { input: x })), 'stream')
      }
      return x
    }
    const above = forward()
    // Whoever waits for one of these may come to it later.
    above.catch(() => {})
    const loss = inOrder(last, async () => {
      const message = messageOf(kind, { ...facts, counted }, { input: await above, targets })
      return stages.ask(last, message)
    })
    let below = loss.then((answer) => answer.numbers.get('cotangent'))
    below.catch(() => {})
    for (let stage = last - 1; stage >= lowest; stage--) {
      const cotangent = below
      below = inOrder(stage, async () => {
        const message = messageOf('backward', facts, { cotangent: await cotangent })
        return (await stages.ask(stage, message)).numbers.get('cotangent')
      })
    }
    done.push(
      below.then(async () => {
        const answer = await loss
        if (!learns) return { share: Number.NaN, losses: realsIn(answer, 'stream').data }
        const [share] = realsIn(answer, 'share').data
        return { share, losses: realsIn(answer, 'losses').data }
      }),
    )
  }
  const settled = await Promise.allSettled(done)
  const failed = settled.find((each) => each.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return Promise.all(done)
}
