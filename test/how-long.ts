/**
 * How much the tests try: the one place that decides. `npm test` takes the short form, which two busy cores end within ten minutes;
 * `BURGEON_LONG_TESTS=1`, as in `.ci/run`, takes the long one.
 */
const isLong = process.env.BURGEON_LONG_TESTS === '1'

/** One of two things to try. */
export const shortOrLong = <T>(short: T, long: T): T => (isLong ? long : short)

/** How often a property is tried, or how many steps a trial has. */
export const times = (short: number, long: number): number => shortOrLong(short, long)

/** A few of many cases, evenly from the first to the last; all of them in the long form. */
export function someOf<T>(cases: readonly T[], few: number): readonly T[] {
  if (isLong || cases.length <= few) return cases
  if (few === 1) return cases.slice(0, 1)
  return Array.from({ length: few }, (_, i) => cases[Math.round((i * (cases.length - 1)) / (few - 1))])
}
