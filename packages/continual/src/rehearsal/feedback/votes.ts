/** Who is believed: agreement with those who are trusted, and what is left where people disagree. */
import { type FeedbackRecord, nameOf } from './feedback-record.ts'

/** What a record says of the given answer: 1 for, −1 against; 0 for a reward, which has its own scale. */
const signOf = ({ kind }: FeedbackRecord): number => (kind === 'accept' ? 1 : kind === 'reward' ? 0 : -1)

/** Agreements and disagreements that an unknown source begins with: Beta(2, 2), as likely right as wrong. */
const prior = 2

/** Whether a source counts in full, whatever the others say. */
export type IsTrusted = (source: string | null) => boolean

/**
 * How far each source is believed, from 0 to 1: 2a − 1, where a is how often it agreed with the trusted on
 * answers that both rated. Nobody believes a source that never was, or that is right as often as wrong.
 */
export function reliabilities(
  records: readonly FeedbackRecord[],
  isTrusted: IsTrusted,
): ReadonlyMap<string | null, number> {
  const said = new Map<string, number>()
  for (const record of records) {
    if (!isTrusted(record.source)) continue
    const name = nameOf(record.given)
    said.set(name, (said.get(name) ?? 0) + signOf(record) * record.value)
  }
  const counts = new Map<string | null, { agreed: number; compared: number }>()
  for (const record of records) {
    const { source, given, value } = record
    const own = counts.get(source) ?? { agreed: 0, compared: 0 }
    counts.set(source, own)
    const both = signOf(record) * (said.get(nameOf(given)) ?? 0)
    if (both === 0 || value === 0) continue
    own.compared++
    if (both > 0) own.agreed++
  }
  return new Map(
    [...counts].map(([source, { agreed, compared }]) => {
      const share = (prior + agreed) / (2 * prior + compared)
      return [source, isTrusted(source) ? 1 : Math.max(0, 2 * share - 1)]
    }),
  )
}

/**
 * How strongly each record is followed, from 0 to 1: as far as its source is believed, times what it counts,
 * times what is left of its side when the other side is taken off. Where two say the opposite of an answer,
 * nothing is left of either.
 */
export function strengths(
  records: readonly FeedbackRecord[],
  believed: ReadonlyMap<string | null, number>,
): number[] {
  const sides = new Map<string, { for: number; against: number }>()
  const own = records.map((record) => {
    const trust = believed.get(record.source) ?? 0
    return record.kind === 'reward' ? trust : trust * record.value
  })
  for (const [i, record] of records.entries()) {
    const name = nameOf(record.given)
    const side = sides.get(name) ?? { for: 0, against: 0 }
    sides.set(name, side)
    const sign = signOf(record)
    if (sign > 0) side.for += own[i]
    if (sign < 0) side.against += own[i]
  }
  return records.map((record, i) => {
    const sign = signOf(record)
    if (sign === 0 || own[i] === 0) return own[i]
    const side = sides.get(nameOf(record.given)) ?? { for: 0, against: 0 }
    const [ours, theirs] = sign > 0 ? [side.for, side.against] : [side.against, side.for]
    return own[i] * Math.max(0, 1 - theirs / ours)
  })
}
