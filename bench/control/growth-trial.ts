/**
 * `npm run bench -- growth-trial --data DIR [--seeds N] [--lives FILE]`: whether growth that is tried first is as good as
 * policies set by hand, at equal operations, those of trials included. A small byte GPT reads a text: Shakespeare,
 * Genesis in German, or bytes at random, where there is nothing to learn but how often each comes and never to grow is
 * best. It never grows, grows on a plateau, early or late by a schedule, or by trial, whenever trials have rested; a
 * larger model has its size from the beginning. Judged on held-out text once the operations are spent.
 *
 * The sizes of a trial were chosen on Genesis in French. DIR holds `tinyshakespeare.txt` and `genesis-german.txt`.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { adamw, chain, clipByGlobalNorm, warmUp } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  evaluateText,
  growByTrial,
  growOnPlateau,
  growOnSchedule,
  type GrowthPolicy,
  heldBack,
  Learner,
  neverGrow,
  reservoirReplay,
} from '@burgeon/continual'
import { Gpt, type GptConfig, isDecayed } from '@burgeon/gpt'
import type { GrowthRequest } from '@burgeon/gpt/growth'
import { keyFromSeed, profileAsync, RandomStream } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import {
  atMost,
  type Benchmark,
  type BenchmarkCheck,
  type BenchmarkRow,
  mean,
  UsageError,
} from '../benchmark.ts'

const device = openWasm({ threads: 1 })
const [rows, length, heldOutBytes] = [4, 32, 8192]
const small = { vocabulary: 256, context: length, embed: 48, heads: 4, layers: 1, mlpHidden: 48 }
const large = { ...small, layers: 4, mlpHidden: 192 }

/** Twice as many hidden units in the narrowest block. */
const wider = ({ blocks }: GptConfig): GrowthRequest => {
  const { id, mlpHidden } = blocks.reduce((a, b) => (b.mlpHidden < a.mlpHidden ? b : a))
  return { kind: 'widenMlp', block: id, to: 2 * mlpHidden }
}
/** A copy of the last block on top. */
const layer = ({ blocks }: GptConfig): GrowthRequest => ({ kind: 'addLayer', at: blocks.length, how: 'copy' })
const plateau = (): GrowthPolicy =>
  growOnPlateau({ window: 150, patience: 150, request: layer }) as GrowthPolicy
const schedule = (...steps: readonly number[]): GrowthPolicy =>
  growOnSchedule(
    steps.map((step, i) => ({ step, request: { kind: 'addLayer', at: i + 1, how: 'copy' } })),
  ) as GrowthPolicy

/** Leaves it to trials, whenever these have rested. */
const always: GrowthPolicy<null> = {
  name: 'whenever',
  initial: null,
  decide: ({ config }) => ({ request: layer(config), reason: 'it may help', state: null }),
}

const [never, byTrial, larger] = ['never grows', 'grows by trial', 'larger from the beginning']
const byHand: Readonly<Record<string, () => GrowthPolicy>> = {
  [never]: () => neverGrow,
  'grows on a plateau': plateau,
  'grows early by a schedule': () => schedule(150, 300, 450),
  'grows late by a schedule': () => schedule(700, 1000, 1300),
}
const methods: Readonly<Record<string, () => GrowthPolicy>> = {
  ...byHand,
  [byTrial]: () =>
    growByTrial({ when: always, candidates: { wider }, steps: 40, patience: 600 }) as GrowthPolicy,
  [larger]: () => neverGrow,
}

const texts = ['Shakespeare', 'German', 'bytes at random'] as const
type TextName = (typeof texts)[number]

interface Outcome {
  /** On held-out text, in bits per byte. */
  readonly loss: number
  readonly parameters: number
  readonly steps: number
  readonly trials: number
}

export const growthTrial: Benchmark = async ({ data, quick, seeds, note, once }) => {
  const budget = (quick ? 0.03 : 0.4) * 1e12
  const found = new Map<string, Outcome[]>()
  for (let seed = 1; seed <= (quick ? 1 : seeds); seed++) {
    for (const text of texts) {
      const bytes = bytesOf(text, data, seed)
      for (const [name, policy] of Object.entries(methods)) {
        const key = `${text}, ${name}`
        const outcome = await once(`seed ${seed}, ${key}`, () =>
          lived(bytes, policy(), { seed, budget, sizes: name === larger ? large : small }),
        )
        note(
          `seed ${seed}, ${key}: ${outcome.loss.toFixed(4)} bits/byte, ${outcome.parameters} parameters, ${outcome.trials} trials`,
        )
        found.set(key, [...(found.get(key) ?? []), outcome])
      }
    }
  }
  const of = (text: TextName, name: string): readonly Outcome[] => found.get(`${text}, ${name}`) ?? []
  const resultRows = texts.flatMap((text) =>
    Object.keys(methods).flatMap((name) => rowsOf(text, name, of(text, name))),
  )
  return {
    rows: resultRows,
    checks: quick ? [] : texts.flatMap((text) => checksOf(text, (name) => of(text, name))),
  }
}

interface LifeOptions {
  readonly seed: number
  readonly budget: number
  readonly sizes: Parameters<typeof Gpt.create>[0]
}

/** Learns until the operations are spent. */
async function lived(
  bytes: Uint8Array,
  growth: GrowthPolicy,
  { seed, budget, sizes }: LifeOptions,
): Promise<Outcome> {
  const model = Gpt.create(sizes, { device, seed })
  const learner = new Learner({
    model,
    optimizer: chain(
      clipByGlobalNorm(1),
      adamw({ learningRate: warmUp(2e-3, 50), beta2: 0.99, weightDecay: 0.1, decays: isDecayed }),
    ),
    budget: { parameters: 300_000 },
    strategy: {
      rehearsal: reservoirReplay({ capacity: 1000, share: 0.5, seed }),
      probes: heldBack({ share: 0.05, capacity: 64, rows: 64, every: 1e9, seed }),
      growth,
    },
    seed,
  })
  const train = bytes.subarray(0, -heldOutBytes)
  const perStep = rows * length
  let operations = 0
  for (let at = 0; operations < budget; at++) {
    const row = Int32Array.from({ length: perStep + 1 }, (_, i) => train[(at * perStep + i) % train.length])
    const { profile } = await profileAsync(() => learner.observe(batchOfTokens(row, length, 'text')), {
      events: 0,
    })
    operations += profile.rows().reduce((sum, { flops }) => sum + flops, 0)
  }
  const { bitsPerByte: loss } = await evaluateText(model, bytes.subarray(-heldOutBytes))
  const trials = learner.journal.filter(({ kind }) => kind === 'growth tried').length
  const outcome = { loss, parameters: model.parameters.size, steps: learner.step, trials }
  learner.dispose()
  model.dispose()
  return outcome
}

function rowsOf(text: TextName, name: string, outcomes: readonly Outcome[]): BenchmarkRow[] {
  const row = (metric: string, of: (outcome: Outcome) => number, unit: string): BenchmarkRow => {
    const values = outcomes.map(of)
    return { case: `${text}: ${name}`, metric, value: mean(values), values, unit }
  }
  return [
    row('held-out text', ({ loss }) => loss, 'bits/byte'),
    row('parameters in the end', ({ parameters }) => parameters, ''),
    ...(name === byTrial ? [row('trials', ({ trials }) => trials, '')] : []),
  ]
}

function checksOf(text: TextName, of: (name: string) => readonly Outcome[]): BenchmarkCheck[] {
  const lossOf = (name: string): number => mean(of(name).map(({ loss }) => loss))
  const hands = Object.keys(byHand)
  const best = hands.reduce((a, b) => (lossOf(b) < lossOf(a) ? b : a))
  const own = lossOf(byTrial)
  return [
    atMost(`${text}: above the best by hand (${best}), bits/byte`, own - lossOf(best), 0),
    ...(lossOf(larger) < lossOf(never)
      ? [
          atMost(
            `${text}: against never growing, where a larger model is better, bits/byte`,
            own - lossOf(never),
            0,
          ),
        ]
      : []),
    ...(best === never && lossOf(larger) >= lossOf(never)
      ? [
          atMost(
            `${text}: parameters gained where never growing is best`,
            mean(of(byTrial).map(({ parameters }) => parameters)) -
              mean(of(never).map(({ parameters }) => parameters)),
            0,
          ),
        ]
      : []),
  ]
}

const files: Readonly<Record<Exclude<TextName, 'bytes at random'>, string>> = {
  Shakespeare: 'tinyshakespeare.txt',
  German: 'genesis-german.txt',
}

/** Each seed begins elsewhere in the text. */
function bytesOf(text: TextName, data: string | undefined, seed: number): Uint8Array {
  const random = new RandomStream(keyFromSeed(seed)).named(text)
  if (text === 'bytes at random') return Uint8Array.from({ length: 400_000 }, () => 97 + random.below(26))
  if (data === undefined)
    throw new UsageError('growth-trial: got no --data DIR; expected a folder with texts.')
  const path = join(data, files[text])
  if (!existsSync(path)) throw new UsageError(`growth-trial: got no ${path}; expected the text there.`)
  const all = new Uint8Array(readFileSync(path))
  const [train, heldOut] = [all.subarray(0, -heldOutBytes), all.subarray(-heldOutBytes)]
  const from = random.below(train.length)
  return joined(train.subarray(from), train.subarray(0, from), heldOut)
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length: own }) => sum + own, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
