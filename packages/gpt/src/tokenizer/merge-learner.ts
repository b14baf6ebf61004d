/** Learns from a stream which pairs of tokens deserve a token of their own. */
import { checkArgument, checkOptions, checks } from '@burgeon/tensor'
import { piecesOf } from './byte-pair-tokenizer.ts'
import { aGrowingTokenizer, type BytePairMerge, type GrowingTokenizer } from './growing-tokenizer.ts'

/** A pair that is worth a token. */
export interface ProposedMerge {
  readonly merge: BytePairMerge
  /** How often it would have been used in what was observed. */
  readonly count: number
  /** How often its left token was there by then, with the right one after it or not. */
  readonly ofLeft: number
  readonly ofRight: number
}

/** How much is remembered. */
export interface MergeLearnerOptions {
  /** Different pieces that are counted at most, 20,000 unless given. When there are more, old counts fade. */
  readonly capacity?: number
  /** Whose pieces are counted; those of a BytePairTokenizer unless given. */
  readonly tokenizer?: GrowingTokenizer
}

/**
 * Counts the pieces of a stream (words with the space before them) in bounded memory: when there are too
 * many, every count is halved and those that vanish are forgotten (the lossy counting of Manku & Motwani 2002
 * with decay), so that the present stream counts for more than what came long ago.
 *
 * @example
 * ```ts
 * const learner = new MergeLearner()
 * learner.observe('to be or not to be')
 * const grow = (tokenizer: BytePairTokenizer): void =>
 *   tokenizer.add(learner.propose(tokenizer, 2).map(({ merge }) => merge))
 * ```
 */
export class MergeLearner {
  readonly #capacity: number
  readonly #piecesOf: (text: string) => readonly string[]
  readonly #counts: Map<string, number>

  /**
   * @param state What `toState` returned.
   * @throws OptionError for a capacity that is not a positive integer.
   */
  constructor(options: MergeLearnerOptions = {}, state: Readonly<Record<string, number>> = {}) {
    checkOptions('MergeLearner', options, {
      capacity: checks.integer({ from: 1 }),
      tokenizer: aGrowingTokenizer,
    })
    checkArgument(
      'MergeLearner',
      'state',
      state,
      checks.record('counts by word', checks.integer({ from: 1 })),
    )
    const { capacity = 20_000, tokenizer } = options
    this.#capacity = capacity
    this.#piecesOf = tokenizer === undefined ? piecesOf : (text) => tokenizer.piecesOf(text)
    this.#counts = new Map(Object.entries(state))
  }

  observe(text: string): void {
    checkArgument('MergeLearner: observe', 'text', text, checks.text)
    for (const piece of this.#piecesOf(text)) this.#counts.set(piece, (this.#counts.get(piece) ?? 0) + 1)
    while (this.#counts.size > this.#capacity) this.#fade()
  }

  /**
   * The pairs that are most frequent now, one after another, each counted as if those before it had been
   * merged. Changes nothing.
   *
   * @param maxMerges Most pairs to propose, ≥ 0.
   * @param minCount Pairs seen more rarely are left alone; 2 unless given.
   */
  propose(tokenizer: GrowingTokenizer, maxMerges: number, minCount = 2): ProposedMerge[] {
    const who = 'MergeLearner: propose'
    checkArgument(who, 'tokenizer', tokenizer, aGrowingTokenizer)
    checkArgument(who, 'maxMerges', maxMerges, checks.integer({ from: 0 }))
    checkArgument(who, 'minCount', minCount, checks.integer({ from: 1 }))
    const words: Word[] = [...this.#counts].map(([piece, count]) => ({
      tokens: [...tokenizer.encodePiece(piece)],
      count,
    }))
    const proposed: ProposedMerge[] = []
    while (proposed.length < maxMerges) {
      const best = mostFrequentPair(words)
      if (best === undefined || best.count < minCount) break
      const token = tokenizer.vocabulary + proposed.length
      const [left, right] = best.merge
      proposed.push({ ...best, ofLeft: occurrences(words, left), ofRight: occurrences(words, right) })
      for (const word of words) word.tokens = merged(word.tokens, best.merge, token)
    }
    return proposed
  }

  toState(): Record<string, number> {
    return Object.fromEntries(this.#counts)
  }

  #fade(): void {
    for (const [piece, count] of this.#counts) {
      const half = Math.floor(count / 2)
      if (half === 0) this.#counts.delete(piece)
      else this.#counts.set(piece, half)
    }
  }
}

interface Word {
  tokens: readonly number[]
  readonly count: number
}

/**
 * The most frequent pair; among equally frequent ones that with the smallest tokens, so that the same stream
 * gives the same merges.
 */
function mostFrequentPair(words: readonly Word[]): Pick<ProposedMerge, 'merge' | 'count'> | undefined {
  const counts = new Map<number, number>()
  for (const { tokens, count } of words) {
    for (let i = 0; i + 1 < tokens.length; i++) {
      const key = tokens[i] * 2 ** 26 + tokens[i + 1]
      counts.set(key, (counts.get(key) ?? 0) + count)
    }
  }
  let [bestKey, bestCount] = [-1, 0]
  for (const [key, count] of counts) {
    if (count > bestCount || (count === bestCount && key < bestKey)) [bestKey, bestCount] = [key, count]
  }
  if (bestKey < 0) return undefined
  const right = bestKey % 2 ** 26
  return { merge: [(bestKey - right) / 2 ** 26, right], count: bestCount }
}

function occurrences(words: readonly Word[], token: number): number {
  let total = 0
  for (const { tokens, count } of words) for (const other of tokens) if (other === token) total += count
  return total
}

function merged(tokens: readonly number[], [left, right]: BytePairMerge, token: number): readonly number[] {
  if (!tokens.includes(left)) return tokens
  const result: number[] = []
  for (let i = 0; i < tokens.length; i++) {
    const isPair = tokens[i] === left && tokens[i + 1] === right
    result.push(isPair ? token : tokens[i])
    if (isPair) i++
  }
  return result
}
