/** Predictions of a made-up model, for an assessment. */
import type { AssessedStep, Assessment } from '@burgeon/continual'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'

/** How a step is predicted. */
export interface MadeUp {
  readonly domain?: string
  readonly source?: string | null
  /** Predictions. 64 unless given. */
  readonly count?: number
  /** By how much the logits are too large; 1 for a model that knows how sure it may be. */
  readonly tooSure?: number
  /** Added to the logit of a capital letter that does not come. */
  readonly wrongCapitals?: number
  /** Whether in every fourth place `a` and `b` are expected and `c` comes. */
  readonly trap?: boolean
}

const letters = 'abcdABCD'
export const vocabulary: number = letters.length

/** Tokens come by the softmax of random logits. */
export function assessedStep(
  seed: number,
  { domain = 'text', source = null, count = 64, tooSure = 1, wrongCapitals = 0, trap = false }: MadeUp = {},
): AssessedStep {
  const random = new RandomStream(keyFromSeed(seed)).named('assessed')
  const logits = new Float32Array(count * vocabulary)
  const targets = new Int32Array(count)
  for (let i = 0; i < count; i++) {
    const own = Array.from({ length: vocabulary }, () => 3 * random.uniform())
    let left = random.uniform() * own.reduce((sum, logit) => sum + Math.exp(logit), 0)
    const target = Math.max(
      0,
      own.findIndex((logit) => (left -= Math.exp(logit)) <= 0),
    )
    targets[i] = target
    own.forEach((logit, v) => {
      const wrong = target >= 4 && v !== target ? wrongCapitals : 0
      logits[i * vocabulary + v] = tooSure * logit + wrong
    })
    if (trap && i % 4 === 0) {
      targets[i] = 2
      for (let v = 0; v < vocabulary; v++) logits[i * vocabulary + v] = v < 2 ? 4 + 0.1 * random.uniform() : 0
    }
  }
  return {
    ...{ step: seed + 1, logits, vocabulary, targets, rows: [{ domain, source }] },
    bytesOf: (token) => new TextEncoder().encode(letters[token]),
  }
}

let seed = 0
export const assessSome = (assessment: Assessment): unknown => assessment.update(assessedStep(seed++))
