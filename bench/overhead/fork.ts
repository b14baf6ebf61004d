/**
 * `npm run bench -- fork`: what a fork of a learner costs, in steps of that learner, on a byte GPT with all that
 * is usual beside it: two moments, importance and anchor, a full memory. A trial of one step that is dropped is
 * timed in turn with a step; what it takes longer is the fork.
 */
import { adamw } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  everySteps,
  Learner,
  onlineEwc,
  reservoirReplay,
  type TokenBatch,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { atMost, type Benchmark } from '../benchmark.ts'
import { median } from '../peers/peer.ts'

const rows = 8
const context = 64

/** Random bytes: what they are changes no time. */
function batchAt(step: number): TokenBatch {
  const random = new RandomStream(keyFromSeed(step))
  const bytes = Int32Array.from({ length: rows * context + 1 }, () => random.below(256))
  return batchOfTokens(bytes, context, 'noise')
}

async function milliseconds(body: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await body()
  return performance.now() - start
}

export const fork: Benchmark = async ({ quick }) => {
  const device = openWasm({ threads: 1 })
  const sizes = quick ? { embed: 64, layers: 2 } : { embed: 128, layers: 4 }
  const model = Gpt.create({ ...sizes, context, heads: 4 }, { device })
  const learner = new Learner({
    model,
    optimizer: adamw({ learningRate: 1e-4 }),
    strategy: {
      rehearsal: reservoirReplay({ capacity: 2000, share: 0.5 }),
      penalties: [onlineEwc({ strength: 1 })],
      consolidateWhen: everySteps(4),
    },
  })
  for (let step = 0; step < 12; step++) await learner.observe(batchAt(step))
  const before = { ...device.memory }
  const [steps, trials]: number[][] = [[], []]
  for (let round = 0; round < (quick ? 20 : 60); round++) {
    const batch = batchAt(100 + round)
    trials.push(
      await milliseconds(async () => {
        const trial = learner.fork()
        await trial.observe(batch)
        await trial.drop()
      }),
    )
    if (round === 0 && device.memory.bytes !== before.bytes)
      throw new Error('a dropped fork left bytes behind')
    steps.push(await milliseconds(() => learner.observe(batch)))
  }
  const step = median(steps)
  const cost = median(trials.map((trial, i) => trial - steps[i]))
  const about = `${model.parameters.size} parameters, ${rows} rows of ${context}`
  return {
    rows: [
      { case: about, metric: 'a step', value: step, unit: 'ms' },
      { case: about, metric: 'a fork that is tried and dropped, without its step', value: cost, unit: 'ms' },
      { case: about, metric: 'the same in steps', value: cost / step, unit: 'steps' },
    ],
    checks: [atMost('steps that a fork costs', cost / step, 3)],
  }
}
