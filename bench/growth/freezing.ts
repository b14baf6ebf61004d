/**
 * `npm run bench -- freezing --data DIR [--seeds N]`: whether layers that have converged can rest. The same
 * model learns the same batches of Shakespeare twice, with all layers in every step, and with converged ones
 * settling and freezing. It learns at a constant rate, as a life without an end does, and is judged by what
 * it knows over the last tenth of the time.
 */
import { adamw, chain, clipByGlobalNorm } from '@burgeon/autograd/optim'
import { freezeConverged, Learner, type Strategy } from '@burgeon/continual'
import { Gpt, isDecayed } from '@burgeon/gpt'
import { type Device, profileAsync } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { atLeast, atMost, type Benchmark, type BenchmarkRow } from '../benchmark.ts'
import { type Course, heldOutLoss, readCourse, rowsOf } from './course.ts'

const sizes = { embed: 48, heads: 4, layers: 4, mlpHidden: 192 }

interface Outcome {
  /** On held-out text, in nats per character, mean of ten looks over the last tenth. */
  readonly loss: number
  /** FLOPs of all steps, looks at the blocks included, by the formulas of the op table. */
  readonly flops: number
}

export const freezing: Benchmark = async ({ data, seeds, quick, note }) => {
  const device = openWasm()
  const steps = quick ? 400 : 12_000
  const outcomes: { all: Outcome; frozen: Outcome }[] = []
  for (let seed = 1; seed <= (quick ? 1 : seeds); seed++) {
    const course = readCourse(data, 8, 64, seed)
    const say = (name: string, { loss, flops }: Outcome): void =>
      note(`seed ${seed}, ${name}: ${loss.toFixed(4)} after ${(flops / 1e12).toFixed(3)} TFLOP`)
    const all = await live(course, device, steps, {}, note)
    say('all layers in every step', all)
    const frozen = await live(course, device, steps, { freezing: freezeConverged() }, note)
    say('converged layers frozen', frozen)
    outcomes.push({ all, frozen })
  }
  const meanOf = (f: (outcome: (typeof outcomes)[number]) => number): number =>
    outcomes.reduce((total, outcome) => total + f(outcome), 0) / outcomes.length
  const [loss, flops] = [meanOf(({ frozen }) => frozen.loss), meanOf(({ frozen }) => frozen.flops)]
  const [peerLoss, peerFlops] = [meanOf(({ all }) => all.loss), meanOf(({ all }) => all.flops)]
  const about = { case: 'converged layers frozen', peer: 'all layers in every step' }
  const rows: BenchmarkRow[] = [
    {
      ...about,
      metric: 'held-out loss',
      value: loss,
      unit: 'nats',
      peerValue: peerLoss,
      ratio: peerLoss / loss,
    },
    {
      ...{ ...about, metric: 'operations', value: flops / 1e12, unit: 'TFLOP' },
      ...{ peerValue: peerFlops / 1e12, ratio: peerFlops / flops },
    },
  ]
  const checks = [
    atLeast('operations saved', 1 - flops / peerFlops, 0.2),
    atMost('held-out loss, of that of all layers', loss / peerLoss, 1.005),
  ]
  return { rows, checks: quick ? [] : checks }
}

/** Rises over fifty steps, and stays. */
const rateAt = (step: number): number => 1e-3 * Math.min(1, (step + 1) / 50)

async function live(
  course: Course,
  device: Device,
  steps: number,
  strategy: Strategy,
  note: (line: string) => void,
): Promise<Outcome> {
  const { vocabulary, length, seed } = course
  const model = Gpt.create({ ...sizes, vocabulary, context: length }, { device, seed })
  const optimizer = chain(
    clipByGlobalNorm(1),
    adamw({ learningRate: rateAt, beta2: 0.99, weightDecay: 0.1, decays: isDecayed }),
  )
  const learner = new Learner({ model, optimizer, strategy, seed })
  let flops = 0
  const late: number[] = []
  for (let step = 0; step < steps; step++) {
    const { result, profile } = await profileAsync(() => learner.observe(rowsOf(course, step)))
    for (const row of profile.rows()) flops += row.flops
    if (step >= 0.9 * steps && (step + 1) % Math.round(steps / 100) === 0)
      late.push(heldOutLoss(course, model))
    for (const event of result.events)
      if (event.kind === 'freezing')
        note(`step ${event.step}: ${event.data.blocks} blocks settle. ${event.data.reason}`)
  }
  const loss = late.reduce((a, b) => a + b, 0) / late.length
  learner.dispose()
  model.dispose()
  return { loss, flops }
}
