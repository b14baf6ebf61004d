/** Activation patching: which parts of a model an answer is due to, measured. */
import { checkOptions, checks, scope, type Tensor } from '@burgeon/tensor'
import { ExplanationError } from '../../errors.ts'
import { type Explained, readerOf } from '../question/explained.ts'
import { type Activation, activationsOf, anActivationOf } from './activation.ts'
import { type Direction, patchAsked, type PatchQuestion, twoRuns } from './two-runs.ts'

/** What is carried where. */
export interface PatchOptions {
  /** Parts that are tried one by one; all heads and MLPs unless given. */
  readonly activations?: readonly Activation[]
  /** `denoise` unless given. */
  readonly direction?: Direction
}

/** What a part does for the answer. Plain data. */
export interface PatchEffect extends Activation {
  /**
   * In logits: how much of the score comes back with this part of the clean run alone (`denoise`), or goes
   * without it (`noise`).
   */
  readonly effect: number
  /** The same as a share of `cleanScore − corruptScore`; null where these are equal. */
  readonly share: number | null
}

/** Which parts an answer is due to. Plain data. */
export interface Patching {
  /** Score of the answer after the prompt, in logits (see `Question`). */
  readonly cleanScore: number
  /** Score after the corrupt prompt. */
  readonly corruptScore: number
  /** The largest effects first. */
  readonly effects: readonly PatchEffect[]
}

/**
 * Runs a model on a prompt and on a corrupt one, and carries what one part has written in one run into the
 * other (causal tracing, Vig et al. 2020; Meng et al. 2022, section 2.1): exactly what the rest of the model
 * then makes of it. That all parts carried together give the score of the run that they are from, to the
 * bit, and none that of the other, is looked at in each call.
 *
 * @throws OptionError for a question that cannot be asked, a corrupt prompt of another length, or parts that
 *   the model has not; ExplanationError where a run cannot be made again.
 * @example
 * ```ts
 * const [prompt, corrupt] = ['Anna met Bob. Anna ', 'Emma met Bob. Anna ']
 * const { effects } = await patch(model, { prompt, corrupt, answer: 'm' })
 * console.log(effects[0]) // { block: 'b1', part: 'head', head: 2, effect: …, share: … }
 * ```
 */
export async function patch(
  explained: Explained,
  question: PatchQuestion,
  options: PatchOptions = {},
): Promise<Patching> {
  const who = 'patch'
  const reader = readerOf(who, explained)
  const { asked, corrupt } = patchAsked(who, reader, question)
  const [all, anActivation] = [activationsOf(reader.model), anActivationOf(reader.model)]
  checkOptions(who, options, {
    activations: checks.list(`a list of ${anActivation.expected}`, anActivation),
    direction: checks.oneOf('denoise', 'noise'),
  })
  const { activations = all.filter(({ part }) => part !== 'embedding'), direction = 'denoise' } = options
  const found = scope(() => {
    const { cleanScore, corruptScore, patched } = twoRuns(reader, asked, corrupt)
    return {
      ...{ cleanScore, corruptScore },
      none: patched(direction, []),
      all: patched(direction, all),
      // Each in a scope of its own: a run of a deep model is larger than its score.
      scores: activations.map((activation) => scope(() => patched(direction, [activation]))),
    }
  })
  const numberOf = async (tensor: Tensor): Promise<number> => {
    using own = tensor
    return (await own.read())[0]
  }
  const [cleanScore, corruptScore] = [await numberOf(found.cleanScore), await numberOf(found.corruptScore)]
  const [from, into] = direction === 'denoise' ? [cleanScore, corruptScore] : [corruptScore, cleanScore]
  const [none, whole] = [await numberOf(found.none), await numberOf(found.all)]
  const scores: number[] = []
  for (const tensor of found.scores) scores.push(await numberOf(tensor))
  if (none !== into || whole !== from) {
    throw new ExplanationError(
      `patch: with nothing carried the score is ${none} and with all ${whole}; expected ${into} and ${from}, those of the two runs.`,
    )
  }
  const difference = cleanScore - corruptScore
  const effects = activations.map((activation, i): PatchEffect => {
    const effect = direction === 'denoise' ? scores[i] - corruptScore : cleanScore - scores[i]
    return { ...activation, effect, share: difference === 0 ? null : effect / difference }
  })
  return { cleanScore, corruptScore, effects: effects.toSorted((a, b) => b.effect - a.effect) }
}
