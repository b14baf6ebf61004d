/** A life over English, German and English again, in which every prediction is judged before it is learnt. */
import { adamw, chain, clipByGlobalNorm, warmUp } from '@burgeon/autograd/optim'
import {
  type Assessment,
  batchOfTokens,
  equalMassCalibrationError,
  Learner,
  reservoirReplay,
  selfAssessment,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { openWasm } from '@burgeon/tensor/wasm'
import { mean } from '../benchmark.ts'

const device = openWasm({ threads: 1 })
const context = 64
const rows = 8
const perStep = rows * context
/** Predictions of a stretch in which the promise is looked at, and from the begin of one to that of the next. */
const [stretch, every] = [2000, 50]
export const promised = 0.9

/** What became of one segment. */
export interface CalibratedSegment {
  readonly name: string
  readonly predictions: number
  /** Share of predictions whose set held what came. */
  readonly coverage: number
  /** The same of sets by the model alone, with the threshold that held what was promised on the first segment. */
  readonly fixed: number
  /** Expected calibration error of the model alone, and at the temperature known before each prediction. */
  readonly rawError: number
  readonly error: number
  /** −log₂ p of what came, of both. */
  readonly rawBits: number
  readonly bits: number
}

/** What a life came to. Plain data. */
export interface CalibratedLife {
  readonly segments: readonly CalibratedSegment[]
  /** Share of all predictions whose set held what came. */
  readonly coverage: number
  /** Farthest from what is promised, of all stretches of 2,000 predictions. */
  readonly farthest: number
  readonly parameters: number
}

/** One prediction. */
interface Judged {
  readonly held: boolean
  /** Probability, by the model alone, of all tokens likelier than the one that came. */
  readonly score: number
  readonly right: number
  readonly raw: number
  readonly calibrated: number
  readonly rawBits: number
  readonly bits: number
}

/**
 * Lives through texts, one after another, in one domain: nothing says where one ends.
 *
 * @param learnsOn Whether it goes on learning after the first text.
 */
export async function calibratedLife(
  seed: number,
  texts: Readonly<Record<string, Uint8Array>>,
  learnsOn: boolean,
): Promise<CalibratedLife> {
  const [first] = Object.values(texts)
  const steps = Math.floor((first.length - 1) / perStep)
  const warm = warmUp(3e-3, 50)
  const model = Gpt.create({ vocabulary: 256, context, embed: 64, heads: 4, layers: 2 }, { device, seed })
  const judged: Judged[] = []
  const learner = new Learner({
    model,
    optimizer: chain(
      clipByGlobalNorm(1),
      adamw({ learningRate: (step) => (learnsOn || step < steps ? warm(step) : 0), weightDecay: 0.01 }),
    ),
    strategy: {
      rehearsal: reservoirReplay({ capacity: 500, share: 1, seed }),
      assessment: watched(selfAssessment({ coverage: promised }), judged),
    },
    seed,
  })
  const segments: CalibratedSegment[] = []
  let threshold = 0
  for (const [name, text] of Object.entries(texts)) {
    const from = judged.length
    for (let at = 0; at + perStep < text.length; at += perStep) {
      await learner.observe(batchOfTokens(text.subarray(at, at + perStep + 1), context, 'stream'))
    }
    const own = judged.slice(from)
    if (segments.length === 0) threshold = thresholdOf(own.slice(own.length / 2))
    segments.push(segmentOf(name, own, threshold))
  }
  const stretches = Array.from({ length: Math.floor((judged.length - stretch) / every) }, (_, i) =>
    coverageOf(judged.slice(i * every, i * every + stretch)),
  )
  const life: CalibratedLife = {
    segments,
    coverage: coverageOf(judged),
    farthest: Math.max(...stretches.map((covered) => Math.abs(covered - promised))),
    parameters: model.parameters.size,
  }
  learner.dispose()
  model.dispose()
  return life
}

/** Writes down every prediction by itself: of the assessment's own account nothing is taken but sets and temperature. */
function watched(own: Assessment, judged: Judged[]): Assessment {
  return {
    name: own.name,
    certaintyOf: (logits, domain) => own.certaintyOf(logits, domain),
    summary: () => own.summary(),
    toState: () => own.toState(),
    restore: (state) => own.restore(state),
    update(step) {
      const { logits, vocabulary, targets } = step
      const { temperature } = own.certaintyOf(new Float32Array(vocabulary))
      const assessed = own.update(step)
      for (const [i, target] of targets.entries()) {
        const row = Array.from({ length: vocabulary }, (_, v) => logits[i * vocabulary + v])
        const [raw, scaled] = [1, temperature].map((t) => softmax(row.map((logit) => logit / t)))
        const best = raw.indexOf(Math.max(...raw))
        judged.push({
          held: assessed.held[i] === true,
          score: raw.reduce((above, p) => (p > raw[target] ? above + p : above), 0),
          ...{ right: Number(best === target), raw: raw[best], calibrated: scaled[best] },
          ...{ rawBits: -Math.log2(raw[target]), bits: -Math.log2(scaled[target]) },
        })
      }
      return assessed
    },
  }
}

function softmax(logits: readonly number[]): number[] {
  const top = Math.max(...logits)
  const weights = logits.map((logit) => Math.exp(logit - top))
  const total = weights.reduce((a, b) => a + b, 0)
  return weights.map((weight) => weight / total)
}

const coverageOf = (judged: readonly Judged[]): number => mean(judged.map(({ held }) => Number(held)))

/** The score that as many predictions as promised do not pass. */
const thresholdOf = (judged: readonly Judged[]): number =>
  judged.map(({ score }) => score).toSorted((a, b) => a - b)[Math.ceil(promised * judged.length) - 1]

function segmentOf(name: string, judged: readonly Judged[], threshold: number): CalibratedSegment {
  const errorOf = (confidences: readonly number[]): number =>
    equalMassCalibrationError(
      confidences,
      judged.map(({ right }) => right),
    )
  return {
    ...{ name, predictions: judged.length, coverage: coverageOf(judged) },
    fixed: mean(judged.map(({ score }) => Number(score <= threshold))),
    rawError: errorOf(judged.map(({ raw }) => Math.min(1, raw))),
    error: errorOf(judged.map(({ calibrated }) => Math.min(1, calibrated))),
    rawBits: mean(judged.map(({ rawBits }) => rawBits)),
    bits: mean(judged.map(({ bits }) => bits)),
  }
}
