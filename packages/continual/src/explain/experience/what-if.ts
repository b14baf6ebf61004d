/** What if: how an answer would be expected had some experiences not been learnt. */
import { checkArgument, checkOptions, checks, OptionError } from '@burgeon/tensor'
import { type ForgetWhat, meantBy } from '../../learning/forget.ts'
import type { TokenBatch } from '../../stream/batch.ts'
import type { Origin } from '../../stream/origin.ts'
import { readerOf } from '../question/explained.ts'
import { askedOf, lossOfAnswer, type Question } from '../question/question.ts'
import { aRetracedLife, letGo, relived, type RetracedLife } from './retrace.ts'
import type { Learner } from '../../learner.ts'

/** What is left out. */
export interface WhatIfOptions {
  /** Experiences by their numbers, or all of a source. */
  readonly without: ForgetWhat
}

/** What it would be like. Plain data. */
export interface WhatIf {
  /** Loss of the answer as the life was, in nats. */
  readonly lossWith: number
  /** Loss of the answer had they not been learnt. */
  readonly lossWithout: number
  /** `lossWithout − lossWith`: above 0 where they have taught the answer. Exact: a replay has no noise. */
  readonly effect: number
  /** Rows that were left out, each time they came as new ones. */
  readonly rows: number
  /** Step of the checkpoint that was gone on from: the latest from before the first of them. */
  readonly from: number
  /** Steps that were made again. */
  readonly steps: number
}

/**
 * Leaves experiences out, and lives on from the latest checkpoint from before them. Their rows keep their
 * place, and so does every random draw: what they are to predict weighs nothing, when they are new and
 * whenever they are rehearsed. All else that a learner has them for (what it remembers, how a vocabulary
 * grows, when it has drifted) stays as close to what it was as the other weights let it.
 *
 * @throws OptionError if nothing that was observed is meant, or a rehearsal or penalty would teach the
 * rows by
 *   more than what they predict; and as `retrace`.
 */
export async function whatIf(
  life: RetracedLife,
  question: Question,
  options: WhatIfOptions,
): Promise<WhatIf> {
  const who = 'whatIf'
  checkArgument(who, 'life', life, aRetracedLife)
  checkOptions(who, options, { without: checks.required(checks.object<ForgetWhat>('{ ids } or { source }')) })
  const isMeant = meantBy(options.without)
  const { learner, past } = life
  requireByTargets(who, learner)
  const rowsIn = (batch: TokenBatch): number => meantRows(batch, isMeant).length
  const first = past.observed.findIndex((batch) => rowsIn(batch) > 0)
  if (first < 0) {
    throw new OptionError(`${who}: nothing of what is meant was observed; expected origins that were.`)
  }
  const base = past.moments[0].step
  const from = past.moments.findLastIndex(({ step }) => step - base <= first)
  const again = await relived(past, from, { changed: (batch) => masked(batch, isMeant) })
  try {
    const [lossWith, lossWithout] = [await lossIn(who, learner, question), await lossIn(who, again, question)]
    return {
      ...{ lossWith, lossWithout, effect: lossWithout - lossWith },
      rows: past.observed.reduce((total, batch) => total + rowsIn(batch), 0),
      from: past.moments[from].step,
      steps: learner.step - past.moments[from].step,
    }
  } finally {
    letGo(again)
  }
}

/** The loss of the answer to a question, in nats. */
export function lossIn(who: string, learner: Learner, question: Question): Promise<number> {
  const reader = readerOf(who, learner)
  return lossOfAnswer(reader, askedOf(who, reader, question))
}

function requireByTargets(
  who: string,
  { strategy: { rehearsal, penalties = [], lookAhead } }: Learner,
): void {
  const part = [rehearsal, ...penalties].find((own) => own !== undefined && own.usesLogits === true)
  const name = part?.name ?? lookAhead?.name
  if (name === undefined) return
  throw new OptionError(
    `${who}: ${name} learns rows by more than what they are to predict; expected a strategy whose rows can be left out.`,
  )
}

const meantRows = ({ origins = [] }: TokenBatch, isMeant: (origin: Origin) => boolean): number[] =>
  origins.flatMap((origin, row) => (origin !== null && isMeant(origin) ? [row] : []))

/** The same batch, in which the predictions of some rows weigh nothing. */
function masked(batch: TokenBatch, isMeant: (origin: Origin) => boolean): TokenBatch {
  const rows = meantRows(batch, isMeant)
  if (rows.length === 0) return batch
  const { length, weights: given } = batch
  const weights = given?.slice() ?? new Float32Array(batch.rows * length).fill(1)
  for (const row of rows) weights.fill(0, row * length, (row + 1) * length)
  return { ...batch, weights }
}
