/** Episodes as a state holds them: their texts one after another, and a column for each number. */
import { type Check, checks, checkState, optional, StateError, type StateChecks } from '@burgeon/tensor'
import { count } from '../../saved-state.ts'
import { originsIn, type SavedOrigins, savedOrigins } from '../../stream/saved-origins.ts'
import { type Episode, type Episodes, longestEpisode } from './episodes.ts'

/** Plain data. All lists are of as many entries as there are episodes. */
export interface SavedEpisodes {
  readonly text: Uint8Array
  /** What each byte of it had cost, in sixteenths of a bit. */
  readonly surprise: Uint8Array
  readonly lengths: Int32Array
  /** 1 where an episode goes on from the one before, 2 where the same was read again, 3 for both; or 0. */
  readonly marks: Uint8Array
  readonly domains: readonly string[]
  /** None of episodes whose origin nobody said. */
  readonly origins?: SavedOrigins
  readonly losses: Float64Array
  readonly counts: Float64Array
  readonly uses: Float64Array
  readonly gains: Float64Array
  readonly needed: Float64Array
}

const from0 = checks.each('numbers from 0', checks.number({ from: 0 })) as Check<Float64Array>
const counts = checks.each('counts', count) as Check<Float64Array>

/** Checks of all fields. */
const episodesChecks: StateChecks<SavedEpisodes> = {
  text: checks.instance('bytes', Uint8Array),
  surprise: checks.instance('bytes', Uint8Array),
  lengths: checks.each(
    `lengths from 1 to ${longestEpisode}`,
    checks.integer({ from: 1, to: longestEpisode }),
  ) as Check<Int32Array>,
  marks: checks.each('marks from 0 to 3', checks.integer({ from: 0, to: 3 })) as Check<Uint8Array>,
  domains: checks.list('names', checks.text),
  origins: optional(checks.object<SavedOrigins>('origins of the episodes')),
  losses: from0,
  counts,
  uses: counts,
  gains: checks.each('numbers', checks.number()) as Check<Float64Array>,
  needed: counts,
}

/** Copies all that is kept. */
export function savedEpisodes({ all, text, surprise, bytes }: Episodes): SavedEpisodes {
  const column = (valueOf: (episode: Episode) => number): Float64Array => Float64Array.from(all, valueOf)
  return {
    text: text.slice(0, bytes),
    surprise: surprise.slice(0, bytes),
    lengths: Int32Array.from(all, ({ length }) => length),
    marks: Uint8Array.from(all, ({ goesOn, isPast }) => Number(goesOn) + 2 * Number(isPast)),
    domains: all.map(({ domain }) => domain),
    ...savedOrigins(all.map(({ origin }) => origin)),
    losses: column(({ loss }) => loss),
    counts: column(({ count: times }) => times),
    uses: column(({ uses }) => uses),
    gains: column(({ gain }) => gain),
    needed: column(({ needed }) => needed),
  }
}

/** The episodes again. Throws StateError unless there is one of each for every one of them. */
export function episodesIn(state: object): Episode[] {
  const saved = checkState<SavedEpisodes>('episodic memory', state, episodesChecks)
  const { lengths, marks, domains, losses, counts: times, uses, gains, needed, text, surprise } = saved
  const lists = [lengths, marks, domains, losses, times, uses, gains, needed]
  const total = Array.from(lengths).reduce((sum, length) => sum + length, 0)
  const isText = total === text.length && text.length === surprise.length
  if (lists.some(({ length }) => length !== lengths.length) || !isText) {
    throw new StateError(
      `episodic memory: the saved state has lists of ${lists.map(({ length }) => length).join(', ')} entries, and ${text.length} bytes of text, ${surprise.length} of its surprise, for ` +
        `lengths that add up to ${total}; expected one of each for every episode. The file is damaged.`,
    )
  }
  const origins = originsIn(saved.origins, domains)
  let from = 0
  return domains.map((domain, i) => {
    const episode = {
      ...{ from, length: lengths[i], domain, origin: origins[i], loss: losses[i], count: times[i] },
      ...{ uses: uses[i], gain: gains[i], needed: needed[i] },
      goesOn: (marks[i] & 1) === 1,
      isPast: (marks[i] & 2) === 2,
    }
    from += lengths[i]
    return episode
  })
}
