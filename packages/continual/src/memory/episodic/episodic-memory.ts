/** Episodic memory: what was read comes to mind again where the bytes before it come again. */
import {
  checkArgument,
  checkOptions,
  checks,
  checkState,
  StateError,
  type StateChecks,
} from '@burgeon/tensor'
import { count, requireSameOptions, stateOfKind } from '../../saved-state.ts'
import { type Episode, Episodes, factsOf, leastBytes } from './episodes.ts'
import { HedgedMixture, savedWeights } from './hedged-mixture.ts'
import { bitsKept, keptBits, matchKind, matchKinds, mostForetold } from './match-kind.ts'
import { expectedShare } from '../mixed-next.ts'
import type { ReadText, Recall } from '../recall.ts'
import { type EpisodeFacts, measuredWorth } from './retention.ts'
import { episodesIn, type SavedEpisodes, savedEpisodes } from './saved-episodes.ts'
import type { Spelling } from '../spelling.ts'
import { savedUsefulness, Usefulness } from './usefulness.ts'
import { cutsOf, spelled, type SpelledText, usualOf } from './stretches.ts'
import type { SuffixMatch } from './suffix-index.ts'

/** How much is kept, and what is kept. */
export interface EpisodicMemoryOptions {
  /** Most bytes that it takes, all together, ≥ 2^18. Text is one in 40 of them, what finds it the rest. */
  readonly bytes: number
  /**
   * What a stretch of text is worth keeping for, a finite number: where there is no room the least go first,
   * but for what was read last.
   * Default: what it has gained when it came to mind, halved with every 50,000 bytes without that, by the
   * trust in its source.
   */
  readonly worth?: (facts: EpisodeFacts) => number
}

/** A recall that keeps episodes of what was read. */
export interface EpisodicMemory extends Recall {
  /** Episodes kept. */
  readonly episodes: number
  /** Bytes of text kept. */
  readonly bytes: number
}

interface State extends SavedEpisodes {
  readonly kind: 'episodic memory'
  readonly room: number
  /** Weights of the mixture. */
  readonly weights: Float64Array
  /** Losses of the latest stretches, in bits per byte. */
  readonly usual: readonly number[]
  /** Bytes read so far. */
  readonly read: number
  /** Episodes by what they cost: read so far, and come to be of use. */
  readonly usefulness: Float64Array
}

type Checked = Pick<State, 'weights' | 'usual' | 'read' | 'usefulness'>

const stateChecks: StateChecks<Checked> = {
  weights: savedWeights(matchKinds),
  usefulness: savedUsefulness,
  usual: checks.list(`at most ${usualOf} losses`, checks.number({ from: 0 })),
  read: count,
}

/** What of the memory's share goes to all tokens evenly. */
const spread = 0.02
/** Bytes that come to mind at a time. */
const foreseen = 32
/** Gain in bits from which on an episode has been of use. */
const useful = 1

/** Of what surprised when it was read before, the part that it still does where it was foretold. */
const stillNew = 0.5

/** Something that has come to mind. */
interface Found {
  readonly kind: number
  readonly matched: number
  readonly episode: Episode
  readonly bytes: Uint8Array
}

/** The match at each place of a text. */
type Matches = (end: number) => SuffixMatch | null

/**
 * Keeps what is read in a buffer of bytes, and finds in it the latest place that follows the same 4 to 32
 * bytes (an infini-gram beside the model; Liu et al. 2024). What followed there is mixed with what the model
 * expects by fixed-share Hedge, with weights for each kind of match (`matchKind`): how long the same passage
 * has foretold what came, how much what followed had cost when it was read, and how much the bytes that are
 * the same had. For each of the 60 kinds the loss exceeds the model's by at most 0.152 bits once and 0.0015
 * bits a prediction, whatever is read. Of two that contradict each other the later one is believed.
 *
 * A text is kept in episodes that begin where it losses. An episode that the same source gives again takes
 * the place of the one before.
 *
 * @throws OptionError for other options, and later for a `worth` that is no number.
 * @example
 * ```ts
 * const strategy = { recall: episodicMemory({ bytes: 8_000_000 }) }
 * ```
 */
export function episodicMemory(options: EpisodicMemoryOptions): EpisodicMemory {
  checkOptions('episodicMemory', options, {
    bytes: checks.required(checks.integer({ from: leastBytes })),
    worth: checks.callback('a function of what is known of an episode'),
  })
  const { bytes: room, worth = measuredWorth } = options
  let read = 0
  let usual: number[] = []
  let mixture = HedgedMixture.of(matchKinds)
  let usefulness = new Usefulness()
  const episodes = new Episodes(room, (episode) => {
    const value = worth(factsOf(episode, read, usefulness.chanceOf(episode.loss)))
    checkArgument('episodicMemory', 'worth', value, checks.number())
    return value
  })

  /** Finds each match once. */
  const matchesIn = (bytes: Uint8Array): Matches => {
    const found = new Map<number, SuffixMatch | null>()
    return (end) => {
      const known = found.get(end)
      if (known !== undefined) return known
      const match = episodes.find(bytes, end)
      found.set(end, match)
      return match
    }
  }
  /** What follows a place of a text. */
  const find = (matches: Matches, end: number): Found | null => {
    const match = matches(end)
    if (match === null) return null
    const { latest, matched } = match
    const { episode, bytes } = episodes.from(latest, foreseen)
    const most = Math.min(matched, mostForetold)
    let foretold = 0
    while (foretold < most && matches(end - 1 - foretold)?.latest === latest - 1 - foretold) foretold++
    let information = 0
    for (let i = 1; i <= matched; i++) information += bitsKept(episodes.surprise[latest - i])
    const surprise = bitsKept(episodes.surprise[latest])
    return {
      kind: matchKind({ foretold, surprise, information: information / matched }),
      matched,
      episode,
      bytes,
    }
  }
  /** Predicts a text, and tells of each byte that came to mind. */
  const predict = (
    { starts }: SpelledText,
    { tokens, losses }: ReadText,
    spelling: Spelling,
    mixed: HedgedMixture,
    matches: Matches,
    onUse: (episode: Episode, length: number, gain: number, isRight: boolean) => void = () => {},
  ): Float64Array => {
    const result = Float64Array.from(losses)
    for (let i = 0; i < result.length; i++) {
      const length = starts[i + 2] - starts[i + 1]
      // What stands for no byte cannot be remembered.
      const found = length === 0 ? null : find(matches, starts[i + 1])
      if (found === null) continue
      const memory = expectedShare({ bytes: found.bytes, spread }, tokens[i + 1], spelling)
      result[i] = -Math.log(mixed.mix(found.kind, Math.exp(-losses[i]), memory))
      onUse(found.episode, length, (losses[i] - result[i]) / Math.LN2, memory > spread / spelling.vocabulary)
    }
    return result
  }
  /** What each byte of a text costs who has both: a little less each time that it is read. */
  const surpriseOf = ({ bytes, starts }: SpelledText, losses: Float64Array, matches: Matches): Uint8Array => {
    const surprise = new Uint8Array(bytes.length)
    const mean =
      losses.reduce((sum, loss) => sum + loss, 0) / Math.LN2 / Math.max(1, bytes.length - starts[1])
    for (let token = 0; token + 1 < starts.length; token++) {
      // The first token is only read.
      const each = token === 0 ? mean : losses[token - 1] / Math.LN2 / (starts[token + 1] - starts[token])
      for (let at = starts[token]; at < starts[token + 1]; at++) {
        const { latest = -1 } = matches(at) ?? {}
        const isForetold = latest >= 0 && episodes.text[latest] === bytes[at]
        surprise[at] = Math.max(keptBits(each), isForetold ? stillNew * episodes.surprise[latest] : 0)
      }
    }
    return surprise
  }
  const use = (episode: Episode, length: number, gain: number, isRight: boolean): void => {
    episode.uses += length
    if (episode.gain < useful && episode.gain + gain >= useful) usefulness.noteUse(episode.loss)
    episode.gain += gain
    if (isRight) episode.needed = read
  }
  const keep = (text: SpelledText, surprise: Uint8Array, { losses, domain, origin }: ReadText): void => {
    for (const { from, to, loss } of cutsOf(text, losses, usual)) {
      usefulness.noteRead(loss)
      const known = { goesOn: from > 0, domain, origin, loss, isPast: false }
      const [bytes, own] = [text.bytes, surprise].map((all) => all.subarray(from, to))
      episodes.add(bytes, own, { ...known, count: 1, uses: 0, gain: 0, needed: read })
    }
  }
  return {
    name: `episodic memory ${room} bytes`,
    get episodes() {
      return episodes.all.length
    },
    get bytes() {
      return episodes.bytes
    },
    recollect(before) {
      const found = find(matchesIn(before), before.length)
      if (found === null) return null
      const { kind, matched, bytes, episode } = found
      const { domain, origin } = episode
      const weight = mixture.shareOf(kind)
      return { bytes: bytes.slice(), matched, weight, spread, domain, origin }
    },
    read(text, spelling) {
      const own = spelled(text.tokens, spelling)
      return predict(own, text, spelling, mixture.copy(), matchesIn(own.bytes))
    },
    remember(texts, spelling) {
      const all = texts.map((text) => {
        const own = spelled(text.tokens, spelling)
        const matches = matchesIn(own.bytes)
        const losses = predict(own, text, spelling, mixture, matches, use)
        return { text, own, losses, surprise: surpriseOf(own, losses, matches) }
      })
      for (const { text, own, surprise } of all) {
        keep(own, surprise, text)
        read += own.bytes.length
      }
      return all.map(({ losses }) => losses)
    },
    forget: (isMeant) => episodes.forget(isMeant),
    upkeep() {
      const { bytes: before } = episodes
      const done = episodes.tidy()
      return done && { before, after: episodes.bytes, ...done }
    },
    toState: (): State => ({
      ...{ kind: 'episodic memory', room, weights: mixture.toState(), usual: [...usual], read },
      usefulness: usefulness.toState(),
      ...savedEpisodes(episodes),
    }),
    restore(state) {
      const saved = stateOfKind<State>(state, 'episodic memory')
      requireSameOptions('episodic memory', { room }, saved)
      const own = checkState<Checked>('episodic memory', saved, stateChecks)
      const all = episodesIn(saved)
      if (!episodes.fits(saved.lengths)) {
        throw new StateError(
          `episodic memory: the saved state has ${all.length} episodes of ${saved.text.length} bytes; expected no more than fit into ${room} bytes. ` +
            'The file is damaged.',
        )
      }
      episodes.reset(saved.text, saved.surprise, all)
      mixture = new HedgedMixture(own.weights.slice())
      usefulness = new Usefulness(own.usefulness.slice())
      usual = [...own.usual]
      read = own.read
    },
  }
}
