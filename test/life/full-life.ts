/**
 * A child process whose learner has a part in every role: rehearsal, EWC, drift, growth, a growing vocabulary, freezing, look-ahead and
 * accumulated gradients. `node full-life.ts FOLDER [STATE]` begins or goes on, saves after every step, and halts in the state named.
 */
import { accumulate, adamw, chain, clipByGlobalNorm, stateless } from '@burgeon/autograd/optim'
import {
  type TokenBatch,
  batchOfTokens,
  compose,
  everySteps,
  freezeConverged,
  growingVocabulary,
  growOnSchedule,
  laMaml,
  type LearnerOptions,
  onlineEwc,
  pageHinkley,
  reservoirReplay,
} from '@burgeon/continual'
import { childLife } from './child-life.ts'

const { pass, about, live } = childLife()

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const prose = bytes('the quick brown fox jumps over the lazy dog. '.repeat(20))
const numbers = bytes('3.14159 + 2.71828 = 5.85987; '.repeat(30))

function batchAt(at: number): TokenBatch {
  const [text, domain] = at < 14 ? [prose, 'prose'] : [numbers, 'numbers']
  const from = (at * 23) % 200
  return batchOfTokens(text.subarray(from, from + 49), 12, domain)
}

function parts(): Omit<LearnerOptions, 'model'> {
  const learns = adamw({ learningRate: 3e-2, weightDecay: 0.1 })
  const announcing = stateless('announcing', (gradients) => {
    pass(`${about()} updating`)
    return gradients
  })
  return {
    optimizer: accumulate(2, chain(clipByGlobalNorm(1), learns)),
    budget: { parameters: 20_000 },
    seed: 3,
    strategy: compose(
      { rehearsal: reservoirReplay({ capacity: 10, share: 0.5, seed: 1 }) },
      { penalties: [onlineEwc({ strength: 1, decay: 0.9, seed: 1 })] },
      { transforms: [announcing], lookAhead: laMaml({ rate: 0.5, rateOfRates: 0.05 }) },
      { detector: pageHinkley({ mode: 'up', delta: 0.1, threshold: 1, minSamples: 8 }) },
      { growth: growOnSchedule([{ step: 6, request: { kind: 'widenMlp', block: 'b1', to: 24 } }]) },
      { freezing: freezeConverged({ every: 1, patience: 2, tolerance: 0.9, settle: 2, maxShare: 0.5 }) },
      {
        vocabulary: growingVocabulary({
          ...{ tokens: 272, tokensAtOnce: 4, minCount: 4, growWhen: everySteps(10) },
        }),
      },
    ),
  }
}

await live({
  sizes: { context: 12, embed: 8, heads: 2, layers: 2, mlpHidden: 16 },
  parts,
  batchAt,
  steps: 26,
})
