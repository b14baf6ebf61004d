/** A recall that tells what each text cost with it and without it. */
import type { ReadText, Recall, Spelling } from '@burgeon/continual'

/** Losses of some bytes, in bits, all together. */
export interface Cost {
  bytes: number
  /** By the model alone. */
  model: number
  /** With what was recalled. */
  mixed: number
}

export const noCost = (): Cost => ({ bytes: 0, model: 0, mixed: 0 })

/** By how much it cost more than by the model alone, in bits per byte. */
export const excessOf = ({ bytes, model, mixed }: Cost): number => (mixed - model) / bytes

/** Adds what the bytes of a text from one place up to another have cost. */
export function addCost(
  cost: Cost,
  { tokens, losses }: ReadText,
  mixed: ArrayLike<number>,
  spelling: Spelling,
  [from, to]: readonly [number, number],
): void {
  let start = spelling.bytesOf(tokens[0]).length
  for (let i = 0; i < losses.length; i++) {
    const { length } = spelling.bytesOf(tokens[i + 1])
    if (start >= from && start < to) {
      cost.bytes += length
      cost.model += losses[i] / Math.LN2
      cost.mixed += mixed[i] / Math.LN2
    }
    start += length
  }
}

/** @param tell Is called with every text that was read, what it cost, and how its tokens are spelt. */
export const witnessed = (
  recall: Recall,
  tell: (text: ReadText, mixed: Float64Array, spelling: Spelling) => void,
): Recall => ({
  ...recall,
  remember(texts, spelling) {
    const mixed = recall.remember(texts, spelling)
    texts.forEach((text, i) => tell(text, mixed[i], spelling))
    return mixed
  },
})
