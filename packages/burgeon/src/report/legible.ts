/**
 * How much of a long list a page or a terminal shows: of more nobody reads anything, and the rest is counted.
 */
import { count } from '../terminal/quantities.ts'

/** Rows of a table. */
export const maxRows = 100
/** Columns of a table, or lines of a chart. */
export const maxDomains = 12
export const maxSamples = 12

/** The items of a list that are shown, and how many are not. */
export interface Legible<T> {
  readonly shown: readonly T[]
  readonly more: number
}

/** So many from the beginning, and so many from the end. */
export function ends<T>(items: readonly T[], first: number, last: number): Legible<T> {
  const more = Math.max(0, items.length - first - last)
  return { shown: more === 0 ? items : [...items.slice(0, first), ...items.slice(first + more)], more }
}

/** All in their order where they are few; else those of the greatest `badness`, the worst first. */
export function worst<T>(items: readonly T[], most: number, badness: (item: T) => number): Legible<T> {
  if (items.length <= most) return { shown: items, more: 0 }
  return ends(
    items.toSorted((a, b) => badness(b) - badness(a)),
    most,
    0,
  )
}

/** `and 19,900 more …`, or nothing where all are shown. */
export function moreOf(more: number, what: string): string {
  return more === 0 ? '' : `and ${count(more)} more ${what}`
}
