/** What the contract of a drift detector says to what is no detector, or behaves like none. */
import { type DriftDetector, PageHinkley } from '@burgeon/continual'
import { checkDriftDetector } from '@burgeon/continual/testing'
import { OptionError } from '@burgeon/tensor'
import { expect, test } from 'vitest'

const made = (): DriftDetector => new PageHinkley()

test.each([
  ['make', () => 'no detector' as never, PageHinkley.fromState],
  ['fromState', made, () => ({ name: 'half of one' }) as never],
  ['update', () => Object.assign(made(), { update: () => undefined }) as never, PageHinkley.fromState],
])('a wrong %s is told in words', (place, make, fromState) => {
  const check = (): unknown => checkDriftDetector(make, fromState)
  expect(check).toThrow(OptionError)
  expect(check).toThrow(/^checkDriftDetector: got (no )?(detector|verdict) from /)
  expect(check).toThrow(place)
})
