/** Where every detector calls on two streams that are the same for ever: whoever changes one of these numbers has changed a detector. */
import {
  adaptiveWindowing,
  cusum,
  ddm,
  type DriftDetector,
  eddm,
  hddmAverage,
  hddmWeighted,
  kernelTwoSample,
  kswin,
  pageHinkley,
  standardized,
} from '@burgeon/continual'
import { expect, test } from 'vitest'
import { SeededStream } from './seeded-stream.ts'

/** Unit noise around 0, from 700 on around 2, from 1,400 on around −1. */
function levels(): number[] {
  const stream = new SeededStream(42)
  return Array.from({ length: 2000 }, (_, i) => (i < 700 ? 0 : i < 1400 ? 2 : -1) + stream.gaussian())
}

/** Errors at a rate of 0.1, from 700 on of 0.5, from 1,400 on of 0.2. */
function errors(): number[] {
  const stream = new SeededStream(43)
  return Array.from({ length: 2000 }, (_, i) => stream.bernoulli(i < 700 ? 0.1 : i < 1400 ? 0.5 : 0.2))
}

const alarms = (detector: DriftDetector, values: readonly number[]): string =>
  values
    .flatMap((value, i) => {
      const { drift, direction } = detector.update(value)
      return drift ? [`${i} ${direction}`] : []
    })
    .join(', ')

test.each<[string, () => DriftDetector, string]>([
  ['ADWIN', () => adaptiveWindowing(), '735 up, 767 up, 1439 down'],
  ['standardized ADWIN', () => standardized(adaptiveWindowing()), '739 up, 1415 down'],
  ['Page–Hinkley', () => pageHinkley(), '296 down, 720 up, 1414 down'],
  ['Page–Hinkley upwards', () => pageHinkley({ mode: 'up', threshold: 30, delta: 0.25 }), '714 up'],
  ['CUSUM', () => cusum({ threshold: 10 }), '704 up, 1405 down, 1522 down, 1609 up'],
  ['KSWIN', () => kswin({ alpha: 1e-4 }), '713 up, 1414 down, 1547 down'],
])('%s on levels', (_, make, expected) => {
  expect(alarms(make(), levels())).toBe(expected)
})

test.each<[string, () => DriftDetector, string]>([
  ['ADWIN', () => adaptiveWindowing(), '767 up, 799 up, 1503 down, 1535 down, 1599 down, 1631 down'],
  ['DDM', () => ddm(), '735 up'],
  ['EDDM', () => eddm(), '736 up, 793 up, 850 up, 942 up, 1032 up'],
  ['HDDM-A', () => hddmAverage({ mode: 'both' }), '721 up, 1455 down'],
  ['HDDM-W', () => hddmWeighted({ mode: 'both' }), '723 up, 1413 down'],
])('%s on errors', (_, make, expected) => {
  expect(alarms(make(), errors())).toBe(expected)
})

test('the kernel two-sample test on vectors whose means move by one at 600', () => {
  const stream = new SeededStream(44)
  const detector = kernelTwoSample()
  const found = Array.from({ length: 1200 }, (_, i) => {
    const vector = [stream.gaussian(), stream.gaussian(), stream.gaussian()]
    return detector.update(vector.map((x) => x + (i < 600 ? 0 : 1))).drift
  })
  expect([...found.keys()].filter((i) => found[i])).toEqual([638])
})
