/** Cutting a text at the matches of an expression, in the five ways that Hugging Face knows. */

import { nativePattern, type Pattern } from './regex/pattern.ts'

/** What becomes of a match: the delimiter's behaviour. */
export type SplitBehavior = 'Removed' | 'Isolated' | 'MergedWithPrevious' | 'MergedWithNext' | 'Contiguous'

/** A stretch of a text, from `from` up to `to`. */
interface Span {
  readonly from: number
  to: number
}

/**
 * The pieces of a text, in order; empty ones are left out.
 *
 * @param invert Whether what matches is what is kept, and what lies between is the delimiter.
 */
export function splitText(
  text: string,
  pattern: RegExp | Pattern,
  behavior: SplitBehavior,
  invert: boolean = false,
): string[] {
  const spans: (Span & { readonly isMatch: boolean })[] = []
  const known = pattern instanceof RegExp ? nativePattern(pattern) : pattern
  let end = 0
  for (const { from, to } of inWindows(text, (window, start) => matchesIn(window, start, known)).flat()) {
    if (from > end) spans.push({ from: end, to: from, isMatch: invert })
    end = to
    spans.push({ from, to, isMatch: !invert })
  }
  if (end < text.length) spans.push({ from: end, to: text.length, isMatch: invert })
  return joined(spans, behavior).flatMap(({ from, to }) => (to > from ? [text.slice(from, to)] : []))
}

function joined(
  spans: readonly (Span & { readonly isMatch: boolean })[],
  behavior: SplitBehavior,
): readonly Span[] {
  if (behavior === 'Isolated') return spans
  if (behavior === 'Removed') return spans.filter(({ isMatch }) => !isMatch)
  const result: Span[] = []
  // A match joins its neighbour, but of several in a row only the one beside it does.
  const order = behavior === 'MergedWithNext' ? spans.toReversed() : spans
  let wasMatch = false
  for (const { from, to, isMatch } of order) {
    const last = result.at(-1)
    const joins = behavior === 'Contiguous' ? isMatch === wasMatch : isMatch && !wasMatch
    wasMatch = isMatch
    if (!joins || last === undefined) result.push({ from, to })
    else if (behavior === 'MergedWithNext') result[result.length - 1] = { from, to: last.to }
    else last.to = to
  }
  return behavior === 'MergedWithNext' ? result.toReversed() : result
}

const matchesIn = (text: string, start: number, pattern: Pattern): Span[] =>
  Array.from(pattern.matches(text), ({ index, length }) => ({
    from: start + index,
    to: start + index + length,
  }))

/**
 * What a search makes of a text, or of windows of it one after another if it is too much at once: engines
 * keep a place to go back to for every character of a match, and throw a RangeError after some millions.
 */
export function inWindows<T>(text: string, search: (window: string, start: number) => T): T[] {
  try {
    return [search(text, 0)]
  } catch (error) {
    if (!(error instanceof RangeError) || text.length <= windowLength) throw error
  }
  const results: T[] = []
  for (let from = 0; from < text.length; ) {
    const most = Math.min(from + windowLength, text.length)
    // No character is cut in two.
    const to = most < text.length && /[\udc00-\udfff]/.test(text[most]) ? most - 1 : most
    results.push(search(text.slice(from, to), from))
    from = to
  }
  return results
}

const windowLength = 2 ** 20
