/** Which records came before: by what their source calls them, by their text, and by texts that are nearly theirs. */
import { createHash } from 'node:crypto'
import { checkOptions, checks, checkState, optional, StateError, type StateChecks } from '@burgeon/tensor'
import type { AdmittedExperience } from '@burgeon/continual'
import { areSimilar, similarTexts, type SimilarTextsState } from './similar-texts.ts'

/** What is remembered. */
export interface SeenRecordsOptions {
  /** Ids and texts that are remembered, ≥ 1, the latest ones. 200,000 unless given. */
  readonly capacity?: number
  /**
   * Share of common pieces, above 0 and up to 1, from which on a text counts as one that came before; texts
   * are compared with the latest 10,000. Only equal texts do unless given.
   */
  readonly similarity?: number
}

/** Plain data. */
export interface SeenRecordsState {
  /** Number of the first experience that is not known to it. */
  readonly upTo: number
  /** Digests of ids and texts, the oldest first. */
  readonly digests: Uint8Array
  /** Id of the last record of each source that had one. */
  readonly lastIds: readonly (readonly [source: string, id: string])[]
  readonly similar?: SimilarTextsState
}

/** Why a record is left out. */
export type Duplicate = 'id' | 'text' | 'similar'

/** Remembers records. */
export interface SeenRecords {
  /**
   * Why a record counts as one that came before, or as one of those beside it; null for a new one. Changes
   * nothing.
   */
  duplicateOf(record: Remembered, beside?: readonly Remembered[]): Duplicate | null
  /** Takes note of a record that is in the journal. */
  remember(experience: AdmittedExperience): void
  /** Id of the last record of a source that is in the journal; undefined if it had none. */
  lastIdOf(source: string): string | undefined
  toState(): SeenRecordsState
  /** Takes a state that `toState` gave. Throws StateError for others, and is unchanged. */
  restore(state: unknown): void
}

/** What a record is known by. */
export interface Remembered {
  readonly source: string
  readonly id?: string | undefined
  readonly text: string
}

/** Bytes of a digest: two of a million million that are not the same have a chance of 10⁻⁵ to look so. */
const digestBytes = 12
/** Sources whose last id is remembered. */
const maxSources = 1000

const stateChecks: StateChecks<SeenRecordsState> = {
  upTo: checks.count,
  digests: checks.instance('bytes', Uint8Array),
  lastIds: checks.list('pairs of a source and an id', checks.list('two texts', checks.text)) as never,
  similar: optional(checks.object<SimilarTextsState>('the state of similar texts')),
}

/** @throws OptionError for options outside their ranges. */
export function seenRecords(options: SeenRecordsOptions = {}): SeenRecords {
  checkOptions('seenRecords', options, {
    capacity: checks.integer({ from: 1 }),
    similarity: checks.number({ above: 0, to: 1 }),
  })
  const { capacity = 200_000, similarity } = options
  let known = new Set<string>()
  let lastIds = new Map<string, string>()
  let upTo = 0
  const similar = similarity === undefined ? undefined : similarTexts({ similarity })
  const add = (digest: string): void => {
    known.delete(digest)
    known.add(digest)
    // A set gives its entries in the order in which they were put in.
    for (const oldest of known) {
      if (known.size <= 2 * capacity) break
      known.delete(oldest)
    }
  }
  return {
    duplicateOf({ source, id, text }, beside = []) {
      const isNamed = (other: Remembered): boolean => other.source === source && other.id === id
      if (id !== undefined && (known.has(ofId(source, id)) || beside.some(isNamed))) return 'id'
      if (known.has(ofText(text)) || beside.some((other) => other.text === text)) return 'text'
      if (similarity === undefined) return null
      const isSimilar = (other: Remembered): boolean => areSimilar(text, other.text, similarity)
      return similar?.has(text) || beside.some(isSimilar) ? 'similar' : null
    },
    remember({ origin: { id: number, source }, key, text }) {
      upTo = number + 1
      add(ofText(text))
      similar?.add(text)
      if (key === null) return
      add(ofId(source, key))
      lastIds.delete(source)
      lastIds.set(source, key)
      const [oldest] = lastIds.keys()
      if (lastIds.size > maxSources) lastIds.delete(oldest)
    },
    lastIdOf: (source) => lastIds.get(source),
    toState: () => ({
      upTo,
      digests: Uint8Array.from(Buffer.from([...known].join(''), 'base64')),
      lastIds: [...lastIds],
      ...(similar && { similar: similar.toState() }),
    }),
    restore(state) {
      const saved = checkState<SeenRecordsState>('seen records', state, stateChecks)
      const { digests } = saved
      if (digests.length % digestBytes !== 0 || saved.lastIds.some(({ length }) => length !== 2)) {
        throw new StateError(
          `seen records: the saved state has ${digests.length} bytes of digests; expected ${digestBytes} for each. The file is damaged.`,
        )
      }
      if (saved.similar !== undefined) similar?.restore(saved.similar)
      const all = Array.from({ length: digests.length / digestBytes }, (_, i) =>
        Buffer.from(digests.subarray(i * digestBytes, (i + 1) * digestBytes)).toString('base64'),
      )
      known = new Set(all)
      lastIds = new Map(saved.lastIds)
      upTo = saved.upTo
    },
  }
}

const digest = (what: string): string =>
  createHash('sha256').update(what).digest().subarray(0, digestBytes).toString('base64')
const ofText = (text: string): string => digest(`text ${text}`)
const ofId = (source: string, id: string): string => digest(`id ${JSON.stringify([source, id])}`)
