/**
 * `npm run bench -- averaging --data DIR [--seeds N]`: what a learner's averaged weights know, beside its own.
 *
 * Genesis in English and in German, then plays of Shakespeare, one after the other, at a constant rate with
 * rehearsal; and plays alone, in two halves. After each text every text's held-out part is predicted by the
 * weights and by their average.
 *
 * Controls: the weights of as many steps ago as the average is old, on average, which have as much behind them
 * and are no average; and a third of the rate, which is steadier, too. For comparison, what somebody reaches who
 * knows when a text ends: a rate that falls to 0 over the last fifty steps of each.
 *
 * Settings were chosen on seeds 11 and 12, and are reported on others. DIR holds `genesis-english-web.txt`,
 * `genesis-german.txt` and `tinyshakespeare.txt`.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { adamw, chain, clipByGlobalNorm, warmUp } from '@burgeon/autograd/optim'
import { averagedWeights, batchOfTokens, evaluateText, Learner, reservoirReplay } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { ParameterStore, shareParameters } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { atLeast, atMost, type Benchmark, type BenchmarkRow, mean, UsageError } from '../benchmark.ts'

const device = openWasm({ threads: 1 })
const [context, rows, decay] = [64, 6, 0.98]
/** Bytes at the beginning of a text that are never learnt, and bytes of a step. */
const [heldBytes, stepBytes] = [8000, rows * context]
/** Steps by which an average of this decay is old, on average. */
const age = Math.round(decay / (1 - decay))
/** Steps over which a rate falls that knows of the end. */
const fall = 50

type Texts = Readonly<Record<string, Uint8Array>>

/** Losses of every text, after each text; in bits per byte. */
type Losses = Readonly<Record<'own' | 'average' | 'ago', readonly Readonly<Record<string, number>>[]>>

/** How the rate goes. */
interface Rate {
  readonly rate: number
  readonly falls: boolean
}

async function life(texts: Texts, seed: number, quick: boolean, { rate, falls }: Rate): Promise<Losses> {
  const model = Gpt.create({ vocabulary: 256, context, embed: 64, heads: 4, layers: 2 }, { device, seed })
  const steps = Object.values(texts).map(({ length }) =>
    Math.min(quick ? 60 : Infinity, Math.floor((length - heldBytes - 1) / stepBytes)),
  )
  const ends = steps.map((_, i) => steps.slice(0, i + 1).reduce((a, b) => a + b, 0))
  const warm = warmUp(rate, 30)
  const learningRate = (step: number): number => {
    const left = (ends.find((end) => end >= step) ?? step) - step
    return warm(step) * (falls ? Math.min(1, (left + 1) / fall) : 1)
  }
  const average = averagedWeights({ decay })
  const learner = new Learner({
    ...{ model, seed },
    optimizer: chain(clipByGlobalNorm(1), adamw({ learningRate, beta2: 0.99, weightDecay: 0.01 })),
    strategy: { rehearsal: reservoirReplay({ capacity: 500, share: 1, seed }), average },
  })
  const losses: Record<keyof Losses, Record<string, number>[]> = { own: [], average: [], ago: [] }
  const lossesOf = async (of: Gpt): Promise<Record<string, number>> => {
    const found: Record<string, number> = {}
    for (const [name, text] of Object.entries(texts))
      found[name] = (await evaluateText(of, text.subarray(0, heldBytes))).bitsPerByte
    return found
  }
  const [ago, now] = [new ParameterStore(), new ParameterStore()]
  for (const [i, [domain, text]] of Object.entries(texts).entries()) {
    for (let step = 0; step < steps[i]; step++) {
      const at = heldBytes + step * stepBytes
      await learner.observe(batchOfTokens(text.subarray(at, at + stepBytes + 1), context, domain))
      if (step === steps[i] - 1 - age) shareParameters(ago, model.parameters)
    }
    losses.own.push(await lossesOf(model))
    losses.average.push(await lossesOf(average.modelOf(model)))
    shareParameters(now, model.parameters)
    shareParameters(model.parameters, ago)
    losses.ago.push(await lossesOf(model))
    shareParameters(model.parameters, now)
  }
  learner.dispose()
  for (const store of [ago, now, model.parameters]) store.dispose()
  return losses
}

const lastOf = (losses: Losses, which: keyof Losses): number =>
  mean(Object.values(losses[which].at(-1) ?? {}))

/** Loss of each text when it had just been learnt. */
const newestOf = (losses: Losses, which: keyof Losses): number =>
  mean(losses[which].map((all, i) => Object.values(all)[i]))

const rates: Readonly<Record<string, Rate>> = {
  'rate .003': { rate: 3e-3, falls: false },
  'rate .001': { rate: 1e-3, falls: false },
  'rate .003, falling at the end of each text': { rate: 3e-3, falls: true },
}

export const averaging: Benchmark = async ({ data, quick, seeds, tuning = false, note, once }) => {
  const read = (name: string): Uint8Array => {
    const file = join(data ?? '', name)
    if (data !== undefined && existsSync(file)) return new Uint8Array(readFileSync(file))
    throw new UsageError(`bench -- averaging needs --data DIR with ${name}.`)
  }
  const plays = read('tinyshakespeare.txt')
  const streams: Readonly<Record<string, Texts>> = {
    'three texts': {
      english: read('genesis-english-web.txt'),
      german: read('genesis-german.txt'),
      plays: plays.subarray(0, 200_000),
    },
    'one text': { first: plays.subarray(200_000, 500_000), second: plays.subarray(500_000, 800_000) },
  }
  const lives = new Map<string, Losses[]>()
  const first = tuning ? 11 : 1
  for (const [stream, texts] of Object.entries(streams)) {
    for (const [name, rate] of Object.entries(rates)) {
      for (let seed = first; seed < first + (quick ? 1 : seeds); seed++) {
        const called = `${stream}, ${name}`
        const losses = await once(`${called}, seed ${seed}`, () => life(texts, seed, quick, rate))
        note(`${called}, seed ${seed}: ${JSON.stringify(losses)}`)
        lives.set(called, [...(lives.get(called) ?? []), losses])
      }
    }
  }
  const of = (called: string, which: keyof Losses, how = lastOf): number[] =>
    (lives.get(called) ?? []).map((losses) => how(losses, which))
  const names = { own: 'weights', average: 'average', ago: `weights of ${age} steps ago` } as const
  const table = [...lives.keys()].flatMap((called) =>
    (called.includes('falling') ? (['own'] as const) : (['own', 'average', 'ago'] as const)).flatMap(
      (which): BenchmarkRow[] => {
        const row = (metric: string, values: number[]): BenchmarkRow => ({
          ...{ case: `${called}: ${names[which]}`, metric, value: mean(values), values },
          unit: 'bits/byte',
        })
        return [
          row('all texts, at the end', of(called, which)),
          row('each text, when it was learnt', of(called, which, newestOf)),
        ]
      },
    ),
  )
  const checks = Object.keys(streams).flatMap((stream) => {
    const usual = `${stream}, rate .003`
    const gain = (which: keyof Losses, how = lastOf): number =>
      Math.min(...of(usual, 'own', how).map((own, i) => own - of(usual, which, how)[i]))
    return [
      atLeast(`${stream}: what the average gains, on every seed`, gain('average'), 0.05),
      atLeast(`${stream}: on the text that is newest`, gain('average', newestOf), 0),
      atMost(
        `${stream}: control, what weights of ${age} steps ago gain`,
        mean(of(usual, 'own')) - mean(of(usual, 'ago')),
        0.02,
      ),
      atLeast(
        `${stream}: what it gains over a third of the rate`,
        mean(of(`${stream}, rate .001`, 'own')) - mean(of(usual, 'average')),
        0.05,
      ),
    ]
  })
  return { rows: table, checks }
}
