/** Phrases that trusted text has never had, and that come again and again. */
import { checkOptions, checks, checkState, type StateChecks } from '@burgeon/tensor'
import { requireSameOptions, stateOfKind } from '../saved-state.ts'
import { ownSource } from '../stream/origin.ts'
import type { Guard } from './guard.ts'
import { PhraseCounts, type PhraseCountsState, savedCounts } from './phrases/phrase-counts.ts'
import { PhraseSet, type PhraseSetState, savedSet } from './phrases/phrase-set.ts'
import { bytesOfText, shinglesOf } from './phrases/shingles.ts'

/** Which phrases, and how often. */
export interface NovelRepetitionOptions {
  /** Times that a phrase may come which trusted text has never had, from 1 to 200. Default 3. */
  readonly most?: number
  /** Bytes of a phrase, from 4 on; three more have to be repeated to be noticed. Default 13. */
  readonly length?: number
}

interface State {
  readonly kind: 'novel repetition'
  readonly options: Required<NovelRepetitionOptions>
  readonly trusted: PhraseSetState
  readonly novel: PhraseCountsState
}

const stateChecks: StateChecks<State> = {
  kind: checks.oneOf('novel repetition'),
  options: checks.object('options'),
  trusted: savedSet,
  novel: savedCounts,
}

/** Phrases that overlap, all of which have to be repeated: chance alone does not bring about so many. */
const inARow = 4
const reason = 'a new phrase is repeated'

/**
 * Keeps apart texts that are not trusted and say again what only such texts have said: a phrase of so many
 * bytes that no trusted text has had may come `most` times. What teaches a model a sentence says it often,
 * whoever it pretends to be, and the texts around it cannot hide it. Where trusted text is repetitive, what
 * is like it is let through.
 *
 * It knows phrases by their hashes, in tables of a fixed size (1 MiB for trusted text, as much for other) of
 * which the older half is let go of: a phrase may be taken for one that is known, and one of long ago for
 * new.
 *
 * @throws OptionError for a number outside its range.
 * @example
 * ```ts
 * const guard = guards(provenance({ sources: { mail: 1 } }), novelRepetition({ most: 3 }))
 * ```
 */
export function novelRepetition(options: NovelRepetitionOptions = {}): Guard {
  checkOptions('novelRepetition', options, {
    most: checks.integer({ from: 1, to: 200 }),
    length: checks.integer({ from: 4 }),
  })
  const { most = 3, length = 13 } = options
  const own = { most, length }
  const [trusted, novel] = [new PhraseSet(), new PhraseCounts()]
  return {
    name: `novel repetition (${most} of ${length})`,
    reasons: [reason],
    admit({ text, source, trust = 1 }) {
      // What the model wrote itself makes no phrase a trusted one: somebody may have had it written.
      if (source === ownSource) return { verdict: 'learn' }
      const phrases = shinglesOf(bytesOfText(text), length)
      if (trust === 1) {
        for (const phrase of phrases) trusted.add(phrase)
        return { verdict: 'learn' }
      }
      let [run, longest] = [0, 0]
      for (const phrase of phrases) {
        // Also of a text that is kept apart: one that comes again is not new.
        const isRepeated = !trusted.has(phrase) && novel.add(phrase) > most
        run = isRepeated ? run + 1 : 0
        longest = Math.max(longest, run)
      }
      return longest >= inARow ? { verdict: 'quarantine', reasons: [reason] } : { verdict: 'learn' }
    },
    toState: (): State => ({
      ...{ kind: 'novel repetition', options: own },
      ...{ trusted: trusted.toState(), novel: novel.toState() },
    }),
    restore(saved) {
      const state = stateOfKind<State>(saved, 'novel repetition')
      checkState('novel repetition', state, stateChecks)
      requireSameOptions('novel repetition', own, state.options)
      trusted.restore(state.trusted)
      novel.restore(state.novel)
    },
  }
}
