/** The contract of an assessment, as statements to be checked in any test runner. */
import { checkArgument, checks, keyFromSeed, OptionError, RandomStream, shown } from '@burgeon/tensor'
import {
  type CheckResult,
  copied,
  isSame,
  type Promised,
  statements,
  takenStates,
} from '@burgeon/tensor/testing'
import { type AssessedStep, type Assessment, anAssessment } from '../assess/assessment.ts'

const [steps, rowsOfStep, length] = [240, 4, 16]
const vocabulary = 12
/** The step from which on the model is far too sure of itself. */
const worseFrom = 120

/**
 * Checks an assessment in a made-up life of 240 steps of 64 predictions, which is the same in every run: a
 * model that knows how sure it may be becomes one that is far too sure.
 *
 * @param make Makes a fresh assessment, which promises `coverage`.
 * @throws OptionError if `make` does not return an assessment.
 * @example
 * ```ts
 * for (const { statement, holds, detail } of checkAssessment(() => selfAssessment(), 0.9)) {
 *   if (!holds) throw new Error(`${statement}: ${detail}`)
 * }
 * ```
 */
export function checkAssessment(make: () => Assessment, coverage: number): CheckResult[] {
  checkArgument('checkAssessment', 'make', make, checks.callback('a function that makes an assessment'))
  checkArgument('checkAssessment', 'coverage', coverage, checks.number({ above: 0, below: 1 }))
  const made = (): Assessment => {
    const assessment = make()
    if (anAssessment.accepts(assessment)) return assessment
    throw new OptionError(`checkAssessment: got ${shown(assessment)} from make; expected an assessment.`)
  }
  const promises: readonly Promised[] = [
    ['sets hold what comes as often as promised, whatever the model does', () => broken(made(), coverage)],
    ['says of each prediction what its set before the step would say of a single one', () => otherThan(made)],
    ['gives every token a probability, and all of them together 1', () => isNone(made())],
    ['a set holds the likeliest tokens', () => isUnlikely(made())],
    ['finds a model that has become too sure, and no healthy one', () => finds(made())],
    ['changes nothing by being asked', () => changed(made())],
    ['goes on when the vocabulary has grown, and leaves padding out', () => stumbles(made())],
    ['goes on to the bit after its state was saved and restored, at any step', () => resumes(made)],
    ['refuses a state that is not its own, and stays unchanged', () => takes(made())],
  ]
  return statements(made().name, promises)
}

/**
 * What is predicted in a step. Tokens come by the softmax of some logits; the model says these, or three
 * times as much.
 */
function stepAt(step: number, tokens: number = vocabulary, rows: number = rowsOfStep): AssessedStep {
  const random = new RandomStream(keyFromSeed(step)).named('made up')
  const count = rows * length
  const logits = new Float32Array(count * tokens)
  const targets = new Int32Array(count)
  for (let i = 0; i < count; i++) {
    const own = Array.from({ length: tokens }, () => 3 * random.uniform())
    const total = own.reduce((sum, logit) => sum + Math.exp(logit), 0)
    let left = random.uniform() * total
    targets[i] = Math.max(
      0,
      own.findIndex((logit) => (left -= Math.exp(logit)) <= 0),
    )
    own.forEach((logit, v) => (logits[i * tokens + v] = logit * (step < worseFrom ? 1 : 3)))
  }
  return {
    ...{ step: step + 1, logits, vocabulary: tokens, targets },
    rows: Array.from({ length: rows }, () => ({ domain: 'made up', source: null })),
    bytesOf: (token) => Uint8Array.of(97 + token),
  }
}

function live(assessment: Assessment, from: number, to: number): (boolean | null)[] {
  const held: (boolean | null)[] = []
  for (let step = from; step < to; step++) held.push(...assessment.update(stepAt(step)).held)
  return held
}

const shareOf = (held: readonly (boolean | null)[]): number =>
  held.filter((one) => one === true).length / Math.max(1, held.length)

function broken(assessment: Assessment, coverage: number): string | null {
  const held = live(assessment, 0, steps)
  const half = worseFrom * rowsOfStep * length
  for (const part of [held, held.slice(0, half), held.slice(half)]) {
    if (Math.abs(shareOf(part) - coverage) > 0.02) return `its sets held ${shareOf(part)} of what came`
  }
  return null
}

/** A step of one prediction has the set that was told before it. */
function otherThan(made: () => Assessment): string | null {
  const assessment = made()
  live(assessment, 0, 20)
  for (let step = 20; step < 60; step++) {
    const { logits, targets, ...rest } = stepAt(step)
    const own = Float32Array.from({ length: vocabulary }, (_, v) => logits[v])
    const target = targets.slice(0, 1)
    const { set } = assessment.certaintyOf(own)
    const { held } = assessment.update({ ...rest, logits: own, targets: target, rows: rest.rows.slice(0, 1) })
    if (held.length !== 1 || held[0] !== set.includes(target[0])) {
      return `in step ${step} the set was ${set.join()}, ${target[0]} came, and it said ${shown(held)}`
    }
  }
  return null
}

const someLogits = (): Float32Array => Float32Array.from({ length: vocabulary }, (_, v) => ((v * 5) % 7) / 2)

function isNone(assessment: Assessment): string | null {
  for (const after of [0, 40]) {
    live(assessment, 0, after)
    const { next, temperature } = assessment.certaintyOf(someLogits())
    const total = next.reduce((a, b) => a + b, 0)
    if (next.length !== vocabulary || Math.abs(total - 1) > 1e-9)
      return `${next.length} numbers sum to ${total}`
    if (!next.every((p) => p > 0)) return 'a token had no chance'
    if (!(temperature > 0 && temperature < Infinity)) return `its temperature was ${temperature}`
  }
  return null
}

function isUnlikely(assessment: Assessment): string | null {
  live(assessment, 0, 40)
  const { next, set } = assessment.certaintyOf(someLogits())
  const least = Math.min(...set.map((token) => next[token]))
  const most = Math.max(...Array.from(next).filter((_, token) => !set.includes(token)), 0)
  return most <= least ? null : `it left out a token of ${most} and held one of ${least}`
}

function finds(assessment: Assessment): string | null {
  const risen: number[] = []
  for (let step = 0; step < steps; step++) {
    if (assessment.update(stepAt(step)).risen.length > 0) risen.push(step)
  }
  const [first = Infinity] = risen
  return first >= worseFrom && first < worseFrom + 40
    ? null
    : `the model was worse from step ${worseFrom} on, and it first said so in step ${first}`
}

function changed(assessment: Assessment): string | null {
  live(assessment, 0, 40)
  const before = copied(assessment.toState())
  const told = [0, 1].map(() => copied([assessment.certaintyOf(someLogits()), assessment.summary()]))
  if (!isSame(told[0], told[1])) return 'it said two things'
  return isSame(assessment.toState(), before) ? null : 'its state is another'
}

function stumbles(assessment: Assessment): string | null {
  live(assessment, 0, 20)
  const grown = stepAt(20, vocabulary + 5)
  const targets = grown.targets.map((target, i) => (i % 3 === 0 ? -1 : target))
  const { held } = assessment.update({ ...grown, targets })
  const isRight = held.length === targets.length && held.every((one, i) => (one === null) === (i % 3 === 0))
  return isRight ? null : `with every third prediction of padding it said ${shown(held)}`
}

function resumes(made: () => Assessment): string | null {
  const whole = made()
  live(whole, 0, steps)
  for (const at of [0, 1, 110, steps - 1]) {
    const [first, second] = [made(), made()]
    live(first, 0, at)
    // The second has seen other steps, which must be gone after `restore`.
    live(second, 100, 130)
    second.restore(copied(first.toState()))
    live(second, at, steps)
    if (!isSame(second.toState(), whole.toState())) return `saved before step ${at}, it ends in another state`
  }
  return null
}

function takes(assessment: Assessment): string | null {
  live(assessment, 0, 40)
  return takenStates(
    (state) => assessment.restore(state),
    () => assessment.toState(),
  )
}
