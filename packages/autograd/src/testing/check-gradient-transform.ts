/** The contract of a gradient transform, as statements to be checked in any test runner. */
import {
  checkArgument,
  checkOptions,
  checks,
  type Device,
  formatShape,
  inversePlan,
  OptionError,
  sameShape,
  scope,
  type Shape,
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
  takenStatesAsync,
} from '@burgeon/tensor/testing'
import { aGradientTransform, type GradientTransform } from '../optim/transforms/gradient-transform.ts'
import { optimizerPromises } from './optimizer-promises.ts'
import { growthOf, type Numbers, type Shapes, TransformLife } from './transform-life.ts'

/** Which parameters a transform is tried on, and whether it is an optimizer. */
export interface TransformExpectation {
  /** Parameters by path, one or more. Default: a matrix `w` [3, 4] and a vector `b` [4]. */
  readonly shapes?: Readonly<Record<string, Shape>>
  /**
   * Whether the transform is an optimizer: its updates, added to the weights, lower their loss, and it
   * refuses or skips gradients that are not finite. A stage before an optimizer need not. Default false.
   */
  readonly isOptimizer?: boolean
}

/** The number of updates in the runs that are compared, and the step at which parameters grow. */
const [steps, growsAt] = [12, 6]

/**
 * Checks a gradient transform on small parameters whose gradients lead to a goal, the same in every run.
 *
 * @param make Makes a fresh transform. Each must be the same: random streams are seeded.
 * @throws OptionError if `make` does not return a transform, and for an expectation that does not exist or is
 *   outside its range.
 * @example
 * ```ts
 * const results = await checkGradientTransform(() => sgd(0.1), { isOptimizer: true })
 * for (const { statement, holds, detail } of results) {
 *   if (!holds) throw new Error(`${statement}: ${detail}`)
 * }
 * ```
 */
export async function checkGradientTransform(
  make: () => GradientTransform,
  expectation: TransformExpectation = {},
): Promise<CheckResult[]> {
  checkArgument('checkGradientTransform', 'make', make, checks.callback('a function that makes a transform'))
  checkOptions('checkGradientTransform', expectation, { shapes: someShapes, isOptimizer: checks.boolean })
  const { shapes = { w: [3, 4], b: [4] }, isOptimizer = false } = expectation
  const device = openReference()
  const born = (): TransformLife => {
    const transform = make()
    if (aGradientTransform.accepts(transform)) return new TransformLife(transform, device, shapes)
    throw new OptionError(`checkGradientTransform: got ${shown(transform)} from make; expected a transform.`)
  }
  const { name, rateAt } = born().transform
  const resumed = await complaintOf(() => resumes(born, shapes))
  const grown = await complaintOf(() => grows(born(), shapes))
  const keeps = (await born().transform.toState()) !== null
  const refused = await complaintOf(() => refuses(born))
  const holdsTensors = (await complaintOf(async () => tensorsHeld(afterSteps(born())))) !== null
  const promises: readonly (Promised | false)[] = [
    ['returns a tensor of its shape for every gradient, and no other', () => strangeResult(born())],
    ['changes neither the gradients nor the weights', () => changesInputs(born())],
    [`returns something for each gradient within ${steps} steps, all of it finite`, () => isIdle(born())],
    ['returns nothing where there is no gradient', () => speaksUnasked(born())],
    ['returns the same bits for the same gradients whenever it is made anew', () => differs(born(), born())],
    ['goes on to the bit after its state was saved and restored, at any step and in growth', () => resumed],
    ['follows growth, and its undoing to the last bit of its state', () => grown],
    holdsTensors && ['refuses gradients of other shapes than what it keeps', () => takesOtherShapes(born())],
    ['keeps no more buffers from step to step', () => leavesBuffers(born(), device)],
    keeps && ['refuses a state that is not its own, and stays unchanged', () => refused],
    rateAt !== undefined && ['knows its rate of any step: finite, and not negative', () => oddRate(born())],
    ...(isOptimizer ? await optimizerPromises(born, steps) : []),
  ]
  return statements(
    name,
    promises.filter((promise) => promise !== false),
  )
}

const someShapes = checks.record<Shape>('shapes by path', checks.shape)

function afterSteps(life: TransformLife): TransformLife {
  life.steps(0, steps)
  return life
}

/** Returns how many bytes its mirrors hold; null if they hold none. */
function tensorsHeld({ transform }: TransformLife): string | null {
  const bytes = transform.mirrors.reduce((total, mirror) => total + (mirror.bytes ?? 0), 0)
  return bytes === 0 ? null : `${bytes} bytes`
}

function strangeResult(life: TransformLife): string | null {
  for (let step = 0; step < steps; step++) {
    // A frozen parameter has no gradient in some steps; what was summed up for it may still come.
    const paths = step % 4 === 3 ? life.paths.slice(0, 1) : life.paths
    const { returned } = life.look(step, { paths })
    const lacking = paths.find((path) => !Object.hasOwn(returned, path))
    if (lacking !== undefined) return `in step ${step} it returned nothing for ${lacking}`
    for (const [path, { shape }] of Object.entries(returned)) {
      if (!life.store.has(path)) return `in step ${step} it returned ${path}, which is not a parameter`
      const wanted = life.store.get(path).tensor.shape
      if (!sameShape(shape, wanted))
        return `in step ${step} it returned ${formatShape(shape)} for ${path} ${formatShape(wanted)}`
    }
  }
  return null
}

function changesInputs(life: TransformLife): string | null {
  for (let step = 0; step < steps; step++) {
    const before = life.weights()
    const complaint = scope(() => {
      const gradients = life.gradients(step)
      const given = { ...gradients }
      const numbers = numbersBefore(gradients)
      life.transform.transform(gradients, life.context(step))
      if (!isSame(numbersBefore(given), numbers)) return `in step ${step} a gradient was changed`
      return isSame(Object.keys(gradients), Object.keys(given)) ? null : 'gradients were added or left out'
    })
    if (complaint !== null) return complaint
    if (!isSame(life.weights(), before)) return `in step ${step} a weight was changed`
  }
  return null
}

const numbersBefore = (tensors: TensorsByPath): unknown =>
  Object.values(tensors).map((tensor) => [...tensor.readSync()])

function isIdle(life: TransformLife): string | null {
  const all = life.steps(0, steps)
  for (const path of life.paths) {
    const numbers = all.flatMap((returned) => returned[path]?.numbers ?? [])
    if (!numbers.every(Number.isFinite)) return `it returned numbers for ${path} that are not finite`
    if (numbers.every((x) => x === 0)) return `it returned nothing but 0 for ${path}`
  }
  return null
}

function speaksUnasked(life: TransformLife): string | null {
  const returned = Object.keys(life.transform.transform({}, life.context(0)))
  return returned.length === 0 ? null : `it returned ${returned.join(', ')}`
}

function differs(one: TransformLife, other: TransformLife): string | null {
  const [first, second] = [one, other].map((life) => life.steps(0, steps))
  const step = first.findIndex((returned, i) => !isSame(returned, second[i]))
  return step < 0 ? null : `in step ${step} two new ones returned different numbers`
}

async function resumes(born: () => TransformLife, shapes: Shapes): Promise<string | null> {
  const live = (life: TransformLife, from: number, to: number): Numbers[] => {
    const seen: Numbers[] = []
    for (let step = from; step < to; step++) {
      if (step === growsAt) life.apply(growthOf(shapes))
      seen.push(life.step(step))
    }
    return seen
  }
  const whole = born()
  const expected = live(whole, 0, steps)
  for (const at of [0, 1, growsAt, growsAt + 1, steps - 1]) {
    const [first, second] = [born(), born()]
    live(first, 0, at)
    const state = copied(await first.transform.toState())
    // The second has the parameters of the first; whatever else it has seen must be gone after `restore`.
    live(second, 0, at)
    for (const step of [1, 2, 3]) second.look(step, { gradient: step })
    second.transform.restore(state, second.store)
    const found = live(second, at, steps)
    if (!isSame(found, expected.slice(at))) return `saved before step ${at}, it returns other numbers`
    const [mine, its] = [await second.transform.toState(), await whole.transform.toState()]
    if (!isSame(mine, its)) return `saved before step ${at}, it ends in another state`
  }
  return null
}

async function grows(life: TransformLife, shapes: Shapes): Promise<string | null> {
  const plan = growthOf(shapes)
  life.steps(0, growsAt)
  const [weights, state] = [life.weights(), copied(await life.transform.toState())]
  life.apply(plan)
  life.apply(inversePlan(plan))
  if (!isSame(life.weights(), weights)) return 'the weights are others after growth was undone'
  if (!isSame(copied(await life.transform.toState()), state)) return 'its state is another after that'
  life.apply(plan)
  for (let step = growsAt; step < steps; step++) {
    for (const [path, { shape, numbers }] of Object.entries(life.step(step))) {
      const wanted = life.store.get(path).tensor.shape
      if (!sameShape(shape, wanted))
        return `it returned ${formatShape(shape)} for ${path}, grown to ${formatShape(wanted)}`
      if (!numbers.every(Number.isFinite)) return `it returned numbers for ${path} that are not finite`
    }
  }
  return null
}

function takesOtherShapes(life: TransformLife): string | null {
  afterSteps(life)
  // The weights have grown, and the transform was not asked to follow.
  const [path] = life.paths
  const { tensor } = life.store.get(path)
  const shape = tensor.shape.map((n) => n + 1)
  return scope(() => {
    const larger = tensor.device.tensor(
      Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => 0.1 * (i + 1)),
      { shape, dtype: 'f32' },
    )
    const context = { ...life.context(steps), parameters: { ...life.store.tensors(), [path]: larger } }
    const { transform } = life
    // A transform that sums up gradients may notice only when it passes them on.
    for (let step = steps; step < 2 * steps; step++) {
      try {
        transform.transform({ [path]: larger }, { ...context, step })
      } catch (error) {
        return error instanceof Error ? null : `it threw ${shown(error)}`
      }
    }
    return `it took a gradient ${formatShape(shape)} of ${path}, for which it keeps ${formatShape(tensor.shape)}`
  })
}

function leavesBuffers(life: TransformLife, device: Device): string | null {
  life.steps(0, steps)
  const { buffers } = device.memory
  life.steps(steps, 2 * steps)
  const more = device.memory.buffers - buffers
  return more <= 0 ? null : `${more} buffers more after ${steps} steps`
}

async function refuses(born: () => TransformLife): Promise<string | null> {
  const { transform, store } = afterSteps(born())
  const own = await born().transform.toState()
  const checked = (state: unknown): void => {
    transform.checkState?.(state, store)
    transform.restore(state, store)
  }
  const complaint = await takenStatesAsync(checked, () => transform.toState(), own)
  if (complaint !== null || transform.checkState === undefined) return complaint
  transform.checkState(copied(await transform.toState()), store)
  const unlike = (state: unknown): void => transform.checkState?.(state, store)
  return takenStatesAsync(unlike, () => transform.toState(), own)
}

function oddRate({ transform }: TransformLife): string | null {
  const odd = [0, 1, 10, 1000, 100_000].find((step) => {
    const rate = transform.rateAt?.(step) ?? 0
    return !(rate >= 0 && Number.isFinite(rate))
  })
  return odd === undefined ? null : `in step ${odd} it is ${transform.rateAt?.(odd)}`
}
