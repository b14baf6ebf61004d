/** Cutting a text at the matches of an expression, in the five ways that Hugging Face knows. */

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
  regex: RegExp,
  behavior: SplitBehavior,
  invert: boolean = false,
): string[] {
  const spans: (Span & { readonly isMatch: boolean })[] = []
  let end = 0
  for (const match of text.matchAll(regex)) {
    if (match.index > end) spans.push({ from: end, to: match.index, isMatch: invert })
    end = match.index + match[0].length
    spans.push({ from: match.index, to: end, isMatch: !invert })
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
