/** What is said of answers, judged: it is learnt as text is. */
import { ownSource } from '@burgeon/continual'
import { type Gate, isLearnt } from './gate.ts'

/** The texts of a piece of feedback. */
export interface AnswerTexts<W> {
  readonly prompt: string
  readonly answer: string
  /** The wanted answer; null where there is none. */
  readonly correction: string | null
  /** What is said beside it; null where nothing is. */
  readonly comment: string | null
  /** The answer in tokens, as it was written; null where it is not known. */
  readonly written: W | null
}

/** What may be learnt of it, or why nothing may. */
export type JudgedAnswer<W> =
  | { readonly isAdmitted: true; readonly said: AnswerTexts<W> }
  | { readonly isAdmitted: false; readonly reasons: readonly string[] }

/** Name of the owner of a life as a source; of others who judge answers, the beginning of the name. */
const [owner, others] = ['owner', 'feedback:']

/**
 * Judges each of the texts. Where one is refused or kept apart, nothing is learnt of any; where one is
 * redacted, the tokens that were written are not known any more.
 *
 * @param source Who says it; null for the owner.
 */
export async function judgeAnswer<W>(
  gate: Gate,
  { prompt, answer, correction, comment, written }: AnswerTexts<W>,
  source: string | null,
): Promise<JudgedAnswer<W>> {
  const from = source === null ? owner : `${others}${source}`
  let isRedacted = false
  const reasons: string[] = []
  const judged = async <T extends string | null>(text: T, own = from): Promise<T> => {
    if (text === null || text === '' || reasons.length > 0) return text
    const admission = await gate.admit({ text, source: own, domain: 'feedback' })
    if (!isLearnt(admission)) reasons.push(...admission.reasons)
    isRedacted ||= admission.verdict === 'redact'
    return admission.text as T
  }
  const said = {
    prompt: await judged(prompt),
    // Where it is known how it was written, it is the model's own.
    answer: await judged(answer, written === null ? from : ownSource),
    correction: await judged(correction),
    comment: await judged(comment),
  }
  if (reasons.length > 0) return { isAdmitted: false, reasons }
  return { isAdmitted: true, said: { ...said, written: isRedacted ? null : written } }
}
