/** Every role that a user can fill has a contract suite. */
import type { LearnerOptions, Strategy } from '@burgeon/continual'
import * as autogradTesting from '@burgeon/autograd/testing'
import * as continualTesting from '@burgeon/continual/testing'
import { expect, test } from 'vitest'

/** Its suite, or why it needs none. A role that is not here does not compile. */
const suites: Readonly<
  Record<keyof Strategy | Extract<keyof LearnerOptions, 'optimizer' | 'lossScale' | 'exchange'>, string>
> = {
  optimizer: 'checkGradientTransform',
  lossScale: 'checkGradientTransform',
  exchange: 'checkGradientExchange',
  projections: 'checkGradientTransform',
  transforms: 'checkGradientTransform',
  lookAhead: 'checkLookAhead',
  rehearsal: 'checkRehearsal',
  penalties: 'checkPenalty',
  detector: 'checkDriftDetector',
  detectors: 'checkVectorDetector',
  watches: 'checkStreamWatch',
  upkeep: 'checkUpkeep',
  growth: 'checkGrowthPolicy',
  freezing: 'checkFreezing',
  consolidateWhen: 'checkTrigger',
  controller: 'checkController',
  choice: 'checkChoice',
  sleep: 'checkSleepJob',
  recall: 'checkRecall',
  guard: 'checkGuard',
  probes: 'checkProbes',
  assessment: 'checkAssessment',
  vocabulary: 'none: it is one class, which nobody else can be',
  average: 'none: it is one class, which nobody else can be',
  context: 'none: it is one class, which nobody else can be',
}

test('a role names a suite that exists, or a reason', () => {
  const offered = new Set(Object.keys({ ...autogradTesting, ...continualTesting }))
  const missing = Object.values(suites).filter((suite) => !suite.startsWith('none: ') && !offered.has(suite))
  expect(missing).toEqual([])
})

test('a suite is that of a role', () => {
  const known = new Set(Object.values(suites))
  const suitesOf = Object.keys({ ...autogradTesting, ...continualTesting }).filter((name) =>
    /^check[A-Z]/.test(name),
  )
  expect(suitesOf.filter((name) => !known.has(name))).toEqual(['checkGradient'])
})
