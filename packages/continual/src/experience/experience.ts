/** Experience: a text as a source gives it, and as the journal has admitted it. */
import { type Check, checks } from '@burgeon/tensor'
import type { Origin } from '../stream/origin.ts'

/** Something to learn, before it has a place in the journal. */
export interface Experience {
  /** Name of the source that gives it, such as `nats://localhost/notes`. */
  readonly source: string
  /** What the source calls it; two of one source with the same key are the same. None unless given. */
  readonly key?: string
  /** The kind of text, by which losses are told apart. */
  readonly domain: string
  /** How far the source is trusted, from 0 to 1. 1 unless given. */
  readonly trust?: number
  /** A secret that its digest in an audit log begins with, as text; it is kept, and forgotten, with it. */
  readonly salt?: string
  readonly text: string
}

/** An experience that is in the journal. */
export interface AdmittedExperience {
  /** Its number, and the position of its first byte: the UTF-8 bytes of all texts before it. */
  readonly origin: Origin
  /** What its source calls it; null where it has no name for it. */
  readonly key: string | null
  /** As it was given. */
  readonly salt?: string
  readonly text: string
}

/** Any experience that can be admitted. */
export const anExperience: Check<Experience> = {
  expected:
    '{ source, domain, text } that are strings, perhaps a key and a salt that are, and a trust from 0 to 1',
  accepts: (value): value is Experience => {
    if (typeof value !== 'object' || value === null) return false
    const {
      source,
      key = '',
      domain,
      trust = 1,
      salt = '',
      text,
    } = value as Record<keyof Experience, unknown>
    return [source, key, domain, salt, text].every((one) => checks.text.accepts(one)) && aTrust.accepts(trust)
  },
}

/** The place of experiences that were forgotten: numbers and positions stay, and nothing else does. */
export interface Gap {
  /** UTF-8 bytes that their texts had. */
  readonly forgotten: number
  /** How many they are, one after another, ≥ 1. 1 unless given. */
  readonly of?: number
}

/** Any gap. */
export const aGap: Check<Gap> = {
  expected: '{ forgotten } that is a count of bytes, perhaps with how many experiences it was of',
  accepts: (value): value is Gap => {
    const { forgotten, of = 1 } = (value ?? {}) as Partial<Gap>
    return checks.count.accepts(forgotten) && checks.count.accepts(of) && of > 0
  },
}

export const isGap = (entry: Experience | Gap): entry is Gap => 'forgotten' in entry

const aTrust = checks.number({ from: 0, to: 1 })
const utf8 = new TextEncoder()

/** Gives experiences their places from a number and a position on; gaps take theirs and are left out. */
export function admit(entries: readonly (Experience | Gap)[], id: number, at: number): AdmittedExperience[] {
  let [number, position] = [id, at]
  return entries.flatMap((entry) => {
    const [own, from] = [number, position]
    number += countOf(entry)
    position += bytesOf(entry)
    if (isGap(entry)) return []
    const { source, key = null, domain, trust = 1, salt, text } = entry
    const origin = { id: own, source, domain, at: from, trust }
    return [{ origin, key, ...(salt !== undefined && { salt }), text }]
  })
}

/** How many experiences an entry stands for. */
export const countOf = (entry: Experience | Gap): number => (isGap(entry) ? (entry.of ?? 1) : 1)

/** UTF-8 bytes that an entry takes of all texts. */
export const bytesOf = (entry: Experience | Gap): number =>
  isGap(entry) ? entry.forgotten : bytesIn(entry.text)

/** UTF-8 bytes of a text. */
const bytesIn = (text: string): number => utf8.encode(text).length
