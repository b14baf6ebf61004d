/** What a text is searched for: by JavaScript's engine where that takes steady time, or step by step. */
import { CountedSearch, type MatchSpan } from './counted-search.ts'
import { isLinear } from './is-linear.ts'
import { type RegexNode, sourceOf } from './regex-node.ts'

/** Finds all matches in a text, in order, none over another. */
export interface Pattern {
  /** @throws TokenizerError for a search of too many steps. */
  matches(text: string): Iterable<MatchSpan>
}

/** @param refuse Is called for what neither can search. */
export function patternFrom(node: RegexNode, refuse: (what: string) => never): Pattern {
  return isLinear(node) ? nativePattern(new RegExp(sourceOf(node), 'gu')) : new CountedSearch(node, refuse)
}

/** @param regex With the flags `gu`, of a kind that every text is searched for in steady time. */
export function nativePattern(regex: RegExp): Pattern {
  return {
    matches: (text) => Array.from(text.matchAll(regex), ({ index, 0: { length } }) => ({ index, length })),
  }
}

/** The text with another in the place of every match. */
export function replaceMatches(text: string, pattern: Pattern, content: string): string {
  const parts: string[] = []
  let done = 0
  for (const { index, length } of pattern.matches(text)) {
    parts.push(text.slice(done, index), content)
    done = index + length
  }
  return parts.join('') + text.slice(done)
}
