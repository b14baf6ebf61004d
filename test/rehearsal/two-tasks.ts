/** Two tasks one after the other, of which the second contradicts the first, and how much of the first is left. */
import { adamw } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  joinBatches,
  Learner,
  passOf,
  type Strategy,
  type TokenBatch,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { scope } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'

const device = openWasm({ threads: 1 })
const vocabulary = 16
const length = 8

/** Two rows of a task: each token is so much more than the one before. */
export function batchAt(step: number, task: 'first' | 'second'): TokenBatch {
  const jump = task === 'first' ? 3 : 7
  const row = (start: number): TokenBatch =>
    batchOfTokens(
      Array.from({ length: length + 1 }, (_, t) => (start + jump * t) % vocabulary),
      length,
      task,
    )
  return joinBatches([row(step * 5), row(step * 5 + 2)])
}

/** Loss in nats per token on all that the first task can ask. */
export const lossOfFirst = (model: Gpt): number =>
  scope(() => {
    const all = joinBatches(Array.from({ length: vocabulary }, (_, i) => batchAt(i, 'first')))
    const losses = [...passOf(model, all).losses.readSync()]
    return losses.reduce((sum, loss) => sum + loss, 0) / losses.length
  })

export const learnerOf = (strategy: Strategy): Learner =>
  new Learner({
    model: Gpt.create(
      { vocabulary, context: length, embed: 16, heads: 2, layers: 1, mlpHidden: 16 },
      { device, seed: 2 },
    ),
    optimizer: adamw({ learningRate: 5e-3 }),
    strategy,
  })

/** Lives through both tasks. */
export async function live(strategy: Strategy, steps = 60): Promise<Learner> {
  const learner = learnerOf(strategy)
  for (let step = 0; step < 2 * steps; step++) {
    await learner.observe(batchAt(step, step < steps ? 'first' : 'second'))
  }
  return learner
}
