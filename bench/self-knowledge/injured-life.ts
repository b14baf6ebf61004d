/** A life that is injured, and repairs itself, or does not. */
import { adamw, chain, clipByGlobalNorm, warmUp } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  type ExperienceOf,
  evaluateText,
  type GrowthPolicy,
  heldBack,
  joinBatches,
  Learner,
  rehearsalJob,
  repairJob,
  reservoirReplay,
  selfAssessment,
  sleep,
  type SleepReport,
  type Strategy,
  type TokenBatch,
  type Trigger,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { mean } from '../benchmark.ts'

const device = openWasm({ threads: 1 })
const context = 32
const rowsOfDomain = 4
/** The learning rate from the end of the mixed steps on. */
const lateRate = 1e-4
/** Steps before the injury: of all domains, and then of the last alone. */
const usualBefore = { mixed: 600, last: 100 }

/** What is done to a life. */
export type Injury = 'none' | 'an MLP is 0' | 'biases are shifted' | 'noise is learnt' | 'memory is lost'
/** What it does about it: nothing, as many steps of ordinary rehearsal, or repair. */
export type Care = 'none' | 'rehearsal' | 'repair'

/** Texts to learn, and to measure by, of each domain; the last goes on alone. */
export type Texts = Readonly<Record<string, { readonly train: Uint8Array; readonly heldOut: Uint8Array }>>

/** What a life differs in from others. */
export interface InjuredOptions {
  readonly seed: number
  readonly injury: Injury
  readonly care: Care
  /** Steps after the injury. */
  readonly steps: number
  /** Steps before it: of all domains, and then of the last alone. 600 and 100 unless given. */
  readonly before?: typeof usualBefore
}

/** What a life came to. Plain data. */
export interface InjuredLife {
  /** Loss on held-out text right after the injury, and in the end, in bits per byte, by domain. */
  readonly injured: Readonly<Record<string, number>>
  readonly final: Readonly<Record<string, number>>
  /** What repair found first, and what it did; null where it found nothing. */
  readonly found: string | null
  /** Repairs that were kept. */
  readonly repairs: readonly string[]
}

export const meanLoss = (losses: Readonly<Record<string, number>>): number => mean(Object.values(losses))

/** Lives once. */
export async function injuredLife(texts: Texts, options: InjuredOptions): Promise<InjuredLife> {
  const { seed, injury, care, steps, before = usualBefore } = options
  const model = await born(seed)
  const rehearsal = reservoirReplay({ capacity: 900, share: 1, seed })
  const domains = Object.keys(texts)
  const warm = warmUp(3e-3, 50)
  const last = domains[domains.length - 1]
  const lost = domains[1]
  const learner = new Learner({
    model,
    optimizer: chain(
      clipByGlobalNorm(1),
      adamw({ learningRate: (step) => (step < before.mixed ? warm(step) : lateRate), weightDecay: 0.01 }),
    ),
    strategy: {
      rehearsal,
      probes: heldBack({ share: 0.04, rows: 32, every: 1e9 }),
      assessment: selfAssessment(),
      ...caredFor(care, before, (domain, rows, draw) =>
        rowsOf(texts, domain, rows, () => draw(before.mixed * rowsOfDomain)),
      ),
    },
    seed,
  })
  // All domains at first, then the last alone: row after row of each text.
  const batchAt = (step: number): TokenBatch => {
    if (step < before.mixed) {
      return joinBatches(
        domains.map((domain) => rowsOf(texts, domain, rowsOfDomain, (i) => step * rowsOfDomain + i)),
      )
    }
    const from = before.mixed * rowsOfDomain + (step - before.mixed) * rowsOfDomain * domains.length
    return rowsOf(texts, last, rowsOfDomain * domains.length, (i) => from + i)
  }
  const lossesNow = async (): Promise<Record<string, number>> => {
    const losses: Record<string, number> = {}
    for (const domain of domains)
      losses[domain] = (await evaluateText(model, texts[domain].heldOut)).bitsPerByte
    return losses
  }
  const slept: SleepReport[] = []
  const live = async (from: number, to: number): Promise<void> => {
    for (let step = from; step < to; step++) {
      const { events } = await learner.observe(batchAt(step))
      slept.push(...events.flatMap((event) => (event.kind === 'sleep' ? [event.data] : [])))
    }
  }
  const begin = before.mixed + before.last
  await live(0, begin)
  await injure(model, injury, seed, texts[lost].train)
  if (injury === 'memory is lost') rehearsal.forget?.(({ domain }) => domain === lost)
  const healthy = slept.length
  const injured = await lossesNow()
  await live(begin, begin + steps)
  const jobs = slept
    .slice(healthy)
    .flatMap((report) => report.jobs)
    .filter(({ job }) => job === 'repair')
  const repairsOf = (reasons: typeof jobs): string[] =>
    reasons.filter(({ kept, reason }) => kept && reason.includes('better on')).map(({ reason }) => reason)
  const life: InjuredLife = {
    ...{ injured, final: await lossesNow() },
    found: jobs.find(({ reason }) => reason !== 'no fault was found')?.reason ?? null,
    repairs: repairsOf(slept.flatMap((report) => report.jobs).filter(({ job }) => job === 'repair')),
  }
  learner.dispose()
  model.dispose()
  return life
}

/** A model whose head has biases, all of them 0. */
async function born(seed: number): Promise<Gpt> {
  const plain = Gpt.create({ vocabulary: 256, context, embed: 48, heads: 4, layers: 2 }, { device, seed })
  const { config, weights } = await plain.toState()
  plain.dispose()
  const bias = { shape: [256], data: new Float32Array(256) }
  return Gpt.fromState(
    { config: { ...config, headBias: true }, weights: { ...weights, 'head.bias': bias } },
    device,
  )
}

/** Half of the operations of the steps, whatever they are spent on. */
function caredFor(care: Care, before: typeof usualBefore, experience: ExperienceOf): Strategy {
  if (care === 'none') return {}
  const job =
    care === 'repair'
      ? repairJob({ experience, growth: widerWhenAsked, rows: 12, steps: 8 })
      : rehearsalJob({ rows: 12 })
  const begin = care === 'repair' ? 0 : before.mixed + before.last
  const when: Trigger = ({ step }) => step > begin && step % 50 === 0
  return { sleep: sleep({ when, jobs: [job], share: 1, tolerance: 0.1 }) }
}

/** Half as wide again, in the block whose MLP is narrowest by its weights' place in the model: the last. */
const widerWhenAsked: GrowthPolicy<null> = {
  name: 'wider MLPs',
  initial: null,
  decide({ config }) {
    const block = config.blocks.reduce((narrowest, one) =>
      one.mlpHidden < narrowest.mlpHidden ? one : narrowest,
    )
    return {
      request: { kind: 'widenMlp', block: block.id, to: Math.round(block.mlpHidden * 1.25) },
      reason: 'repair',
      state: null,
    }
  },
}

/** Rows of a text, each an experience of its own. */
function rowsOf(texts: Texts, domain: string, rows: number, placeOf: (row: number) => number): TokenBatch {
  const { train } = texts[domain]
  const own = Array.from({ length: rows }, (_, row) => {
    const place = placeOf(row) % Math.floor((train.length - 1) / context)
    const batch = batchOfTokens(train.subarray(place * context, (place + 1) * context + 1), context, domain)
    const id = place + 100_000 * Object.keys(texts).indexOf(domain)
    return { ...batch, isContinuous: false, origins: [{ id, source: domain, domain, at: place, trust: 1 }] }
  })
  return joinBatches(own)
}

/** Does harm to the weights, beside all that a learner does. */
async function injure(model: Gpt, injury: Injury, seed: number, text: Uint8Array): Promise<void> {
  const random = new RandomStream(keyFromSeed(seed)).named('injury')
  const change = (path: string, changed: (weight: number) => number): void => {
    const { tensor } = model.parameters.get(path)
    const weights = Float32Array.from(tensor.readSync(), changed)
    model.parameters.replace(path, model.device.tensor(weights, { shape: tensor.shape, dtype: 'f32' }))
  }
  if (injury === 'an MLP is 0') {
    for (const { path } of [...model.parameters]) if (path.startsWith('blocks.b0.mlp.')) change(path, () => 0)
  }
  if (injury === 'biases are shifted') change('head.bias', (bias) => bias + 3 * random.normal())
  if (injury !== 'noise is learnt') return
  const optimizer = chain(clipByGlobalNorm(1), adamw({ learningRate: 3e-3 }))
  const other = new Learner({ model, optimizer })
  for (let step = 0; step < 200; step++) {
    const noise = Int32Array.from({ length: 12 * context + 1 }, () => text[random.below(text.length)])
    await other.observe(batchOfTokens(noise, context, 'noise'))
  }
  other.dispose()
}
