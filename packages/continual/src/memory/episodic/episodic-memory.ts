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
import { expectedShare } from '../mixed-next.ts'
import type { ReadText, Recall } from '../recall.ts'
import { type EpisodeFacts, measuredWorth } from './retention.ts'
import { episodesIn, type SavedEpisodes, savedEpisodes } from './saved-episodes.ts'
import type { Spelling } from '../spelling.ts'
import { cutsOf, spelled, type SpelledText, usualOf } from './stretches.ts'
import { mostAgreements, suffixLengths } from './suffix-index.ts'

/** How much is kept, and what is kept. */
export interface EpisodicMemoryOptions {
  /** Most bytes that it takes, all together, ≥ 2^18. Text is one in 40 of them, what finds it the rest. */
  readonly bytes: number
  /**
   * What a stretch of text is worth keeping for, a finite number: where there is no room the least go first.
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
}

/**
 * Kinds of a match: for each length, whether it came once, and else how often in a row the same has followed.
 */
const kindsOfLength = mostAgreements + 2
const kinds = kindsOfLength * suffixLengths.length

const stateChecks: StateChecks<Pick<State, 'weights' | 'usual' | 'read'>> = {
  weights: savedWeights(kinds),
  usual: checks.list(`at most ${usualOf} losses`, checks.number({ from: 0 })),
  read: count,
}

/** What of the memory's share goes to all tokens evenly. */
const spread = 0.02
/** Bytes that come to mind at a time. */
const foreseen = 32
/** Gain in bits from which on an episode has been of use. */
const useful = 1

/** Something that has come to mind. */
interface Found {
  readonly kind: number
  readonly level: number
  readonly episode: Episode
  readonly bytes: Uint8Array
}

/**
 * Keeps what is read in a buffer of bytes, and finds in it the latest place that follows the same 4 to 32
 * bytes (an infini-gram beside the model; Liu et al. 2024). What followed there is mixed with what the model
 * expects by fixed-share Hedge, with weights for each length of the match, and for whether it has come once,
 * or how often in a row the same has followed: for each of these 35 kinds the loss exceeds the model's by at
 * most 0.152 bits once and 0.0015 bits a prediction, whatever is read. Of two that contradict each other the
 * later one is believed.
 *
 * A text is kept in episodes that begin where it surprises. An episode that the same source gives again takes
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
  let mixture = HedgedMixture.of(kinds)
  const episodes = new Episodes(room, (all) => {
    const chanceOf = chancesIn(all)
    return (episode) => {
      const value = worth(factsOf(episode, read, chanceOf(episode)))
      checkArgument('episodicMemory', 'worth', value, checks.number())
      return value
    }
  })

  const find = (before: Uint8Array, end: number): Found | null => {
    const match = episodes.find(before, end)
    if (match === null) return null
    const { level, latest, agreements } = match
    const { episode, bytes } = episodes.from(latest, foreseen)
    // What was given again has come more than once, though it is kept once.
    const agreed = agreements ?? (episode.count > 1 ? Math.min(mostAgreements, episode.count - 1) : -1)
    return { kind: kindsOfLength * level + 1 + agreed, level, episode, bytes }
  }
  /** Predicts a text, and tells of each byte that came to mind. */
  const predict = (
    { bytes, starts }: SpelledText,
    { tokens, losses }: ReadText,
    spelling: Spelling,
    mixed: HedgedMixture,
    onUse: (episode: Episode, length: number, gain: number, isRight: boolean) => void = () => {},
  ): Float64Array => {
    const result = Float64Array.from(losses)
    for (let i = 0; i < result.length; i++) {
      const length = starts[i + 2] - starts[i + 1]
      // What stands for no byte cannot be remembered.
      const found = length === 0 ? null : find(bytes, starts[i + 1])
      if (found === null) continue
      const memory = expectedShare({ bytes: found.bytes, spread }, tokens[i + 1], spelling)
      result[i] = -Math.log(mixed.mix(found.kind, Math.exp(-losses[i]), memory))
      onUse(found.episode, length, (losses[i] - result[i]) / Math.LN2, memory > spread / spelling.vocabulary)
    }
    return result
  }
  const use = (episode: Episode, length: number, gain: number, isRight: boolean): void => {
    episode.uses += length
    episode.gain += gain
    if (isRight) episode.needed = read
  }
  const keep = (text: SpelledText, { losses, domain, origin }: ReadText): void => {
    for (const { from, to, surprise } of cutsOf(text, losses, usual)) {
      const known = { goesOn: from > 0, domain, origin, surprise, isPast: false }
      episodes.add(text.bytes.subarray(from, to), { ...known, count: 1, uses: 0, gain: 0, needed: read })
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
      const found = find(before, before.length)
      if (found === null) return null
      const { kind, level, bytes, episode } = found
      const { domain, origin } = episode
      const weight = mixture.shareOf(kind)
      return { bytes: bytes.slice(), matched: suffixLengths[level], weight, spread, domain, origin }
    },
    read: (text, spelling) => predict(spelled(text.tokens, spelling), text, spelling, mixture.copy()),
    remember(texts, spelling) {
      const all = texts.map((text) => ({ text, own: spelled(text.tokens, spelling) }))
      const losses = all.map(({ text, own }) => predict(own, text, spelling, mixture, use))
      for (const { text, own } of all) {
        keep(own, text)
        read += own.bytes.length
      }
      return losses
    },
    forget: (isMeant) => episodes.forget(isMeant),
    toState: (): State => ({
      ...{ kind: 'episodic memory', room, weights: mixture.toState(), usual: [...usual], read },
      ...savedEpisodes(episodes),
    }),
    restore(state) {
      const saved = stateOfKind<State>(state, 'episodic memory')
      requireSameOptions('episodic memory', { room }, saved)
      const own = checkState<Pick<State, 'weights' | 'usual' | 'read'>>('episodic memory', saved, stateChecks)
      const all = episodesIn(saved)
      if (!episodes.fits(saved.lengths)) {
        throw new StateError(
          `episodic memory: the saved state has ${all.length} episodes of ${saved.text.length} bytes; expected no more than fit into ${room} bytes. ` +
            'The file is damaged.',
        )
      }
      episodes.reset(saved.text, all)
      mixture = new HedgedMixture(own.weights.slice())
      usual = [...own.usual]
      read = own.read
    },
  }
}

/** Of an episode, the share of those that were as surprising, to half a bit, that have been of use. */
function chancesIn(all: readonly Episode[]): (episode: Episode) => number {
  const binOf = ({ surprise }: Episode): number => Math.floor(2 * surprise)
  const bins = new Map<number, { all: number; used: number }>()
  for (const episode of all) {
    const bin = bins.get(binOf(episode)) ?? { all: 0, used: 0 }
    bins.set(binOf(episode), {
      all: bin.all + 1,
      used: bin.used + (episode.gain > useful ? 1 : 0),
    })
  }
  // As if one more had been of use by half.
  return (episode) => {
    const { all: total, used } = bins.get(binOf(episode)) ?? { all: 0, used: 0 }
    return (used + 0.5) / (total + 1)
  }
}
