/** Two runs of a model, one of which gives the answer and one that has no reason to. */
import { checkOptions, OptionError, type Tensor } from '@burgeon/tensor'
import type { Reader } from '../question/explained.ts'
import {
  type Asked,
  askedOf,
  type Question,
  questionChecks,
  rowsOfAnswer,
  scoresOf,
  textOrTokens,
  type TextOrTokens,
  tokensOf,
  tokensOn,
} from '../question/question.ts'
import { meanStream, streamOf } from '../inside/integrated-gradients.ts'
import { type Activation, carrying, noting, type Run, type RunOptions } from './activation.ts'

/** A question, and a prompt after which the answer is not expected. */
export interface PatchQuestion extends Question {
  /**
   * A prompt of as many tokens to which the answer does not belong: the smaller the difference, the more it
   * says. Otherwise one of which nothing is known: the mean embedding of all tokens at every place.
   */
  readonly corrupt?: TextOrTokens
}

/** Both runs of a question. Tensors belong to the scope that it is called in. */
export interface TwoRuns {
  readonly asked: Asked
  readonly clean: Run
  readonly corrupt: Run
  /** The embeddings that the corrupt run begins with. */
  readonly corruptStream: Tensor
  readonly cleanScore: Tensor
  readonly corruptScore: Tensor
  /** The score of one of the runs with activations of the other in it, `[1]`. */
  patched(direction: Direction, which: readonly Activation[]): Tensor
}

/**
 * Into which run activations are carried: `denoise` puts those of the clean run into the corrupt one, and
 * finds what is enough for the answer; `noise` puts those of the corrupt run into the clean one, and finds
 * what the answer needs.
 */
export type Direction = 'denoise' | 'noise'

/** The question in tokens, and those of its corrupt prompt. Throws OptionError for one of another length. */
export function patchAsked(
  who: string,
  reader: Reader,
  patchQuestion: PatchQuestion,
): { readonly asked: Asked; readonly corrupt: Int32Array | null } {
  checkOptions(who, patchQuestion, { ...questionChecks, corrupt: textOrTokens })
  const { corrupt, ...question } = patchQuestion
  const asked = askedOf(who, reader, question)
  if (corrupt === undefined) return { asked, corrupt: null }
  const [clean, other] = (['prompt', 'corrupt'] as const).map(
    (what) => tokensOf(who, reader, what, patchQuestion[what] ?? '').length,
  )
  if (clean !== other) {
    throw new OptionError(
      `${who}: got a prompt of ${clean} tokens and a corrupt one of ${other}; expected as many of both.`,
    )
  }
  return { asked, corrupt: askedOf(who, reader, { ...question, prompt: corrupt }).read }
}

export function twoRuns(reader: Reader, asked: Asked, corrupt: Int32Array | null): TwoRuns {
  const [clean, other] = [new Map<string, Tensor>(), new Map<string, Tensor>()]
  const tokens = tokensOn(reader, asked)
  const scored = (options: RunOptions): Tensor =>
    scoresOf(asked, rowsOfAnswer(asked, reader.logits(tokens, options)))
  const cleanScore = scored({ observe: noting(clean) })
  const stream = clean.get('embed embedded') as Tensor
  const corruptStream = corrupt === null ? meanStream(reader, asked.read, stream) : streamOf(reader, corrupt)
  const begins: NonNullable<NonNullable<RunOptions>['replace']> = (_, what) =>
    what === 'embedded' ? corruptStream : undefined
  const corruptScore = scored({ observe: noting(other), replace: begins })
  return {
    ...{ asked, clean, corrupt: other, corruptStream, cleanScore, corruptScore },
    patched(direction, which) {
      const carried = carrying(direction === 'denoise' ? clean : other, which)
      if (direction === 'noise') return scored({ replace: carried })
      return scored({ replace: (block, what, x) => carried(block, what, x) ?? begins(block, what, x) })
    },
  }
}
