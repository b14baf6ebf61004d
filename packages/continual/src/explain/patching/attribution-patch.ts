/**
 * Attribution patching: an estimate of all patches from one backward pass, and the largest of them measured.
 */
import { pullBack, recordTape } from '@burgeon/autograd'
import {
  checkOptions,
  checks,
  fill,
  multiply,
  reshape,
  scope,
  subtract,
  sum,
  type Tensor,
} from '@burgeon/tensor'
import { type Explained, readerOf } from '../question/explained.ts'
import { rowsOfAnswer, scoresOf, tokensOn } from '../question/question.ts'
import { type Activation, activationsOf, columnsOf, keyOf, noting, valuesOf } from './activation.ts'
import { patch, type Patching } from './patch.ts'
import { patchAsked, type PatchQuestion, twoRuns } from './two-runs.ts'

/** How many estimates are measured. */
export interface AttributionPatchOptions {
  /** The parts with the largest estimates, from 0. 5 unless given. */
  readonly measured?: number
}

/** What a part does for the answer. Plain data. */
export interface PatchEstimate extends Activation {
  /** To first order, in logits. */
  readonly estimate: number
  /** What `patch` measures; of the largest estimates alone. */
  readonly effect?: number
}

/** Which parts an answer may be due to. Plain data. */
export interface AttributionPatching extends Pick<Patching, 'cleanScore' | 'corruptScore'> {
  /** The largest estimates first, whatever their sign. */
  readonly estimates: readonly PatchEstimate[]
  /** Largest |estimate − effect| of those measured, in logits; null where none is. */
  readonly gap: number | null
}

/**
 * Attribution patching (Nanda 2023): (a_clean − a_corrupt)·∂score/∂a in the corrupt run is to first order
 * what
 * `patch` measures with `denoise`, for all heads and MLPs from one backward pass. Where a softmax or a
 * norm is saturated it is far off, so the largest estimates are measured.
 *
 * @throws As `patch`.
 */
export async function attributionPatch(
  explained: Explained,
  question: PatchQuestion,
  options: AttributionPatchOptions = {},
): Promise<AttributionPatching> {
  const who = 'attributionPatch'
  const reader = readerOf(who, explained)
  const { asked, corrupt } = patchAsked(who, reader, question)
  checkOptions(who, options, { measured: checks.count })
  const { measured = 5 } = options
  const parts = activationsOf(reader.model).filter(({ part }) => part !== 'embedding')
  const found = scope((): readonly Tensor[] => {
    const { clean, corruptStream } = twoRuns(reader, asked, corrupt)
    const run = new Map<string, Tensor>()
    using recorded = recordTape([corruptStream], () => {
      const logits = reader.logits(tokensOn(reader, asked), {
        observe: noting(run),
        replace: (_, what) => (what === 'embedded' ? corruptStream : undefined),
      })
      return scoresOf(asked, rowsOfAnswer(asked, logits))
    })
    const one = fill(corruptStream.device, [1], 1)
    const gradients = pullBack(recorded.tape, [recorded.result], [one], [...run.values()])
    return parts.map((part) => {
      const [from, to] = [valuesOf(run, part), valuesOf(clean, part)]
      const gradient = gradients.get(from.id)
      // What is written into a place that no answer reads.
      if (gradient === undefined) return fill(from.device, [1], 0)
      return reshape(sum(multiply(columnsOf(part, subtract(to, from)), columnsOf(part, gradient))), [1])
    })
  })
  const estimates: PatchEstimate[] = []
  for (const [i, tensor] of found.entries()) {
    using own = tensor
    estimates.push({ ...parts[i], estimate: (await own.read())[0] })
  }
  const sorted = estimates.toSorted((a, b) => Math.abs(b.estimate) - Math.abs(a.estimate))
  const activations = sorted.slice(0, measured).map(({ estimate: _, ...activation }) => activation)
  const { cleanScore, corruptScore, effects } = await patch(explained, question, { activations })
  const known = new Map(effects.map((effect) => [keyOf(effect), effect.effect]))
  const told = sorted.map((estimate) => {
    const effect = known.get(keyOf(estimate))
    return effect === undefined ? estimate : { ...estimate, effect }
  })
  const gaps = told.flatMap(({ estimate, effect }) =>
    effect === undefined ? [] : [Math.abs(estimate - effect)],
  )
  return { cleanScore, corruptScore, estimates: told, gap: gaps.length === 0 ? null : Math.max(...gaps) }
}
