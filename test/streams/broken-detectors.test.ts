/** What the contract of a drift detector says to what is no detector, or behaves like none. */
import { type DriftDetector, pageHinkley } from '@burgeon/continual'
import { checkDriftDetector } from '@burgeon/continual/testing'
import { OptionError } from '@burgeon/tensor'
import { expect, test } from 'vitest'

const made = (): DriftDetector => pageHinkley()

test.each([
  ['make', () => 'no detector' as never],
  ['update', () => Object.assign(made(), { update: () => undefined }) as never],
])('a wrong %s is told in words', (place, make) => {
  const check = (): unknown => checkDriftDetector(make)
  expect(check).toThrow(OptionError)
  expect(check).toThrow(/^checkDriftDetector: got (no )?(detector|verdict) from /)
  expect(check).toThrow(place)
})
