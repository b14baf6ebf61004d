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
import { savedUsefulness, Usefulness } from './usefulness.ts'
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
  /** Episodes by what they cost: read so far, and come to be of use. */
  readonly usefulness: Float64Array
}

/**
 * Kinds of a match of one length. One that came more than once: how often in a row the same has followed. One
 * that came once: whether a shorter one came more often, and if so, whether the same followed it.
 */
const kindsOfLength = 3 + mostAgreements + 1
/** Each of them twice: where the byte before was another than expected, much is new. */
const kinds = 2 * kindsOfLength * suffixLengths.length

type Checked = Pick<State, 'weights' | 'usual' | 'read' | 'usefulness'>

const stateChecks: StateChecks<Checked> = {
  weights: savedWeights(kinds),
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
 * expects by fixed-share Hedge, with weights for each kind of match: its length, how often in a row the same
 * has followed it, and whether the byte before was expected. For each of the 98 kinds the loss exceeds the
 * model's by at most 0.152 bits once and 0.0015 bits a prediction, whatever is read. Of two that contradict
 * each other the later one is believed.
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
  let mixture = HedgedMixture.of(kinds)
  let usefulness = new Usefulness()
  const episodes = new Episodes(room, (episode) => {
    const value = worth(factsOf(episode, read, usefulness.chanceOf(episode.loss)))
    checkArgument('episodicMemory', 'worth', value, checks.number())
    return value
  })

  const find = (before: Uint8Array, end: number): Found | null => {
    const match = episodes.find(before, end)
    if (match === null) return null
    const { level, latest, agreements, agreementsBelow } = match
    const { episode, bytes } = episodes.from(latest, foreseen)
    // What was given again has come more than once, though it is kept once.
    const agreed = agreements ?? (episode.count > 1 ? Math.min(mostAgreements, episode.count - 1) : null)
    const kind = agreed === null ? kindOnce(agreementsBelow) : 3 + agreed
    const last = episodes.find(before, end - 1)
    const hasFailed = last !== null && episodes.text[last.latest] !== before[end - 1]
    return { kind: 2 * (kindsOfLength * level + kind) + Number(hasFailed), level, episode, bytes }
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
    if (episode.gain < useful && episode.gain + gain >= useful) usefulness.noteUse(episode.loss)
    episode.gain += gain
    if (isRight) episode.needed = read
  }
  const keep = (text: SpelledText, { losses, domain, origin }: ReadText): void => {
    for (const { from, to, loss } of cutsOf(text, losses, usual)) {
      usefulness.noteRead(loss)
      const known = { goesOn: from > 0, domain, origin, loss, isPast: false }
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
      episodes.reset(saved.text, all)
      mixture = new HedgedMixture(own.weights.slice())
      usefulness = new Usefulness(own.usefulness.slice())
      usual = [...own.usual]
      read = own.read
    },
  }
}

const kindOnce = (agreementsBelow: number | null): number =>
  agreementsBelow === null ? 0 : agreementsBelow === 0 ? 1 : 2
