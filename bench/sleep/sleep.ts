/**
 * `npm run bench -- sleep --data DIR [--seeds N] [--lives FILE]`: whether as many steps asleep forget less than awake,
 * and whether what does harm is undone.
 *
 * A byte GPT reads English, German and Shakespeare, with replay. One life sleeps after every 200 steps, for 5 % of the
 * operations: it rehearses and dreams, and what makes a domain worse is undone, judged by up to 32 rows of each, one by
 * one. Steps between sleeps, judges and rows of a job were chosen with seed 11, of which nothing is reported. Another life has the same operations
 * awake, as more old rows in every step. Forgetting is the loss of the first two domains on held-out text in the end,
 * less the lowest before.
 *
 * Control: a job that learns remembered rows whose bytes are shuffled. From the second domain on it has to be undone in
 * every one of 20 sleeps, and no bit of the weights may be another after it. (A model that knows no byte from another
 * yet learns from shuffled ones how often each comes, which does no harm.)
 *
 * DIR holds the texts of `npm run bench -- controller`.
 */
import { dreamJob, everySteps, neverTrigger, rehearsalJob, sleep, type SleepJob } from '@burgeon/continual'
import { RandomStream } from '@burgeon/tensor'
import { atLeast, atMost, type Benchmark, type BenchmarkRow, mean } from '../benchmark.ts'
import { segmentedStream } from '../control/segments.ts'
import { context, type Life, lived } from './sleeping-life.ts'

const rows = 8
/** Old rows for each new one, but in the life that has as many operations awake. */
const share = 1
/** Rows of each domain by which a job is judged. */
const judges = 32
const [asleep, awake, plain, sabotaged] = [
  'sleeps, 5 % of the operations',
  'the same operations awake',
  'neither',
  'a job that learns noise',
] as const

export const sleeping: Benchmark = async ({ quick, seeds, data, note, once }) => {
  const steps = quick ? 100 : 400
  const every = quick ? 50 : 200
  const found = new Map<string, Life[]>()
  for (let seed = 1; seed <= (quick ? 1 : seeds); seed++) {
    const stream = segmentedStream('sleep', data, { seed, rows, length: context, steps, stream: 'reported' })
    const live = async (arm: string, run: () => Promise<Life>): Promise<Life> => {
      const life = await once(`seed ${seed}, ${arm}`, run)
      note(`seed ${seed}, ${arm}: ${JSON.stringify(life)}`)
      found.set(arm, [...(found.get(arm) ?? []), life])
      return life
    }
    const base = { seed, steps, share, judges }
    const without = await live(plain, () => lived(stream, base))
    const own = await live(asleep, () =>
      lived(stream, {
        ...base,
        sleep: sleep({ when: everySteps(every), jobs: [rehearsalJob({ rows: 16 }), dreamJob({ rows: 16 })] }),
      }),
    )
    // What sleep took, as old rows: a step of new and old rows costs as many as there are of both.
    const more = (own.flops / without.flops - 1) * (1 + share)
    await live(awake, () => lived(stream, { ...base, share: share + more }))
    await live(sabotaged, () =>
      lived(stream, {
        ...base,
        sleep: sleep({ when: neverTrigger, jobs: [noise], share: 0.5 }),
        sleepsByHand: Math.floor((2 * steps) / 20),
      }),
    )
  }
  const lives = (arm: string): readonly Life[] => found.get(arm) ?? []
  const of = (arm: string, valueOf: (life: Life) => number): number => mean(lives(arm).map(valueOf))
  const row = (arm: string, metric: string, unit: string, valueOf: (life: Life) => number): BenchmarkRow => {
    const values = lives(arm).map(valueOf)
    return { case: arm, metric, value: mean(values), values, unit }
  }
  return {
    rows: [
      ...[asleep, awake, plain].flatMap((arm) => [
        row(arm, 'forgetting', 'bits/byte', ({ forgetting }) => forgetting),
        row(arm, 'loss of the last domain', 'bits/byte', ({ latest }) => latest),
        row(arm, 'operations', 'TFLOP', ({ flops }) => flops / 1e12),
      ]),
      ...[asleep, sabotaged].flatMap((arm) => [
        row(arm, 'jobs done', '', ({ jobs }) => jobs),
        row(arm, 'jobs kept', '', ({ kept }) => kept),
      ]),
      row(asleep, 'operations of sleep, of all', '', ({ sleptShare }) => sleptShare),
      row(sabotaged, 'sleeps after which a weight was another', '', ({ changed }) => changed),
    ],
    checks: [
      atMost(
        'operations asleep, of those awake',
        of(asleep, ({ flops }) => flops) / of(awake, ({ flops }) => flops),
        1.005,
      ),
      atMost(
        'jobs of noise that were kept',
        of(sabotaged, ({ kept }) => kept),
        0,
      ),
      atLeast(
        'jobs of noise that were done',
        of(sabotaged, ({ jobs }) => jobs),
        20,
      ),
      atMost(
        'sleeps of noise after which a weight was another',
        of(sabotaged, ({ changed }) => changed),
        0,
      ),
      ...(quick
        ? []
        : [
            atMost(
              'forgetting asleep, of that awake',
              of(asleep, ({ forgetting }) => forgetting) / of(awake, ({ forgetting }) => forgetting),
              0.9,
            ),
            atMost(
              'loss of the last domain asleep less awake, bits/byte',
              of(asleep, ({ latest }) => latest) - of(awake, ({ latest }) => latest),
              0.01,
            ),
          ]),
    ],
  }
}

/** Learns rows that are remembered, their bytes shuffled. */
const noise: SleepJob = {
  name: 'noise',
  changesWeights: true,
  async run({ key, sample, learn }) {
    const random = new RandomStream(key)
    const losses: number[] = []
    for (;;) {
      const remembered = sample(rows)
      if (remembered === null || !('tokens' in remembered)) break
      const tokens = remembered.tokens.slice()
      for (let i = tokens.length - 1; i > 0; i--) {
        const j = random.below(i + 1)
        ;[tokens[i], tokens[j]] = [tokens[j], tokens[i]]
      }
      const loss = await learn({ ...remembered, tokens })
      if (loss === null) break
      losses.push(loss)
    }
    return losses.length === 0 ? null : { summary: `learnt ${losses.length} steps of noise` }
  },
}
