/**
 * `npm run bench -- language-shift --data DIR [--seeds N]`: how much of its first text a byte GPT forgets when
 * it learns another, by the share of old rows in its batches (compute-equivalent replay, Ibrahim et al. 2024,
 * section 4). Genesis in English comes first; the strong shift is the same book in German, the weak one is
 * Shakespeare.
 *
 * Every step has as many rows, so that old rows take the place of new ones, and every arm as many steps. The
 * bound is a new model that learns both texts together in as many steps as the others have for one after the
 * other. Control: rows of random bytes in the place of old ones, which must not help.
 *
 * DIR holds `genesis-english-web.txt`, `genesis-german.txt` and `tinyshakespeare.txt`.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { adamw, chain, clipByGlobalNorm, warmUp } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  evaluateText,
  joinBatches,
  Learner,
  type Memory,
  replay,
  type Strategy,
  type TokenBatch,
} from '@burgeon/continual'
import { Gpt, type GptState } from '@burgeon/gpt'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import {
  atLeast,
  atMost,
  type Benchmark,
  type BenchmarkCheck,
  type BenchmarkRow,
  betterBeyondError,
  mean,
  UsageError,
} from '../benchmark.ts'

const device = openWasm({ threads: 1 })
const sizes = { vocabulary: 256, context: 32, embed: 64, heads: 4, layers: 3 }
const [rowsOfStep, heldOutBytes, trainBytes] = [20, 8192, 180_000]
/** Old rows of every hundred. */
const shares = [0, 1, 5, 10, 25, 50]
/** The share at which the control recalls. */
const controlled = 10

/** Steps on the first text, and on the second. */
interface Lengths {
  readonly first: number
  readonly second: number
}

interface Text {
  readonly train: Uint8Array
  readonly heldOut: Uint8Array
}
type Shift = 'Shakespeare' | 'German'
const shifts: readonly Shift[] = ['Shakespeare', 'German']
interface Texts extends Readonly<Record<Shift, Text>> {
  readonly English: Text
}

/** What is held against what, by name. */
const armOf = (share: number): string => `${share} % of the rows old`
const [joint, noise] = ['both together from the start', `${controlled} % of the rows random bytes`]
const arms = [...shares.map(armOf), noise, joint]

/** Losses on held-out text in the end, in bits per byte. */
interface Outcome {
  readonly old: number
  readonly fresh: number
}

export const languageShift: Benchmark = async ({ data, quick, seeds, note, once }) => {
  const texts = textsIn(data)
  const lengths = quick ? { first: 60, second: 40 } : { first: 800, second: 300 }
  const found = new Map<string, Outcome[]>()
  for (let seed = 1; seed <= (quick ? 1 : seeds); seed++) {
    let first: Promise<GptState> | undefined
    for (const shift of shifts) {
      for (const arm of arms) {
        const outcome = await once(`seed ${seed}, ${shift}, ${arm}`, async () => {
          if (arm === joint) return learntTogether(texts, shift, lengths, seed)
          first ??= learntFirst(texts, lengths, seed)
          return learntAfter(await first, texts, shift, arm, lengths, seed)
        })
        note(
          `seed ${seed}, ${shift}, ${arm}: English ${outcome.old.toFixed(4)}, ${shift} ${outcome.fresh.toFixed(4)} bits/byte`,
        )
        const name = `${shift}, ${arm}`
        found.set(name, [...(found.get(name) ?? []), outcome])
      }
    }
  }
  const of = (shift: Shift, arm: string): readonly Outcome[] => found.get(`${shift}, ${arm}`) ?? []
  return { rows: rowsOf(of), checks: quick ? [] : checksOf(of) }
}

type Found = (shift: Shift, arm: string) => readonly Outcome[]
const oldOf = (outcomes: readonly Outcome[]): number[] => outcomes.map(({ old }) => old)
/** Mean of both texts, seed by seed. */
const bothOf = (outcomes: readonly Outcome[]): number[] => outcomes.map(({ old, fresh }) => (old + fresh) / 2)

function rowsOf(of: Found): BenchmarkRow[] {
  return shifts.flatMap((shift) =>
    arms.flatMap((arm): BenchmarkRow[] => {
      const outcomes = of(shift, arm)
      const row = (metric: string, values: readonly number[]): BenchmarkRow => ({
        ...{ case: `English, then ${shift}: ${arm}`, metric, value: mean(values), values, unit: 'bits/byte' },
      })
      return [
        row('held-out English', oldOf(outcomes)),
        row(
          `held-out ${shift}`,
          outcomes.map(({ fresh }) => fresh),
        ),
        row('mean of both', bothOf(outcomes)),
      ]
    }),
  )
}

function checksOf(of: Found): BenchmarkCheck[] {
  /** Share of the way from no replay to the bound. */
  const closed = (shift: Shift, arm: string, by: (outcomes: readonly Outcome[]) => number[]): number => {
    const [without, own, bound] = [armOf(0), arm, joint].map((name) => mean(by(of(shift, name))))
    return (without - own) / (without - bound)
  }
  return [
    ...shifts.flatMap((shift) =>
      shares.slice(1).map((share, i) => {
        const [more, less] = [share, shares[i]].map((one) => oldOf(of(shift, armOf(one))))
        return betterBeyondError(
          `${shift}: less English is forgotten with ${share} % than with ${shares[i]} %`,
          more,
          less,
        )
      }),
    ),
    atLeast(
      `Shakespeare: share of the gap to the bound that ${controlled} % closes, mean of both texts`,
      closed('Shakespeare', armOf(controlled), bothOf),
      0.7,
    ),
    ...shifts.map((shift) =>
      atMost(
        `control: ${shift}, share of the gap that ${controlled} % of random rows close, English`,
        closed(shift, noise, oldOf),
        0.1,
      ),
    ),
  ]
}

/** A model that has learnt English. */
async function learntFirst({ English }: Texts, { first }: Lengths, seed: number): Promise<GptState> {
  const model = born(seed)
  const learner = learnerOf(model, {})
  const random = streamOf(seed, 'English')
  for (let step = 0; step < first; step++)
    await learner.observe(drawn(English.train, 'English', rowsOfStep, random))
  const state = await model.toState()
  learner.dispose()
  model.dispose()
  return state
}

/** The same model after the other text. */
async function learntAfter(
  first: GptState,
  texts: Texts,
  shift: Shift,
  arm: string,
  { second }: Lengths,
  seed: number,
): Promise<Outcome> {
  const share = arm === noise ? controlled : (shares.find((one) => armOf(one) === arm) ?? 0)
  const old = arm === noise ? randomBytes(trainBytes, seed) : texts.English.train
  const model = Gpt.fromState(first, device)
  const learner = learnerOf(model, share === 0 ? {} : { rehearsal: rehearsalOf(old, share, seed) })
  const random = streamOf(seed, shift)
  for (let step = 0; step < second; step++) {
    const rows = rowsOfStep - oldRowsAt(step, share)
    const { rehearsedRows } = await learner.observe(drawn(texts[shift].train, shift, rows, random))
    if (rows + rehearsedRows === rowsOfStep) continue
    throw new RangeError(
      `step ${step}: got ${rows} new rows and ${rehearsedRows} old ones; expected ${rowsOfStep}.`,
    )
  }
  learner.dispose()
  return judged(model, texts, shift)
}

/** A new model that has learnt both texts at a time. */
async function learntTogether(texts: Texts, shift: Shift, lengths: Lengths, seed: number): Promise<Outcome> {
  const model = born(seed)
  const learner = learnerOf(model, {})
  const random = streamOf(seed, `English and ${shift}`)
  for (let step = 0; step < lengths.first + lengths.second; step++) {
    const half = (name: 'English' | Shift): TokenBatch =>
      drawn(texts[name].train, name, rowsOfStep / 2, random)
    await learner.observe(joinBatches([half('English'), half(shift)]))
  }
  learner.dispose()
  return judged(model, texts, shift)
}

async function judged(model: Gpt, texts: Texts, shift: Shift): Promise<Outcome> {
  const [old, fresh] = [
    await evaluateText(model, texts.English.heldOut),
    await evaluateText(model, texts[shift].heldOut),
  ]
  model.dispose()
  return { old: old.bitsPerByte, fresh: fresh.bitsPerByte }
}

const born = (seed: number): Gpt => Gpt.create(sizes, { device, seed })

const learnerOf = (model: Gpt, strategy: Strategy): Learner =>
  new Learner({
    model,
    optimizer: chain(clipByGlobalNorm(1), adamw({ learningRate: warmUp(2e-3, 50), weightDecay: 0.01 })),
    strategy,
  })

/** Keeps what it was given at first. */
const onlyFirst: Memory = {
  name: 'the first rows alone',
  offer: (_, { rows, isFull }) => (isFull ? null : rows.length),
  evict: ({ rows }) => rows.length - 1,
  toState: () => null,
  restore: () => {},
}

function rehearsalOf(old: Uint8Array, share: number, seed: number) {
  const first = drawn(old, 'English', 1000, streamOf(seed, 'old rows'))
  return replay({
    capacity: first.rows,
    first,
    memory: onlyFirst,
    share: share / (100 - share),
    seed,
  })
}

/** Old rows of a step, so that over all steps they are the wanted share. */
function oldRowsAt(step: number, share: number): number {
  const until = (steps: number): number => Math.floor((steps * rowsOfStep * share) / 100)
  return until(step + 1) - until(step)
}

/** Rows from anywhere in a text. */
function drawn(text: Uint8Array, domain: string, rows: number, random: RandomStream): TokenBatch {
  return joinBatches(
    Array.from({ length: rows }, () => {
      const from = random.below(text.length - sizes.context)
      return batchOfTokens([...text.subarray(from, from + sizes.context + 1)], sizes.context, domain)
    }),
  )
}

function randomBytes(count: number, seed: number): Uint8Array {
  const random = streamOf(seed, 'random bytes')
  return Uint8Array.from({ length: count }, () => random.below(256))
}

const streamOf = (seed: number, name: string): RandomStream => new RandomStream(keyFromSeed(seed)).named(name)

function textsIn(data: string | undefined): Texts {
  if (data === undefined)
    throw new UsageError('language-shift: got no --data DIR; expected a folder with three texts.')
  const text = (file: string): Text => {
    const path = join(data, file)
    if (!existsSync(path)) throw new UsageError(`language-shift: got no ${path}; expected the text there.`)
    const all = new Uint8Array(readFileSync(path))
    const train = all.subarray(0, Math.min(trainBytes, all.length - heldOutBytes))
    return { train, heldOut: all.subarray(-heldOutBytes) }
  }
  return {
    English: text('genesis-english-web.txt'),
    German: text('genesis-german.txt'),
    Shakespeare: text('tinyshakespeare.txt'),
  }
}
