/** The contract of a look-ahead, as statements to be checked in any test runner. */
import { checkGradientTransform } from '@burgeon/autograd/testing'
import { applyUpdates } from '@burgeon/autograd/optim'
import {
  checkArgument,
  checkOptions,
  checks,
  type Device,
  formatShape,
  inversePlan,
  multiply,
  OptionError,
  sameShape,
  scope,
  shown,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import {
  type CheckResult,
  complaintOf,
  copied,
  isSame,
  type Promised,
  statements,
} from '@burgeon/tensor/testing'
import { aLookAhead, type LookAhead } from '../meta/look-ahead.ts'
import { growsAt, growth, LookAheadLife, numbersIn } from './look-ahead-life.ts'

/** Properties of a look-ahead. */
export interface LookAheadExpectation {
  /** Whether it learns its rates; false for one with fixed rates. Default true. */
  readonly learnsRates?: boolean
}

/** Number of updates in the lives that are compared. */
const steps = 8

/**
 * Checks a look-ahead on small weights that fresh rows pull one way and all rows another, the same in every
 * run. It keeps the contract of a gradient transform, too (`checkGradientTransform`), whose statements come
 * first.
 *
 * @param make Makes a fresh look-ahead. Its rates must suit a loss whose second derivatives are at most 1:
 *   below 1.
 * @throws OptionError if `make` does not return a look-ahead, and for an expectation that does not exist.
 * @example
 * ```ts
 * const results = await checkLookAhead(() => laMaml({ rate: 0.1, rateOfRates: 0.05, steps: 2 }))
 * for (const { statement, holds, detail } of results) {
 *   if (!holds) throw new Error(`${statement}: ${detail}`)
 * }
 * ```
 */
export async function checkLookAhead(
  make: () => LookAhead,
  expectation: LookAheadExpectation = {},
): Promise<CheckResult[]> {
  checkArgument('checkLookAhead', 'make', make, checks.callback('a function that makes a look-ahead'))
  checkOptions('checkLookAhead', expectation, { learnsRates: checks.boolean })
  const { learnsRates = true } = expectation
  const made = (): LookAhead => {
    const lookAhead = make()
    if (aLookAhead.accepts(lookAhead)) return lookAhead
    throw new OptionError(`checkLookAhead: got ${shown(lookAhead)} from make; expected a look-ahead.`)
  }
  const device = openReference()
  const born = (): LookAheadLife => new LookAheadLife(made(), device)
  const { name } = made()
  const asTransform = await checkGradientTransform(made)
  const resumed = await complaintOf(() => resumes(born))
  const grown = await complaintOf(() => grows(born()))
  const unchanged = await complaintOf(() => changesSomething(born()))
  const kept = await complaintOf(() => takesNaN(born()))
  const promises: readonly (Promised | false)[] = [
    ['takes one inner step for each part of the fresh rows, in their order', () => wrongSteps(born())],
    ['takes the objective of the weights after the inner steps', () => staysBehind(born())],
    ['returns a gradient by weight and by rate for each weight, and all else', () => strangeResult(born())],
    [
      'points downhill: a step along its gradient lowers what is lost after the inner steps',
      () => climbs(born()),
    ],
    ['changes nothing while it looks', () => unchanged],
    learnsRates && ['learns its rates: then it looks another way', () => learnsNothing(born())],
    ['leaves a rate alone whose gradient is not finite', () => kept],
    ['goes on to the bit after it was saved and restored, at any step and in growth', () => resumed],
    ['looks ahead with grown weights, and as before once growth is undone', () => grown],
    ['refuses weights of other shapes than its rates', () => takesOtherShapes(born())],
    ['keeps no more buffers from step to step of a whole life', () => leavesBuffers(born(), device)],
  ]
  return [
    ...asTransform,
    ...statements(
      name,
      promises.filter((promise) => promise !== false),
    ),
  ]
}

function wrongSteps(life: LookAheadLife): string | null {
  for (let parts = 1; parts <= life.part.steps; parts++) {
    const { inner } = scope(() => ({ inner: life.look(0, parts).inner }))
    const wanted = Array.from({ length: parts }, (_, i) => [i, i])
    if (!isSame(inner, wanted)) return `of ${parts} parts it tried ${inner.map(([part]) => part).join(', ')}`
  }
  return null
}

function staysBehind(life: LookAheadLife): string | null {
  const ahead = scope(() => ({ ...life.look(0).ahead }))
  const here = numbersIn(life.store.tensors())
  const still = Object.keys(here).find((path) => isSame(ahead[path], here[path]))
  return still === undefined ? null : `${still} had not moved when the objective was asked`
}

function strangeResult(life: LookAheadLife): string | null {
  return scope(() => {
    const { found } = life.look(0)
    for (const { path, tensor } of life.store) {
      for (const [what, tensors] of [
        ['gradient', found.gradient],
        ['rate gradient', found.rates],
      ] as const) {
        const own = Object.hasOwn(tensors, path) ? tensors[path] : undefined
        if (own === undefined) return `no ${what} of ${path}`
        if (!sameShape(own.shape, tensor.shape))
          return `a ${what} ${formatShape(own.shape)} of ${path} ${formatShape(tensor.shape)}`
      }
    }
    const [loss] = found.aux.readSync()
    return Number.isFinite(loss) ? null : `what the objective returned came back as ${loss}`
  })
}

function climbs(life: LookAheadLife): string | null {
  const lost = (): number => scope(() => life.look(0).found.aux.readSync()[0])
  const before = lost()
  scope(() => {
    const { gradient } = life.look(0).found
    const numbers = Object.values(gradient).flatMap((tensor) => [...tensor.readSync()])
    const squares = numbers.reduce((sum, x) => sum + x * x, 0)
    if (!(squares > 0 && Number.isFinite(squares)))
      throw new OptionError(`its squared gradient norm is ${squares}`)
    // A thousandth of the step that would make a linear function 0.
    const step = Object.entries(gradient).map(([path, g]) => [path, multiply(g, (-1e-3 * before) / squares)])
    applyUpdates(life.store.tensors(), Object.fromEntries(step) as TensorsByPath)
  })
  const after = lost()
  return after < before ? null : `${before} was lost, and ${after} after the step`
}

async function changesSomething(life: LookAheadLife): Promise<string | null> {
  life.steps(0, 2)
  const state = copied(await life.part.toState())
  const before = numbersIn(life.store.tensors())
  scope(() => life.look(2))
  if (!isSame(numbersIn(life.store.tensors()), before)) return 'weights are others'
  return isSame(copied(await life.part.toState()), state) ? null : 'its state is another'
}

function learnsNothing(life: LookAheadLife): string | null {
  const { before, after } = scope(() => {
    const { found, ahead } = life.look(0)
    life.part.learn(found.rates, { parameters: life.store.tensors(), step: 0 })
    return { before: { ...ahead }, after: { ...life.look(0).ahead } }
  })
  return isSame(after, before) ? 'it came to the same weights as before' : null
}

async function takesNaN(life: LookAheadLife): Promise<string | null> {
  life.steps(0, 2)
  const state = copied(await life.part.toState())
  for (const bad of [Number.NaN, Infinity, -Infinity]) {
    scope(() => {
      const rates = Object.entries(life.look(2).found.rates).map(([path, tensor]) => {
        const numbers = new Float64Array(tensor.size).fill(bad)
        return [path, tensor.device.tensor(numbers, { shape: tensor.shape, dtype: 'f32' })] as const
      })
      life.part.learn(Object.fromEntries(rates), { parameters: life.store.tensors(), step: 2 })
    })
    if (!isSame(copied(await life.part.toState()), state)) return `its state is another after ${bad}`
  }
  return null
}

async function resumes(born: () => LookAheadLife): Promise<string | null> {
  const whole = born()
  const expected = whole.steps(0, steps)
  for (const at of [0, 1, growsAt, growsAt + 1, steps - 1]) {
    const [first, second] = [born(), born()]
    first.steps(0, at)
    second.steps(0, at)
    // The second has learned something else, which must be gone after `restore`.
    for (const step of [1, 2, 3]) second.learnOnly(step)
    second.part.restore(copied(await first.part.toState()), second.store)
    if (!isSame(second.steps(at, steps), expected.slice(at)))
      return `saved before step ${at}, it goes another way`
    const [mine, its] = [await second.part.toState(), await whole.part.toState()]
    if (!isSame(mine, its)) return `saved before step ${at}, it ends in another state`
  }
  return null
}

async function grows(life: LookAheadLife): Promise<string | null> {
  life.steps(0, growsAt)
  const state = copied(await life.part.toState())
  const before = scope(() => ({ ...life.look(growsAt).ahead }))
  life.apply(growth)
  const larger = scope(() => ({ ...life.look(growsAt).ahead }))
  if (larger.joins === undefined) return 'what joined the weights is not looked at'
  life.apply(inversePlan(growth))
  const after = scope(() => ({ ...life.look(growsAt).ahead }))
  if (!isSame(after, before)) return 'it comes to other weights after growth was undone'
  return isSame(copied(await life.part.toState()), state) ? null : 'its state is another after that'
}

function takesOtherShapes(life: LookAheadLife): string | null {
  life.steps(0, 2)
  return scope(() => {
    const { w, b } = life.store.tensors()
    const larger = w.device.tensor(new Float64Array(20).fill(0.5), { shape: [4, 5], dtype: 'f32' })
    try {
      life.look(2, undefined, { w: larger, b })
    } catch (error) {
      return error instanceof Error ? null : `it threw ${shown(error)}`
    }
    return 'it took w [4, 5], whose rates are [3, 4]'
  })
}

function leavesBuffers(life: LookAheadLife, device: Device): string | null {
  life.steps(0, steps)
  const { buffers } = device.memory
  life.steps(steps, 2 * steps)
  const more = device.memory.buffers - buffers
  return more <= 0 ? null : `${more} buffers more after ${steps} steps`
}
