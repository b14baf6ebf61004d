/** Tokens that were learnt after a file was read: each is two earlier ones. */
import { OptionError, shown } from '@burgeon/tensor'
import type { BytePairMerge } from './growing-tokenizer.ts'

/** What learnt tokens ask of those that were there before. */
export interface EarlierTokens {
  /** Whether a token takes part in merges. */
  isOfModel(token: number): boolean
  hasMerge(left: number, right: number): boolean
}

/** Learnt tokens, numbered from `first` on. */
export class LearntTokens {
  readonly first: number
  readonly merges: BytePairMerge[] = []

  constructor(first: number) {
    this.first = first
  }

  /** One more than the highest token. */
  get vocabulary(): number {
    return this.first + this.merges.length
  }

  /**
   * @throws OptionError for merges that cannot come next: a pair that is not new, or of no earlier tokens.
   */
  check(merges: readonly BytePairMerge[], earlier: EarlierTokens): void {
    const fresh = new Set<string>()
    merges.forEach(([left, right], i) => {
      const known = this.vocabulary + i
      const isToken = (id: number): boolean => earlier.isOfModel(id) || (id >= this.first && id < known)
      const key = `${left} ${right}`
      if (isToken(left) && isToken(right) && !earlier.hasMerge(left, right) && !fresh.has(key)) fresh.add(key)
      else {
        throw new OptionError(
          `PretrainedTokenizer: add: got merges with [${left}, ${right}] for token ${known}; ` +
            'expected a new pair of two earlier tokens. Keep merges in the order in which they were made.',
        )
      }
    })
  }

  /**
   * The tokens of the file that a token was learnt from; itself if it was not.
   *
   * @throws OptionError if there is no such token.
   */
  partsOf(token: number): readonly number[] {
    if (!Number.isInteger(token) || token < 0 || token >= this.vocabulary) {
      throw new OptionError(
        `PretrainedTokenizer: got token ${shown(token)}; expected an integer from 0 to ${this.vocabulary - 1}.`,
      )
    }
    const parts: number[] = []
    const waiting = [token]
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (next < this.first) parts.push(next)
      else {
        const [left, right] = this.merges[next - this.first]
        waiting.push(right, left)
      }
    }
    return parts
  }
}
