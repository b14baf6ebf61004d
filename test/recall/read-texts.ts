/** Texts as a model has predicted them. */
import { type Origin, type ReadText, type Recall, spellingOf } from '@burgeon/continual'

/** Every token is a byte. */
export const bytesSpelled = spellingOf(256)
export const encoded = (text: string): Uint8Array => new TextEncoder().encode(text)
export const originOf = (id: number, source = 's'): Origin => ({
  ...{ id, source, domain: 'text', at: 10 * id, trust: 1 },
})

/**
 * A text of bytes.
 *
 * @param bits Loss of each byte after the first; 6 unless given.
 */
export function textOf(
  text: string | Uint8Array,
  { id, source, bits = 6 }: { id?: number; source?: string; bits?: number | ArrayLike<number> } = {},
): ReadText {
  const tokens = Int32Array.from(typeof text === 'string' ? encoded(text) : text)
  const lossAt = (i: number): number => (typeof bits === 'number' ? bits : bits[i]) * Math.LN2
  return {
    tokens,
    losses: Float64Array.from({ length: tokens.length - 1 }, (_, i) => lossAt(i)),
    domain: 'text',
    origin: id === undefined ? null : originOf(id, source),
  }
}

export const bitsOf = (losses: ArrayLike<number>): number =>
  Array.from(losses).reduce((a, b) => a + b, 0) / Math.LN2

/** Has a recall read a text that comes again and again. */
export function readSome(recall: Recall): void {
  recall.remember([textOf('a text that comes again', { id: 7 })], bytesSpelled)
}
