/** What the model makes of answers at present: one prediction without a tape. */
import { endWithin, type GptConfig } from '@burgeon/gpt'
import { OptionError, scope } from '@burgeon/tensor'
import type { RehearseContext } from '../../journal/step-context.ts'
import { batchOfRows } from '../../stream/batch.ts'
import type { Continuation } from './feedback-record.ts'

/** An answer as a row that the model can read, which ends where the answer does. */
export interface AnswerRow {
  readonly tokens: Int32Array
  /** Predictions of the row that are of the answer, the last ones. */
  readonly answered: number
}

/** The end of prompt and answer that a context of so many places can read, which begins inside no piece. */
export function answerRow(
  { prompt, tokens }: Continuation,
  config: GptConfig,
  context: number = config.context,
): AnswerRow {
  const whole = Int32Array.of(...prompt, ...tokens)
  const all = whole.slice(endWithin(config, whole, context))
  return { tokens: all, answered: Math.min(tokens.length, all.length - 1) }
}

/** Log-probability of each answer by the weights of the moment, in nats. */
export async function logProbabilitiesOf(
  rows: readonly AnswerRow[],
  { weights, predict }: RehearseContext,
): Promise<number[]> {
  const length = Math.max(...rows.map(({ tokens }) => tokens.length - 1))
  const batch = batchOfRows(
    rows.map(({ tokens }) => tokens),
    rows.map(() => 'feedback'),
    length,
  )
  using losses = scope(() => predict(batch)(weights).losses)
  const numbers = await losses.read()
  if (numbers.length !== rows.length * length) {
    throw new OptionError(
      `feedback: got ${numbers.length} losses of ${rows.length} answers; expected ${length} of each. A row is longer than the context.`,
    )
  }
  return rows.map(({ tokens, answered }, row) => {
    const end = row * length + tokens.length - 1
    let sum = 0
    for (let i = end - answered; i < end; i++) sum -= numbers[i]
    return sum
  })
}
