/** A short life on record: batches whose rows say which experience they are, and checkpoints to go on from. */
import { adamw, chain, clipByGlobalNorm } from '@burgeon/autograd/optim'
import {
  Learner,
  type LearnerState,
  type LifeMoment,
  type Past,
  type Strategy,
  type TokenBatch,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { type Device, keyFromSeed, RandomStream } from '@burgeon/tensor'

/** How it is lived. */
export interface SmallLife {
  readonly device: Device
  readonly steps: number
  readonly strategy?: () => Strategy
  /** Steps after which a checkpoint is kept; the birth unless given. */
  readonly kept?: readonly number[]
  /** Text of a row in the place of the usual one. */
  readonly planted?: ReadonlyMap<number, string>
  readonly rows?: number
  readonly seed?: number
}

export const context = 24

/** Rows of words that come again and again; row r is experience r. */
export function observedIn({ steps, planted, rows = 4, seed = 0 }: SmallLife): TokenBatch[] {
  const random = new RandomStream(keyFromSeed(seed)).named('rows')
  const words = ['rain ', 'falls ', 'on ', 'the ', 'old ', 'house ', 'and ', 'wind ', 'blows ', 'cold ']
  return Array.from({ length: steps }, (_, step): TokenBatch => {
    const tokens = new Int32Array(rows * (context + 1)).fill(-1)
    for (let row = 0; row < rows; row++) {
      let text = ''
      while (text.length <= context) text += words[random.below(words.length)]
      const own = planted?.get(step * rows + row) ?? text
      tokens.set(new TextEncoder().encode(own).subarray(0, context + 1), row * (context + 1))
    }
    return {
      ...{ rows, length: context, tokens, domains: new Array<string>(rows).fill('words') },
      origins: Array.from({ length: rows }, (__, row) => {
        const id = step * rows + row
        return { id, source: `source ${id % 3}`, domain: 'words', at: id, trust: 1 }
      }),
    }
  })
}

const optimizer = () => chain(clipByGlobalNorm(1), adamw({ learningRate: 3e-3 }))

/** Lives it, and returns the learner with its past. */
export async function smallLife(life: SmallLife): Promise<{ learner: Learner; past: Past }> {
  const { device, strategy = () => ({}), kept = [0], seed = 0 } = life
  const observed = observedIn(life)
  const sizes = { context: 32, embed: 16, heads: 2, layers: 2, mlpHidden: 32 }
  const learner = new Learner({
    model: Gpt.create(sizes, { device, seed: seed + 1 }),
    optimizer: optimizer(),
    strategy: strategy(),
  })
  const moments: LifeMoment[] = []
  const keep = async (): Promise<void> => {
    if (kept.includes(learner.step)) moments.push(momentOf(await learner.toState(), strategy, device))
  }
  await keep()
  for (const batch of observed) {
    await learner.observe(batch)
    await keep()
  }
  return { learner, past: { moments, observed: observed.slice(moments[0].step) } }
}

function momentOf(state: LearnerState, strategy: () => Strategy, device: Device): LifeMoment {
  return {
    step: state.step,
    begin(change) {
      const own = strategy()
      const growth = own.growth && { growth: change(own.growth) }
      const parts = { ...own, ...growth } as Strategy
      return Learner.fromState(structuredClone(state), { optimizer: optimizer(), strategy: parts, device })
    },
  }
}

export function letGo(learner: Learner): void {
  learner.dispose()
  learner.model.dispose()
}
