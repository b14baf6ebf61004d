/**
 * `npm run bench -- context --data DIR [--seeds N]`: what a longer context is worth, and where new positions should come. A small model learns
 * Shakespeare by rows of 32 characters, grows to 128 in each way that there is, and learns on; its peer learns on as it is. All see as many
 * characters in every step.
 */
import { adamw, chain, clipByGlobalNorm } from '@burgeon/autograd'
import { Learner } from '@burgeon/continual'
import { Gpt, isDecayed } from '@burgeon/gpt'
import { grow, type GrowContext } from '@burgeon/gpt/growth'
import { type Device, scope } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { atMost, type Benchmark, type BenchmarkRow } from '../benchmark.ts'
import { batchOf, type Course, heldOutLoss, readCourse, rowsOf } from './course.ts'

const [short, long] = [32, 128]
const tokensPerStep = 1024

type Positions = 'learned' | 'rotary'
type How = NonNullable<GrowContext['how']>
/** Null does not grow. */
const ways: Readonly<Record<Positions, readonly (How | null)[]>> = {
  learned: [null, 'appended', 'repeated', 'stretched'],
  rotary: [null, 'appended', 'stretched', 'byParts'],
}

/** Held-out losses in nats per character, each over rows as long as the context of that time. */
interface Outcome {
  readonly before: number
  readonly atOnce: number
  readonly after: number
}

export const context: Benchmark = async ({ data, seeds, quick, note }) => {
  const device = openWasm()
  const steps = quick ? [60, 20] : [2400, 600]
  const outcomes = new Map<string, Outcome[]>()
  for (let seed = 1; seed <= (quick ? 1 : seeds); seed++) {
    const courses = [short, long].map((length) => readCourse(data, tokensPerStep / length, length, seed))
    for (const positions of ['learned', 'rotary'] as const) {
      for (const how of ways[positions]) {
        const outcome = await live(
          courses as [Course, Course],
          device,
          positions,
          how,
          steps as [number, number],
        )
        const name = nameOf(positions, how)
        outcomes.set(name, [...(outcomes.get(name) ?? []), outcome])
        note(
          `seed ${seed}, ${name}: ${outcome.before.toFixed(4)}, then ${outcome.atOnce.toFixed(4)}, at last ${outcome.after.toFixed(4)}`,
        )
      }
    }
  }
  const meanOf = (name: string, what: keyof Outcome): number => {
    const all = outcomes.get(name) ?? []
    return all.reduce((total, outcome) => total + outcome[what], 0) / all.length
  }
  const grown = (['learned', 'rotary'] as const).flatMap((positions) =>
    ways[positions].flatMap((how) =>
      how === null ? [] : [{ name: nameOf(positions, how), peer: nameOf(positions, null) }],
    ),
  )
  const rows = grown.flatMap(({ name, peer }): BenchmarkRow[] =>
    (['atOnce', 'after'] as const).map((what) => {
      const [value, peerValue] = [meanOf(name, what), meanOf(peer, what)]
      const metric = what === 'atOnce' ? 'held-out loss, just grown' : 'held-out loss at the end'
      return { case: name, metric, value, unit: 'nats', peer, peerValue, ratio: peerValue / value }
    }),
  )
  const checks = grown.map(({ name, peer }) =>
    atMost(`${name}: loss at the end, of that of ${peer}`, meanOf(name, 'after') / meanOf(peer, 'after'), 1),
  )
  return { rows, checks: quick ? [] : checks }
}

const nameOf = (positions: Positions, how: How | null): string =>
  `${positions} positions, ${how === null ? 'not grown' : how === 'byParts' ? 'stretched by parts' : how}`

/** Rises over fifty steps, and stays. */
const rateAt = (step: number): number => 2e-3 * Math.min(1, (step + 1) / 50)

async function live(
  [brief, full]: readonly [Course, Course],
  device: Device,
  positions: Positions,
  how: How | null,
  [first, second]: readonly [number, number],
): Promise<Outcome> {
  const { vocabulary, seed } = brief
  const sizes = { vocabulary, context: short, embed: 64, heads: 4, layers: 3, positions }
  const model = Gpt.create(sizes, { device, seed })
  const optimizer = chain(
    clipByGlobalNorm(1),
    adamw({ learningRate: rateAt, beta2: 0.99, weightDecay: 0.1, decays: isDecayed }),
  )
  const learner = new Learner({ model, optimizer, seed })
  for (let step = 0; step < first; step++) await learner.observe(rowsOf(brief, step))
  const before = heldOutLoss(brief, model)
  const course = how === null ? brief : full
  if (how !== null) {
    using probe = scope(() => batchOf(brief, first, model).tokens)
    const { mirrors } = optimizer
    await grow(model, { axis: 'context', to: long, how }, { mirrors, probe, key: [seed, 1] })
  }
  const atOnce = heldOutLoss(course, model)
  for (let step = first; step < first + second; step++) await learner.observe(rowsOf(course, step))
  const after = heldOutLoss(course, model)
  learner.dispose()
  model.dispose()
  return { before, atOnce, after }
}
