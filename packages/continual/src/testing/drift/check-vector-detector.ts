/** The contract of a vector detector, as statements to be checked in any test runner. */
import { checkArgument, checkOptions, checks, OptionError, shown } from '@burgeon/tensor'
import {
  type CheckResult,
  copied,
  isSame,
  type Promised,
  statements,
  takenStates,
} from '@burgeon/tensor/testing'
import type { DriftVerdict } from '../../drift/drift-detector.ts'
import { aVectorDetector, type VectorDetector } from '../../drift/vectors/vector-detector.ts'
import { gaussians } from '../gaussians.ts'

/** The streams of the suite, and the alarms that a detector must give there. */
export interface VectorExpectation {
  /** Components of a vector, from 2 to 1,000. Default 3. */
  readonly components?: number
  /** Number of vectors without a change, and without an alarm; from 1 to 100,000. Default 800. */
  readonly quiet?: number
  /** Maximum number of vectors from a change to its alarm; from 1 to 100,000. Default 100. */
  readonly delay?: number
  /** The changes it must report: of means by 1.5, or of how components move together. Default: both. */
  readonly changes?: readonly ('mean' | 'correlation')[]
}

/**
 * Checks a detector against made-up Gaussian vectors, the same in every run.
 *
 * @param make Makes a fresh detector.
 * @throws OptionError if `make` does not return a detector, and for an expectation that does not exist or is
 *   outside its range.
 * @example
 * ```ts
 * for (const { statement, holds, detail } of checkVectorDetector(() => kernelTwoSample())) {
 *   if (!holds) throw new Error(`${statement}: ${detail}`)
 * }
 * ```
 */
export function checkVectorDetector(
  make: () => VectorDetector,
  expectation: VectorExpectation = {},
): CheckResult[] {
  checkArgument(
    'checkVectorDetector',
    'make',
    make,
    checks.callback('a function that makes a vector detector'),
  )
  checkOptions('checkVectorDetector', expectation, {
    components: checks.integer({ from: 2, to: 1000 }),
    quiet: checks.integer({ from: 1, to: 100_000 }),
    delay: checks.integer({ from: 1, to: 100_000 }),
    changes: checks.list("a list of 'mean' and 'correlation'", checks.oneOf('mean', 'correlation')),
  })
  const made = (): VectorDetector => {
    const detector = make()
    if (aVectorDetector.accepts(detector)) return detector
    throw new OptionError(
      `checkVectorDetector: got ${shown(detector)} from make; expected a vector detector.`,
    )
  }
  const { components = 3, quiet = 800, delay = 100, changes = ['mean', 'correlation'] } = expectation
  const noise = gaussians((quiet + delay) * components)
  const vectors = Array.from({ length: quiet + delay }, (_, i) =>
    noise.slice(i * components, (i + 1) * components),
  )
  const calm = vectors.slice(0, quiet)
  const changed = {
    mean: vectors.slice(quiet).map((vector) => vector.map((x) => x + 1.5)),
    // Each component keeps its mean and its variance.
    correlation: vectors
      .slice(quiet)
      .map(([first, ...rest]) => [first, ...rest.map((x) => 0.95 * first + 0.31 * x)]),
  }
  const stream = [...calm, ...changed.mean]
  const promises: Promised[] = [
    [`is silent on ${quiet} vectors of one kind`, () => alarms(made(), calm)],
    ...changes.map(
      (change): Promised => [
        `reports a change of the ${change} within ${delay}, and that it leads away`,
        () => misses(made(), calm, changed[change]),
      ],
    ),
    ['changes no vector that it is given', () => changesVectors(made(), stream)],
    ['is like a new one after a reset', () => remembers(made, stream)],
    ['goes on to the bit after its state was saved and restored, anywhere', () => resumes(made, stream)],
    ['refuses vectors of other lengths or of no numbers, and stays unchanged', () => takes(made(), calm)],
    ['refuses a state that is not its own, and stays unchanged', () => refuses(made(), stream)],
  ]
  return statements(made().name, promises)
}

type Vectors = readonly (readonly number[])[]

const read = (detector: VectorDetector, vectors: Vectors): DriftVerdict[] =>
  vectors.map((vector) => detector.update([...vector]))

function alarms(detector: VectorDetector, calm: Vectors): string | null {
  const verdicts = read(detector, calm)
  const at = verdicts.flatMap(({ drift }, i) => (drift ? [i + 1] : []))
  if (at.length > 0) return `alarms at vector ${at.join(', ')}`
  const strange = verdicts.find(({ direction }) => direction !== null)
  return strange === undefined ? null : `direction '${strange.direction}' without an alarm`
}

function misses(detector: VectorDetector, calm: Vectors, change: Vectors): string | null {
  read(detector, calm)
  const alarm = read(detector, change).find(({ drift }) => drift)
  if (alarm === undefined) return 'no alarm'
  return alarm.direction === 'up' ? null : `an alarm of direction '${alarm.direction}'`
}

function changesVectors(detector: VectorDetector, stream: Vectors): string | null {
  const changed = stream.findIndex((vector) => {
    const given = Float64Array.from(vector)
    detector.update(given)
    return given.some((x, i) => !Object.is(x, vector[i]))
  })
  return changed < 0 ? null : `vector ${changed} was changed`
}

function remembers(make: () => VectorDetector, stream: Vectors): string | null {
  const [fresh, used] = [make(), make()]
  read(
    used,
    stream.map((vector) => [...vector, 1]),
  )
  used.reset()
  const i = stream.findIndex((vector) => !isSame(fresh.update(vector), used.update(vector)))
  return i < 0 ? null : `it differs from a new one at vector ${i}`
}

function resumes(make: () => VectorDetector, stream: Vectors): string | null {
  const whole = make()
  const copies: VectorDetector[] = []
  const failed = stream.findIndex((vector, i) => {
    if (i % 211 === 0) {
      // The second was used for something else before.
      const [fresh, used] = [make(), make()]
      read(used, stream.slice(-10))
      for (const copy of [fresh, used]) copy.restore(copied(whole.toState()))
      copies.push(fresh, used)
    }
    const verdict = whole.update(vector)
    return !copies.every((copy) => isSame(copy.update(vector), verdict))
  })
  return failed < 0 ? null : `first difference at vector ${failed}`
}

function takes(detector: VectorDetector, calm: Vectors): string | null {
  read(detector, calm.slice(0, 150))
  const before = copied(detector.toState())
  const [good] = calm
  for (const wrong of [
    [...good, 0],
    good.slice(1),
    [],
    [Number.NaN, ...good.slice(1)],
    [...good.slice(1), Infinity],
  ]) {
    try {
      detector.update(wrong)
      return `took ${shown(wrong)}`
    } catch (error) {
      if (!(error instanceof Error)) return `threw ${shown(error)}`
    }
    if (!isSame(copied(detector.toState()), before)) return `its state is another after ${shown(wrong)}`
  }
  return null
}

function refuses(detector: VectorDetector, stream: Vectors): string | null {
  read(detector, stream)
  return takenStates(
    (state) => detector.restore(state),
    () => detector.toState(),
  )
}
