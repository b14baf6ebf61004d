/**
 * How much the tests try: the one place that decides. `npm test` takes the short form, which two busy cores end within ten minutes;
 * `BURGEON_LONG_TESTS=1`, as in `.ci/run`, takes the long one; `BURGEON_LONG_TESTS=2` also takes hours.
 */
const { BURGEON_LONG_TESTS: form = '' } = process.env
const isLong = form === '1' || form === '2'

/** One of two things to try. */
export const shortOrLong = <T>(short: T, long: T): T => (isLong ? long : short)

/** How often a property is tried, or how many steps a trial has; in the form of hours `hours`, or as in the long one. */
export const times = (short: number, long: number, hours: number = long): number =>
  form === '2' ? hours : shortOrLong(short, long)

/** A few of many cases, evenly from the first to the last; all of them in the long form. */
export function someOf<T>(cases: readonly T[], few: number): readonly T[] {
  if (isLong || cases.length <= few) return cases
  if (few === 1) return cases.slice(0, 1)
  return Array.from({ length: few }, (_, i) => cases[Math.round((i * (cases.length - 1)) / (few - 1))])
}
