/** No part of a strategy is missing from the table of `npm run bench -- strategies`. */
import * as continual from '@burgeon/continual'
import { expect, test } from 'vitest'
import { elsewhere } from '../../bench/strategies/elsewhere.ts'
import { strategyParts } from '../../bench/strategies/parts.ts'

const makers = Object.entries(continual).flatMap(([name, value]) =>
  typeof value === 'function' && /^[a-z]/.test(name) ? [name] : [],
)

test('every function of the package is a row of the table, or shown elsewhere', () => {
  const named = [...Object.keys(strategyParts), ...Object.values(elsewhere).flat()]
  expect(named.toSorted()).toEqual(makers.toSorted())
})
