/** Small models that learn a task whose answer is known, and the same models with their weights shuffled. */
import { adamw, chain, clipByGlobalNorm, warmUp } from '@burgeon/autograd/optim'
import { Learner, type TokenBatch } from '@burgeon/continual'
import { Gpt, type GptSizes } from '@burgeon/gpt'
import { type GrowthRequest, grow } from '@burgeon/gpt/growth'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'

/** How a model is trained. */
export interface Training {
  readonly sizes: GptSizes
  readonly seed: number
  readonly steps: number
  readonly rate: number
  readonly batch: (random: RandomStream) => TokenBatch
  /** Growth before the first step. */
  readonly grown?: readonly GrowthRequest[]
  /** Is told the loss of each step, and shown the model; true ends the training. */
  readonly seen?: (loss: number, model: Gpt, step: number) => boolean
}

/** The model at the end. */
export async function trained(training: Training): Promise<Gpt> {
  const { sizes, seed, steps, rate, batch, grown = [], seen } = training
  const model = Gpt.create(sizes, { seed })
  for (const request of grown) await grow(model, request, { mirrors: [], key: keyFromSeed(seed) })
  const optimizer = chain(clipByGlobalNorm(1), adamw({ learningRate: warmUp(rate, 50), beta2: 0.99 }))
  const learner = new Learner({ model, optimizer })
  const random = new RandomStream(keyFromSeed(seed)).named('task')
  for (let step = 0; step < steps; step++) {
    const rows = batch(random)
    const { loss } = await learner.observe(rows)
    if (seen?.(loss, model, step)) break
  }
  learner.dispose()
  return model
}

/** The same model with the numbers of each parameter in another order. */
export async function shuffled(model: Gpt, seed: number): Promise<Gpt> {
  const { weights, ...state } = await model.toState()
  const random = new RandomStream(keyFromSeed(seed)).named('shuffle')
  const mixed = Object.entries(weights).map(([path, { shape, data }]) => {
    const numbers = Float32Array.from(data)
    for (let i = numbers.length - 1; i > 0; i--) {
      const j = random.below(i + 1)
      ;[numbers[i], numbers[j]] = [numbers[j], numbers[i]]
    }
    return [path, { shape, data: numbers }] as const
  })
  return Gpt.fromState({ ...state, weights: Object.fromEntries(mixed) })
}

/** Rows of a task: tokens, and which predictions are learnt. */
export interface TaskRow {
  readonly tokens: readonly number[]
  /** Whether the token at a place is to be predicted. */
  readonly isLearnt: (place: number) => boolean
}

/** The batch of rows of one length. */
export function batchOfTask(rows: readonly TaskRow[]): TokenBatch {
  const length = rows[0].tokens.length - 1
  return {
    ...{ rows: rows.length, length, domains: rows.map(() => 'task') },
    tokens: Int32Array.from(rows.flatMap(({ tokens }) => tokens)),
    weights: Float32Array.from(
      rows.flatMap(({ isLearnt }) => Array.from({ length }, (_, t) => Number(isLearnt(t + 1)))),
    ),
  }
}

/** Different numbers below a limit, in random order. */
export function drawDistinct(random: RandomStream, count: number, below: number): number[] {
  const all = Array.from({ length: below }, (_, i) => i)
  for (let i = 0; i < count; i++) {
    const j = i + random.below(below - i)
    ;[all[i], all[j]] = [all[j], all[i]]
  }
  return all.slice(0, count)
}
