/**
 * `npm run bench -- context --data DIR [--seeds N]`: whether a context should grow, and where new positions
 * should come. A small model learns Shakespeare by rows of 32 characters, grows to 128 in each way that there
 * is, and learns on. Its peer has 128 from the start; another never grows. All see as many characters in
 * every step.
 */
import { adamw, chain, clipByGlobalNorm } from '@burgeon/autograd/optim'
import { Learner } from '@burgeon/continual'
import { Gpt, isDecayed } from '@burgeon/gpt'
import { grow, type GrowContext } from '@burgeon/gpt/growth'
import { type Device, scope } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { type Benchmark, type BenchmarkRow, mean, worseBeyondSeeds } from '../benchmark.ts'
import { batchOf, type Course, heldOutLoss, readCourse, rowsOf } from './course.ts'

const [short, long] = [32, 128]
const tokensPerStep = 1024

const kinds = ['learned', 'rotary'] as const
type Positions = (typeof kinds)[number]
type How = NonNullable<GrowContext['how']>
const fixed = ['long from the start', 'never grown'] as const
type Way = How | (typeof fixed)[number]
const growths: Readonly<Record<Positions, readonly How[]>> = {
  learned: ['appended', 'repeated', 'stretched'],
  rotary: ['appended', 'stretched', 'byParts'],
}

/** Held-out losses in nats per character, each over rows as long as the context of that time. */
interface Outcome {
  readonly before: number
  readonly atOnce: number
  readonly after: number
}

export const context: Benchmark = async ({ data, seeds, quick, note, once }) => {
  const device = openWasm()
  const steps = quick ? ([60, 20] as const) : ([1200, 2400] as const)
  const outcomes = new Map<string, Outcome[]>()
  for (let seed = 1; seed <= (quick ? 1 : seeds); seed++) {
    const courses = [short, long].map((length) => readCourse(data, tokensPerStep / length, length, seed))
    for (const positions of kinds) {
      for (const way of [...fixed, ...growths[positions]]) {
        const name = nameOf(positions, way)
        const outcome = await once(`seed ${seed}, ${name}`, () =>
          live(courses as [Course, Course], device, positions, way, steps),
        )
        outcomes.set(name, [...(outcomes.get(name) ?? []), outcome])
        note(
          `seed ${seed}, ${name}: ${outcome.before.toFixed(4)}, then ${outcome.atOnce.toFixed(4)}, at last ${outcome.after.toFixed(4)}`,
        )
      }
    }
  }
  const meanOf = (name: string, what: keyof Outcome): number => {
    return mean((outcomes.get(name) ?? []).map((outcome) => outcome[what]))
  }
  const rows: BenchmarkRow[] = []
  for (const positions of kinds) {
    const [peer, never] = fixed.map((way) => nameOf(positions, way))
    const row = (name: string, what: keyof Outcome, metric: string): BenchmarkRow => {
      const [value, peerValue] = [meanOf(name, what), meanOf(peer, 'after')]
      const values = (outcomes.get(name) ?? []).map((outcome) => outcome[what])
      return { case: name, metric, value, values, unit: 'nats', peer, peerValue, ratio: peerValue / value }
    }
    rows.push(row(never, 'after', atTheEnd))
    for (const how of growths[positions]) {
      const name = nameOf(positions, how)
      rows.push(row(name, 'atOnce', 'held-out loss, just grown'), row(name, 'after', atTheEnd))
    }
  }
  const checks = kinds.map((positions) => {
    const [name, peer] = [nameOf(positions, 'appended'), nameOf(positions, fixed[0])]
    const [grown, longFirst] = [name, peer].map((one) => (outcomes.get(one) ?? []).map(({ after }) => after))
    return worseBeyondSeeds(`${peer}: loss at the end above that of ${name}`, longFirst, grown)
  })
  return { rows, checks: quick ? [] : checks }
}

const atTheEnd = 'held-out loss at the end'
const nameOf = (positions: Positions, way: Way): string =>
  `${positions} positions, ${way === 'byParts' ? 'stretched by parts' : way}`

/** Rises over fifty steps, and stays. */
const rateAt = (step: number): number => 2e-3 * Math.min(1, (step + 1) / 50)

async function live(
  [brief, full]: readonly [Course, Course],
  device: Device,
  positions: Positions,
  way: Way,
  [first, second]: readonly [number, number],
): Promise<Outcome> {
  const begin = way === 'long from the start' ? full : brief
  const end = way === 'never grown' ? brief : full
  const { vocabulary, seed } = begin
  const sizes = { vocabulary, context: begin.length, embed: 64, heads: 4, layers: 3, positions }
  const model = Gpt.create(sizes, { device, seed })
  const optimizer = chain(
    clipByGlobalNorm(1),
    adamw({ learningRate: rateAt, beta2: 0.99, weightDecay: 0.1, decays: isDecayed }),
  )
  const learner = new Learner({ model, optimizer, seed })
  for (let step = 0; step < first; step++) await learner.observe(rowsOf(begin, step))
  const before = heldOutLoss(begin, model)
  if (way !== 'long from the start' && way !== 'never grown') {
    using probe = scope(() => batchOf(begin, first, model).tokens)
    const { mirrors } = optimizer
    await grow(model, { kind: 'growContext', to: long, how: way }, { mirrors, probe, key: [seed, 1] })
  }
  const atOnce = heldOutLoss(end, model)
  for (let step = first; step < first + second; step++) await learner.observe(rowsOf(end, step))
  const after = heldOutLoss(end, model)
  learner.dispose()
  model.dispose()
  return { before, atOnce, after }
}
