/**
 * What `privately` costs, and what it hides: one life for each noise, in which everything is the same but that.
 *
 * A byte GPT reads English, each row once, eight rows a step. Among them are canaries, `the number of NAME is ` and nine
 * random digits: four that come four times, four sixteen times and four sixty-four times, each time as a row of its
 * own at a random place; and four that never come. Exposure (Carlini et al. 2019) is log₂ of how many random
 * alternatives there are, over the rank that the true digits have among them by their loss: as many bits at most as
 * there are alternatives, and 1.44 on average for digits that the model has never seen.
 *
 * ε is that of `privacyOf` with δ = 10⁻⁵: of one row, which takes part in one update, and of somebody who owns the sixty-four
 * rows of a canary. Nothing is sampled, so nothing is gained by sampling. Settings are those that the life without noise
 * was given, but for the bound: the median norm of a row's gradient there.
 */
import {
  adamw,
  chain,
  clipByGlobalNorm,
  type GradientTransform,
  privacyOf,
  privately,
} from '@burgeon/autograd/optim'
import { batchOfTokens, joinBatches, Learner, passOf, type TokenBatch } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { keyFromSeed, RandomStream, scope } from '@burgeon/tensor'
import { atLeast, atMost, type BenchmarkOptions, type BenchmarkResult, mean } from '../benchmark.ts'

const length = 47
const rowsOfStep = 8
const [learningRate, clip] = [3e-3, 1]
const noises = [0, 0.5, 1, 2] as const
const arms = ['without', ...noises] as const
type Arm = (typeof arms)[number]
const times = [0, 4, 16, 64] as const
const names = ['anna', 'bert', 'cleo', 'dirk'] as const
const digits = 9

interface Canary {
  readonly prefix: string
  readonly secret: string
  readonly times: number
}

/** What a life came to. Plain data. */
interface PrivateLife {
  readonly bitsPerByte: number
  /** Bits, for each number of times of `times`: the mean of its canaries. */
  readonly exposure: readonly number[]
}

const utf8 = new TextEncoder()
const rowOf = (text: string): TokenBatch =>
  batchOfTokens(utf8.encode(text.padEnd(length + 1).slice(0, length + 1)), length, 'text')
const joined = (rows: readonly TokenBatch[]): TokenBatch => joinBatches<TokenBatch>(rows)
const drawn = (random: RandomStream): string =>
  Array.from({ length: digits }, () => random.below(10)).join('')

function canariesOf(random: RandomStream): Canary[] {
  return times.flatMap((often) =>
    names.map((name) => ({
      prefix: `the number of ${name} ${often} is `,
      secret: drawn(random),
      times: often,
    })),
  )
}

/** Nats that each text costs from its prefix on. */
async function costs(model: Gpt, prefix: string, secrets: readonly string[]): Promise<number[]> {
  const found: number[] = []
  for (let from = 0; from < secrets.length; from += 128) {
    const some = secrets.slice(from, from + 128)
    const losses = scope(() => passOf(model, joined(some.map((secret) => rowOf(prefix + secret)))).losses)
    const all = Float32Array.from(await losses.read())
    losses.dispose()
    const begin = prefix.length - 1
    for (let i = 0; i < some.length; i++) {
      found.push(all.slice(i * length + begin, i * length + begin + digits).reduce((a, b) => a + b, 0))
    }
  }
  return found
}

async function exposureOf(
  model: Gpt,
  { prefix, secret }: Canary,
  others: readonly string[],
): Promise<number> {
  const [own, ...all] = await costs(model, prefix, [secret, ...others])
  return Math.log2(all.length + 1) - Math.log2(1 + all.filter((cost) => cost <= own).length)
}

function optimizerOf(arm: Arm, seed: number): GradientTransform {
  const first = arm === 'without' ? clipByGlobalNorm(clip) : privately({ clip, noise: arm, seed })
  return chain(first, adamw({ learningRate, beta2: 0.99, weightDecay: 0.1 }))
}

async function live(arm: Arm, text: Uint8Array, { seed, steps, alternatives }: Sizes): Promise<PrivateLife> {
  const random = new RandomStream(keyFromSeed(seed)).named('canaries')
  const canaries = canariesOf(random)
  const given = canaries.flatMap((canary) =>
    new Array<string>(canary.times).fill(canary.prefix + canary.secret),
  )
  const rows = Array.from({ length: steps * rowsOfStep - given.length }, (_, i) =>
    batchOfTokens(text.subarray(i * length, (i + 1) * length + 1), length, 'text'),
  )
  for (const one of given) rows.splice(random.below(rows.length + 1), 0, rowOf(one))
  const heldOut = Array.from({ length: 128 }, (_, i) => {
    const from = text.length - (i + 1) * (length + 1)
    return batchOfTokens(text.subarray(from, from + length + 1), length, 'text')
  })
  const model = Gpt.create({ context: length, embed: 48, heads: 4, layers: 2, mlpHidden: 96 }, { seed })
  const learner = new Learner({ model, optimizer: optimizerOf(arm, seed), seed })
  for (let step = 0; step < steps; step++) {
    await learner.observe(joined(rows.slice(step * rowsOfStep, (step + 1) * rowsOfStep)))
  }
  const losses = scope(() => passOf(model, joined(heldOut)).losses)
  const bitsPerByte = mean([...(await losses.read())]) / Math.LN2
  losses.dispose()
  const others = Array.from({ length: alternatives - 1 }, () => drawn(random))
  const exposure: number[] = []
  for (const often of times) {
    const all: number[] = []
    for (const canary of canaries)
      if (canary.times === often) all.push(await exposureOf(model, canary, others))
    exposure.push(mean(all))
  }
  learner.dispose()
  model.dispose()
  return { bitsPerByte, exposure }
}

interface Sizes {
  readonly seed: number
  readonly steps: number
  readonly alternatives: number
}

const nameOf = (arm: Arm): string =>
  arm === 'without' ? 'without' : arm === 0 ? `clipped to ${clip}, no noise` : `noise ${arm}`

/** The part of `bench -- safety` that is about private gradients. */
export async function privatePart(
  english: string,
  { quick, seeds, note, once }: Pick<BenchmarkOptions, 'quick' | 'seeds' | 'note' | 'once'>,
): Promise<BenchmarkResult> {
  const text = utf8.encode(english)
  const sizes = quick ? { steps: 120, alternatives: 256 } : { steps: 480, alternatives: 4096 }
  const found = new Map<Arm, PrivateLife[]>(arms.map((arm) => [arm, []]))
  for (let seed = 1; seed <= (quick ? 1 : seeds); seed++) {
    for (const arm of arms) {
      const life = await once(`private, seed ${seed}, ${nameOf(arm)}`, () =>
        live(arm, text, { seed, ...sizes }),
      )
      note(`seed ${seed}, ${nameOf(arm)}: ${JSON.stringify(life)}`)
      found.get(arm)?.push(life)
    }
  }
  const rows: BenchmarkResult['rows'][number][] = []
  const valuesOf = (arm: Arm, of: (life: PrivateLife) => number): number[] => (found.get(arm) ?? []).map(of)
  for (const arm of arms) {
    const row = (metric: string, unit: string, of: (life: PrivateLife) => number): void => {
      const values = valuesOf(arm, of)
      rows.push({ case: nameOf(arm), metric, value: mean(values), values, unit })
    }
    row('loss of text that it never saw', 'bits/byte', ({ bitsPerByte }) => bitsPerByte)
    times.forEach((often, i) =>
      row(`exposure of what came ${often} times`, 'bits', ({ exposure }) => exposure[i]),
    )
    if (typeof arm !== 'number' || arm === 0) continue
    for (const updates of [1, 64]) {
      const { epsilon } = privacyOf({ noise: arm, updates, delta: 1e-5 })
      rows.push({ case: nameOf(arm), metric: `ε of ${updates} rows`, value: epsilon, unit: '' })
    }
  }
  const exposed = (arm: Arm): number => mean(valuesOf(arm, ({ exposure }) => exposure[times.length - 1]))
  const never = mean(arms.flatMap((arm) => valuesOf(arm, ({ exposure }) => exposure[0])))
  const most = Math.log2(sizes.alternatives)
  return {
    rows,
    checks: [
      atLeast(
        'private: without, what came 64 times is remembered (bits; control)',
        exposed('without'),
        0.75 * most,
      ),
      atMost(
        'private: noise 1, what came 64 times is hidden (bits above what never came)',
        exposed(1) - never,
        1.5,
      ),
      atMost('private: what never came is at chance (bits off 1.44)', Math.abs(never - 1.44), 1),
    ],
  }
}
