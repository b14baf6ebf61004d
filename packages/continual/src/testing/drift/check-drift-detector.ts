/** The contract of a drift detector, as statements to be checked in any test runner. */
import { checkArgument, checkOptions, checks, OptionError } from '@burgeon/tensor'
import type { CheckResult } from '@burgeon/tensor/testing'
import {
  aDriftDetector,
  type DriftDetector,
  type DriftDirection,
  type DriftVerdict,
} from '../../drift/drift-detector.ts'
import { gaussians } from '../gaussians.ts'

/** The streams of the suite, and the alarms that a detector must give there. */
export interface DriftExpectation {
  /**
   * `level`: a level of 3 with noise, which jumps. `errors`: 0 and 1, of which every fifth is an error, then
   * four of five (up) or none (down), for detectors that take nothing else. Default `level`.
   */
  readonly signal?: 'level' | 'errors'
  /** Standard deviation of the noise around the level, > 0. Default 0.1. */
  readonly noise?: number
  /** Size of the change of level, > 0. Default 1. */
  readonly jump?: number
  /** Number of values without a change, and without an alarm; from 1 to a million. Default 2,000. */
  readonly quiet?: number
  /** Maximum number of values from a change to its alarm; from 1 to a million. Default 200. */
  readonly delay?: number
  /** The changes it must report. Default: both directions. */
  readonly directions?: readonly DriftDirection[]
}

/**
 * Checks a detector against made-up Gaussian streams, the same in every run.
 *
 * @param make Makes a fresh detector.
 * @throws OptionError if `make` does not return a detector, and for an expectation that does not exist or is
 *   outside its range.
 * @example for (const { statement, holds, detail } of checkDriftDetector(() => pageHinkley())) {
 *   test(statement, () => assert(holds, detail)) }
 */
export function checkDriftDetector(
  make: () => DriftDetector,
  expectation: DriftExpectation = {},
): CheckResult[] {
  checkArgument('checkDriftDetector', 'make', make, checks.callback('a function that makes a drift detector'))
  checkOptions('checkDriftDetector', expectation, {
    signal: checks.oneOf('level', 'errors'),
    noise: checks.number({ above: 0 }),
    jump: checks.number({ above: 0 }),
    quiet: manyValues,
    delay: manyValues,
    directions: checks.list("a list of 'up' and 'down'", checks.oneOf('up', 'down')),
  })
  const made = (): DriftDetector => {
    const detector: unknown = make()
    checkArgument('checkDriftDetector', 'detector from make()', detector, aDriftDetector)
    return detector
  }
  const { signal = 'level', noise, jump } = expectation
  const { quiet = 2000, delay = 200, directions = ['up', 'down'] } = expectation
  if (signal === 'errors' && (noise ?? jump) !== undefined) {
    throw new OptionError(
      'checkDriftDetector: got noise or jump for errors; expected them for a level alone.',
    )
  }
  const stretch = signal === 'errors' ? errors : levels(noise, jump)
  const calm = stretch(quiet, null)
  const changed = (direction: DriftDirection): number[] => [...calm, ...stretch(delay, direction)]
  const eventful = [...changed('up'), ...calm.slice(0, 100)]
  return [
    isSilent(made(), calm),
    ...directions.map((direction) => reports(made(), changed(direction), quiet, direction)),
    isFreshAfterReset(made, eventful),
    survivesSaving(made, eventful),
    refusesBadInput(made(), calm.slice(0, 150)),
  ]
}

/** Some values of a signal, as it is before a change, or after one in a direction. */
type Stretch = (count: number, after: DriftDirection | null) => number[]

const levels =
  (noise = 0.1, jump = 1): Stretch =>
  (count, after) => {
    const level = 3 + (after === null ? 0 : after === 'up' ? jump : -jump)
    return gaussians(count).map((x) => level + noise * x)
  }

/** A normal number lies above 0.8416 once in five times. */
const errors: Stretch = (count, after) =>
  gaussians(count).map((x) => Number(after !== 'down' && (after === 'up' ? x < 0.8416 : x > 0.8416)))

const manyValues = checks.integer({ from: 1, to: 1_000_000 })
const aVerdict = checks.role<DriftVerdict>('a verdict', 'drift', 'direction', 'estimate')

function verdictOf(detector: DriftDetector, value: number): DriftVerdict {
  const verdict = detector.update(value)
  checkArgument('checkDriftDetector', `verdict from ${detector.name}.update()`, verdict, aVerdict)
  return verdict
}

function isSilent(detector: DriftDetector, calm: readonly number[]): CheckResult {
  const verdicts = calm.map((value) => verdictOf(detector, value))
  const alarms = verdicts.flatMap(({ drift }, i) => (drift ? [i] : []))
  const consistent = verdicts.every(({ drift, direction }) => drift === (direction !== null))
  return {
    statement: `${detector.name} is silent on ${calm.length} values of a stationary stream`,
    holds: alarms.length === 0 && consistent,
    detail: `alarms at ${alarms.join(', ') || 'none'}; direction given exactly with drift: ${consistent}`,
  }
}

function reports(
  detector: DriftDetector,
  stream: readonly number[],
  change: number,
  direction: DriftDirection,
): CheckResult {
  const verdicts = stream.map((value) => verdictOf(detector, value))
  const alarm = verdicts.findIndex(({ drift }, i) => drift && i >= change)
  return {
    statement: `${detector.name} reports a jump ${direction} within ${stream.length - change} values`,
    holds: verdicts[alarm]?.direction === direction,
    detail: alarm < 0 ? 'no alarm' : `'${verdicts[alarm].direction}' after ${alarm - change + 1} values`,
  }
}

function isFreshAfterReset(make: () => DriftDetector, stream: readonly number[]): CheckResult {
  const [fresh, used] = [make(), make()]
  for (const value of stream) used.update(value)
  used.reset()
  const i = stream.findIndex((value) => !same(verdictOf(fresh, value), verdictOf(used, value)))
  return {
    statement: `${fresh.name} after a reset behaves like a new one`,
    holds: i < 0,
    detail: `first difference at value ${i}`,
  }
}

function survivesSaving(make: () => DriftDetector, stream: readonly number[]): CheckResult {
  const restored = (state: unknown): DriftDetector => {
    const detector = make()
    detector.restore(state)
    return detector
  }
  const original = make()
  // Detectors restored at some point, then run beside the original; the later ones show that saving a state
  // changes nothing.
  const copies: DriftDetector[] = []
  const failed = stream.findIndex((value, i) => {
    if (i % 97 === 0) {
      const state = original.toState()
      copies.push(restored(state))
      if (!holdsTypedArrays(state)) copies.push(restored(JSON.parse(JSON.stringify(state))))
      const used = make()
      for (const other of stream.slice(50, 150)) used.update(other)
      used.restore(state)
      copies.push(used)
    }
    const verdict = verdictOf(original, value)
    return !copies.every((copy) => same(verdictOf(copy, value), verdict))
  })
  return {
    statement: `${original.name} goes on to the bit after its state was saved and restored anywhere`,
    holds: failed < 0,
    detail: `first difference at value ${failed}`,
  }
}

function refusesBadInput(detector: DriftDetector, stream: readonly number[]): CheckResult {
  for (const value of stream) detector.update(value)
  const before = JSON.stringify(detector.toState())
  const accepted = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].filter((value) => {
    try {
      detector.update(value)
      return true
    } catch (error) {
      return !(error instanceof Error)
    }
  })
  const unchanged = JSON.stringify(detector.toState()) === before
  return {
    statement: `${detector.name} refuses NaN and infinities and is unchanged then`,
    holds: accepted.length === 0 && unchanged,
    detail: `accepted: ${accepted.join(', ') || 'none'}; state unchanged: ${unchanged}`,
  }
}

function same(a: DriftVerdict, b: DriftVerdict): boolean {
  return a.drift === b.drift && a.direction === b.direction && Object.is(a.estimate, b.estimate)
}

function holdsTypedArrays(value: unknown): boolean {
  if (ArrayBuffer.isView(value)) return true
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsTypedArrays)
}
