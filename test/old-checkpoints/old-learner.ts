/** The learner of the kept checkpoint: a part in every role, on the device whose bits are the same everywhere. */
import { createHash } from 'node:crypto'
import { accumulate, adamw, chain, clipByGlobalNorm } from '@burgeon/autograd/optim'
import {
  type TokenBatch,
  batchOfTokens,
  byteShift,
  compose,
  everySteps,
  freezeConverged,
  growingVocabulary,
  growOnSchedule,
  laMaml,
  type Learner,
  type LearnerOptions,
  onlineEwc,
  pageHinkley,
  reservoirReplay,
} from '@burgeon/continual'

/** Steps before the checkpoint was written, and steps after it until the digest was taken. */
export const [stepsBefore, stepsAfter] = [17, 14]

export const sizes = { context: 12, embed: 4, heads: 2, layers: 2, mlpHidden: 6 }

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const prose = bytes('the quick brown fox jumps over the lazy dog. '.repeat(20))
const numbers = bytes('3.14159 + 2.71828 = 5.85987; '.repeat(30))

/** What is learnt in a step: another text from the fourteenth on. */
export function batchAt(step: number): TokenBatch {
  const [text, domain] = step < 14 ? [prose, 'prose'] : [numbers, 'numbers']
  const from = (step * 23) % 200
  return batchOfTokens(text.subarray(from, from + 37), 12, domain)
}

/** Vocabulary, MLP and layers grow before the checkpoint and after it; blocks freeze; importance is judged at the change. */
export function parts(): Omit<LearnerOptions, 'model'> {
  const learns = adamw({ learningRate: 3e-2, weightDecay: 0.1 })
  return {
    optimizer: accumulate(2, chain(clipByGlobalNorm(1), learns)),
    budget: { parameters: 20_000 },
    seed: 3,
    strategy: compose(
      { rehearsal: reservoirReplay({ capacity: 6, share: 0.5, seed: 1 }) },
      { penalties: [onlineEwc({ strength: 1, decay: 0.9, seed: 1 })], consolidateWhen: everySteps(8) },
      { lookAhead: laMaml({ rate: 0.5, rateOfRates: 0.05 }) },
      { detector: pageHinkley({ mode: 'up', delta: 0.1, threshold: 1, minSamples: 8 }) },
      { watches: [byteShift({ recent: 40, past: 400, threshold: 10, warmUp: 100 })] },
      {
        growth: growOnSchedule([
          { step: 6, request: { kind: 'widenMlp', block: 'b1', to: 8 } },
          { step: 21, request: { kind: 'addLayer', at: 2 } },
        ]),
      },
      { freezing: freezeConverged({ every: 1, patience: 2, tolerance: 0.9, settle: 2, maxShare: 0.5 }) },
      {
        vocabulary: growingVocabulary({
          ...{ tokens: 272, tokensAtOnce: 4, minCount: 4, growWhen: everySteps(10) },
        }),
      },
    ),
  }
}

/** Of every number of the model, in the order of their paths. */
export async function digestOf({ model }: Learner): Promise<string> {
  const { weights } = await model.toState()
  const hash = createHash('sha256')
  for (const path of Object.keys(weights).toSorted((a, b) => (a < b ? -1 : 1))) {
    const { shape, data } = weights[path]
    hash.update(`${path} ${shape.join()}\n`)
    hash.update(Float64Array.from(data))
  }
  return hash.digest('hex')
}
