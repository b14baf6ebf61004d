/** One life that reads a language, another one, and then Shakespeare, and sleeps between steps, or does not. */
import { createHash } from 'node:crypto'
import { adamw, chain, clipByGlobalNorm, warmUp } from '@burgeon/autograd/optim'
import {
  evaluateText,
  heldBack,
  Learner,
  reservoirReplay,
  type Sleep,
  type SleepReport,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { profileAsync } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { mean } from '../benchmark.ts'
import type { SegmentedStream } from '../control/segments.ts'

const device = openWasm({ threads: 1 })
export const context = 32

/** What a life differs in from others. */
export interface LifeOptions {
  readonly seed: number
  /** Steps of each segment. */
  readonly steps: number
  /** Old rows learnt beside each new one. */
  readonly share: number
  /** Rows of each domain that are held back to judge by. */
  readonly judges: number
  /** None unless given. */
  readonly sleep?: Sleep
  /**
   * Has it sleep by hand after so many steps, from the second domain on, and looks whether the weights are what
   * they were.
   */
  readonly sleepsByHand?: number
}

/** What a life came to. Plain data. */
export interface Life {
  /** Mean over the earlier domains of their loss on held-out text in the end, less the lowest before, in bits/byte. */
  readonly forgetting: number
  /** Loss on held-out text of the domain that came last. */
  readonly latest: number
  /** Operations of all steps and sleeps. */
  readonly flops: number
  /** Jobs that were kept, and all that were done. */
  readonly kept: number
  readonly jobs: number
  /** Operations of the sleeps, of all. */
  readonly sleptShare: number
  /** Sleeps by hand after which a weight was another. */
  readonly changed: number
  readonly parameters: number
}

/** Lives through the segments of a language, another one, and the last, once. */
export async function lived(stream: SegmentedStream, options: LifeOptions): Promise<Life> {
  const { seed, steps, share, judges, sleep, sleepsByHand } = options
  const model = Gpt.create({ vocabulary: 256, context, embed: 48, heads: 4, layers: 2 }, { device, seed })
  const learner = new Learner({
    model,
    optimizer: chain(clipByGlobalNorm(1), adamw({ learningRate: warmUp(3e-3, 50), weightDecay: 0.01 })),
    strategy: {
      rehearsal: reservoirReplay({ capacity: 500, share, seed }),
      // Measured by sleep alone.
      probes: heldBack({ share: 0.02, rows: judges, every: 1e9 }),
      ...(sleep && { sleep }),
    },
    seed,
  })
  const segments = stream.segments.filter((_, i) => i === 0 || i === 1 || i === stream.segments.length - 1)
  const domains = segments.map(({ domain }) => domain)
  const lowest: Record<string, number> = {}
  const lossesNow = async (): Promise<Record<string, number>> => {
    const losses: Record<string, number> = {}
    for (const domain of domains)
      losses[domain] = (await evaluateText(model, stream.heldOut[domain])).bitsPerByte
    return losses
  }
  const slept: SleepReport[] = []
  let [flops, changed] = [0, 0]
  let last: Record<string, number> = {}
  for (const { batchAt } of segments) {
    const { profile } = await profileAsync(
      async () => {
        for (let step = 0; step < steps; step++) {
          const { events } = await learner.observe(batchAt(step))
          slept.push(...events.flatMap((event) => (event.kind === 'sleep' ? [event.data] : [])))
          if (sleepsByHand === undefined || learner.step <= steps || learner.step % sleepsByHand !== 0)
            continue
          const before = await weightsOf(model)
          slept.push(await learner.sleep())
          if ((await weightsOf(model)) !== before) changed++
        }
      },
      { events: 0 },
    )
    flops += profile.total.flops
    last = await lossesNow()
    for (const domain of domains) lowest[domain] = Math.min(lowest[domain] ?? Infinity, last[domain])
  }
  const jobs = slept.flatMap((report) => report.jobs)
  const taken = slept.reduce((sum, { operations }) => sum + operations, 0)
  const life: Life = {
    forgetting: mean(domains.slice(0, -1).map((domain) => last[domain] - lowest[domain])),
    latest: last[domains[domains.length - 1]],
    flops,
    kept: jobs.filter(({ kept }) => kept).length,
    jobs: jobs.length,
    sleptShare: taken / flops,
    changed,
    parameters: model.parameters.size,
  }
  learner.dispose()
  model.dispose()
  return life
}

/** A number for all weights, to the bit. */
async function weightsOf({ parameters }: Gpt): Promise<string> {
  const hash = createHash('sha256')
  for (const { tensor } of parameters)
    hash.update(new Uint8Array(Float32Array.from(await tensor.read()).buffer))
  return hash.digest('hex')
}
