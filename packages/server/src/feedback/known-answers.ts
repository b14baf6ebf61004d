/** The latest answers by their names, so that feedback finds what it is about. */
import type { Generated, GrowingTokenizer } from '@burgeon/gpt'
import { z } from 'zod'
import { ApiError } from '../http/api-error.ts'
import type { Limits } from '../limits.ts'
import type { WrittenAnswer } from '../served/served-feedback.ts'

/** An answer as text, for tokens may be others after a rollback; and as it was written, where that is known. */
export interface KnownAnswer {
  /** With U+FFFC in the place of each picture and sound. */
  readonly prompt: string
  readonly text: string
  readonly written: WrittenAnswer | null
  /** Pictures and sounds that stood in the prompt. */
  readonly pieces: number
}

/** An answer as it was written, up to a text that ended it; null where nobody noted how likely it was. */
export function writtenOf(
  prompt: ArrayLike<number>,
  { tokens, text = '', logProbabilities }: Generated,
  tokenizer: GrowingTokenizer,
): WrittenAnswer | null {
  if (logProbabilities === undefined) return null
  let end = tokens.length
  while (end > 0 && tokenizer.decode(tokens.slice(0, end - 1)).startsWith(text)) end--
  const logProbability = logProbabilities
    .slice(0, end)
    .reduce((sum, { logProbability: own = 0 }) => sum + own, 0)
  return { prompt: Array.from(prompt), tokens: tokens.slice(0, end), logProbability }
}

/** Keeps as many answers as there is room for; the oldest go first. */
export class KnownAnswers {
  readonly #room: { readonly answers: number; readonly characters: number }
  readonly #answers = new Map<string, readonly KnownAnswer[]>()
  #characters = 0

  constructor(room: { readonly answers: number; readonly characters: number }) {
    this.#room = room
  }

  /** Remembers the choices of an answer under its name. */
  remember(id: string, choices: readonly KnownAnswer[]): void {
    this.#answers.set(id, choices)
    this.#characters += lengthOf(choices)
    for (const [oldest, its] of this.#answers) {
      if (this.#answers.size <= this.#room.answers && this.#characters <= this.#room.characters) return
      this.#answers.delete(oldest)
      this.#characters -= lengthOf(its)
    }
  }

  /** The choices of an answer; undefined of one that is not known any more. */
  of(id: string): readonly KnownAnswer[] | undefined {
    return this.#answers.get(id)
  }
}

/** Number of a choice of an answer, from 0. */
export const choiceOf = ({ prompts, choices }: Limits): z.ZodType<number> =>
  z
    .int()
    .min(0)
    .max(prompts * choices - 1)

/** A choice of an answer. Throws ApiError 404 for one that is not known. */
export function knownAnswer(answers: KnownAnswers, id: string, choice: number): KnownAnswer {
  const known = answers.of(id)?.[choice]
  if (known !== undefined) return known
  throw new ApiError(404, 'there is no such answer any more; send its text instead of its name.', {
    code: 'unknown_response',
  })
}

const lengthOf = (choices: readonly KnownAnswer[]): number =>
  choices.reduce(
    (sum, { prompt, text, written }) =>
      sum + prompt.length + text.length + (written?.prompt.length ?? 0) + (written?.tokens.length ?? 0),
    0,
  )
