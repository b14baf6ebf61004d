/** A vocabulary that grows: it counts the words of a stream and proposes the tokens that it lacks. */
import {
  aGrowingTokenizer,
  BytePairTokenizer,
  type BytePairMerge,
  type GrowingTokenizer,
  MergeLearner,
  type ProposedMerge,
} from '@burgeon/gpt'
import type { GrowVocabulary } from '@burgeon/gpt/growth'
import {
  type Check,
  checkArgument,
  checkOptions,
  checks,
  fields,
  OptionError,
  shown,
  StateError,
} from '@burgeon/tensor'
import { afterDrift, anyOf, everySteps, neverTrigger, type Trigger } from '../trigger.ts'

/** When a vocabulary grows, and how far. */
export interface VocabularyOptions {
  /**
   * The tokens to begin with; the bytes unless given. The vocabulary adds its merges to it. Batches hold
   * tokens of its own: one whose first tokens are not the bytes learns from text, or from batches that it
   * encoded.
   */
  readonly tokenizer?: GrowingTokenizer
  /** Most tokens there may ever be, those to begin with among them. */
  readonly tokens: number
  /** Most new ones at a time; 32 unless given. */
  readonly tokensAtOnce?: number
  /** How often a pair must have been seen to be worth a token; 20 unless given. */
  readonly minCount?: number
  /** Every 200 steps, and 20 steps after a drift alarm, unless given. */
  readonly growWhen?: Trigger
  /** Different words that are counted at most; 20,000 unless given. */
  readonly capacity?: number
}

interface State {
  readonly merges: readonly BytePairMerge[]
  readonly pieces: readonly string[]
  readonly counts: readonly number[]
}

/** A request for tokens, in the words of the model and of the tokenizer. */
export interface WantedTokens {
  readonly request: GrowVocabulary
  readonly merges: readonly BytePairMerge[]
  readonly reason: string
}

/** A part of a learner; see `growingVocabulary`. */
export class GrowingVocabulary {
  readonly name: string
  readonly tokenizer: GrowingTokenizer
  readonly growWhen: Trigger
  readonly #options: { readonly tokens: number; readonly tokensAtOnce: number; readonly minCount: number }
  readonly #capacity: number
  readonly #isFixed: boolean
  #merges: MergeLearner

  constructor(options: VocabularyOptions) {
    checkOptions('growingVocabulary', options, {
      tokenizer: aGrowingTokenizer,
      tokens: checks.required(checks.integer({ from: 1 })),
      tokensAtOnce: checks.integer({ from: 1 }),
      minCount: checks.integer({ from: 1 }),
      growWhen: checks.callback('a trigger, such as everySteps(200)'),
      capacity: checks.integer({ from: 1 }),
    })
    const { tokenizer = new BytePairTokenizer(), tokens, tokensAtOnce = 32, minCount = 20 } = options
    const { growWhen = anyOf(everySteps(200), afterDrift(20)), capacity = 20_000 } = options
    this.name = `vocabulary of at most ${tokens} tokens`
    this.tokenizer = tokenizer
    this.growWhen = growWhen
    this.#options = { tokens, tokensAtOnce, minCount }
    this.#capacity = capacity
    this.#isFixed = tokens === tokenizer.vocabulary
    this.#merges = new MergeLearner({ capacity, tokenizer })
  }

  /** Whether it never adds a token. */
  get isFixed(): boolean {
    return this.#isFixed
  }

  /** Counts the words of a text. What is no text, such as half a character, is left out. */
  observe(text: string): void {
    checkArgument('GrowingVocabulary: observe', 'text', text, checks.text)
    if (this.#isFixed) return
    this.#merges.observe(text.replaceAll('\ufffd', ''))
  }

  /**
   * The tokens that what was seen calls for most, or null if it calls for none or there are enough. Their
   * share, and what they take from their parts, is what was counted. Changes nothing.
   *
   * @param room Most tokens that there is room for.
   */
  wanted(room: number = Infinity): WantedTokens | null {
    checkArgument('GrowingVocabulary: wanted', 'room', room, checks.number({ infinite: true }))
    const { tokens, tokensAtOnce, minCount } = this.#options
    const { vocabulary } = this.tokenizer
    const most = Math.floor(Math.min(tokensAtOnce, tokens - vocabulary, room))
    if (most < 1) return null
    const proposed = this.#merges.propose(this.tokenizer, most, minCount)
    if (proposed.length === 0) return null
    const merges = proposed.map(({ merge }) => merge)
    const said = merges.slice(0, 3).map((_, i) => JSON.stringify(this.#textOf(vocabulary + i, merges)))
    return {
      request: { kind: 'growVocabulary', tokens: proposed.map(newToken) },
      merges,
      reason: `${said.join(', ')}${merges.length > 3 ? ', …' : ''} seen ${proposed[0].count} to ${proposed.at(-1)?.count} times`,
    }
  }

  /** The text of a token, be it one of those that merges would add. */
  #textOf(token: number, merges: readonly BytePairMerge[]): string {
    const { vocabulary } = this.tokenizer
    const known: number[] = []
    const waiting = [token]
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (next < vocabulary) known.push(next)
      else waiting.push(...merges[next - vocabulary].toReversed())
    }
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(
      Uint8Array.from(this.tokenizer.decodeBytes(known)),
    )
  }

  /** Plain data. */
  toState(): State {
    const counts = Object.entries(this.#merges.toState())
    return {
      merges: this.tokenizer.merges.map(([left, right]) => [left, right]),
      pieces: counts.map(([piece]) => piece),
      counts: counts.map(([, count]) => count),
    }
  }

  /**
   * @throws StateError for an invalid state, or of a tokenizer that began otherwise; OptionError for
   *   merges that no tokenizer can have. It is unchanged then.
   */
  restore(state: unknown): void {
    const own = this.tokenizer.merges
    if (!aState.accepts(state) || !goesOn(own, state)) {
      throw new StateError(
        `${this.name}: got ${shown(state)}; expected one that goes on from the ${own.length} merges of its ` +
          'tokenizer, with words and a count for each.',
      )
    }
    const { merges, pieces, counts } = state
    const learnt = new MergeLearner(
      { capacity: this.#capacity, tokenizer: this.tokenizer },
      Object.fromEntries(pieces.map((piece, i) => [piece, counts[i]])),
    )
    this.tokenizer.add(merges.slice(own.length))
    this.#merges = learnt
  }
}

/**
 * Byte pairs that become tokens while a learner lives: given to it as part of its strategy, it sees every
 * text that is learnt, and when it is due the model and the tokenizer grow together. Belongs to one learner.
 *
 * @throws OptionError for a number of tokens that leaves no room to grow, or limits that are not positive
 *   integers.
 * @example
 * ```ts
 * const vocabulary = growingVocabulary({ tokens: 512, growWhen: everySteps(100) })
 * const learner = new Learner({ model, optimizer: adamw({ learningRate: 1e-3 }), strategy: { vocabulary } })
 * ```
 */
export function growingVocabulary(options: VocabularyOptions): GrowingVocabulary {
  const vocabulary = new GrowingVocabulary(options)
  const present = vocabulary.tokenizer.vocabulary
  if (options.tokens > present) return vocabulary
  throw new OptionError(
    `growingVocabulary: got tokens ${options.tokens}; expected more than the present ${present}. ` +
      'For one that never grows there is fixedVocabulary.',
  )
}

/**
 * The tokens of a pre-trained model as they are: a learner reads and counts by them, and adds none. Belongs
 * to one learner.
 *
 * @example
 * ```ts
 * import { tokenizerFromPretrained } from '@burgeon/gpt/node'
 * const vocabulary = fixedVocabulary(await tokenizerFromPretrained('models/llama'))
 * const learner = new Learner({ model, optimizer: adamw({ learningRate: 3e-4 }), strategy: { vocabulary } })
 * ```
 */
export function fixedVocabulary(tokenizer: GrowingTokenizer): GrowingVocabulary {
  checkArgument('fixedVocabulary', 'tokenizer', tokenizer, aGrowingTokenizer)
  return new GrowingVocabulary({ tokenizer, tokens: tokenizer.vocabulary, growWhen: neverTrigger })
}

const aState: Check<State> = fields<State>('a vocabulary', {
  merges: checks.list('pairs of tokens', checks.pair('a pair of tokens', checks.integer({ from: 0 }))),
  pieces: checks.list('words', checks.text),
  counts: checks.list('counts', checks.integer({ from: 1 })),
})

/** Returns whether a state has a count for every word, and the merges of a tokenizer before all others. */
const goesOn = (own: readonly BytePairMerge[], { merges, pieces, counts }: State): boolean =>
  pieces.length === counts.length &&
  own.length <= merges.length &&
  own.every(([left, right], i) => merges[i][0] === left && merges[i][1] === right)

/** One more in the denominator: a token that always came with the other may come alone. */
function newToken({ merge, count, ofLeft, ofRight }: ProposedMerge): GrowVocabulary['tokens'][number] {
  const share = count / (ofLeft + 1)
  return { parts: merge, share, takes: [share, count / (ofRight + 1)] }
}
