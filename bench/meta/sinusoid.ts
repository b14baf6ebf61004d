/**
 * Learning to learn sine curves (Finn et al. 2017, section 5.1): MAML, its first-order form and Meta-SGD from
 * the same weights on the same curves. Second order is told from first by what is left undone: only the exact
 * meta-gradient keeps the error before adaptation flat.
 */
import { adapt, copiesOf, fomaml, LearnedRates, maml, metaSgd, type MetaTask } from 'burgeon/continual'
import { adamw, applyUpdates } from 'burgeon/optim'
import { keyFromSeed, mean, RandomStream, scope, sum, type TensorsByPath } from 'burgeon/tensor'
import { atLeast, atMost, type Benchmark, type BenchmarkCheck, type BenchmarkRow } from '../benchmark.ts'
import { shots, sineNet, sineTasks } from './sine-tasks.ts'

const [rate, tasksPerStep, testTasks, testPoints] = [0.01, 25, 600, 100]

/** Mean squared errors on fresh curves after so many inner steps; NaN where they diverge. */
const measuredSteps = [0, 1, 5, 10] as const
type Errors = Readonly<Record<(typeof measuredSteps)[number], number>>

interface Method {
  readonly name: string
  /** Takes one meta-step. */
  learn(task: MetaTask, step: number): void
  /** Learning rates that the inner loop is tested with. */
  readonly rates: () => number | TensorsByPath
  readonly weights: TensorsByPath
}

export const sinusoid: Benchmark = async ({ quick, note }) => {
  const [middle, end] = quick ? [200, 400] : [1000, 5000]
  const methods = [mamlMethod('MAML', maml), mamlMethod('FOMAML', fomaml), metaSgdMethod()]
  const found = methods.map((method) => {
    const curves = new RandomStream(keyFromSeed(1)).named('curves')
    const started = performance.now()
    let at: Errors | undefined
    for (let step = 1; step <= end; step++) {
      scope(() => method.learn(sineTasks(curves, tasksPerStep, shots), step - 1))
      if (step === middle) at = errorsOf(method)
      if (step % 1000 === 0 || step === middle) {
        const errors = Object.values(errorsOf(method)).map((error) => error.toFixed(3))
        const seconds = ((performance.now() - started) / 1000).toFixed(0)
        note(`${method.name}, ${step} iterations, ${seconds} s: ${errors.join(' / ')}`)
      }
    }
    return { name: method.name, middle: at as Errors, end: errorsOf(method) }
  })
  const rows = found.flatMap(({ name, middle: early, end: late }) => [
    ...rowsOf(`${name}, ${middle} iterations`, early),
    ...rowsOf(`${name}, ${end} iterations`, late),
  ])
  return { rows, checks: quick ? quickChecks(found) : checks(found) }
}

function rowsOf(which: string, errors: Errors): BenchmarkRow[] {
  // Rates that were learnt for one step may be far too large for five: no row where the error is infinite.
  // The notes tell.
  const finite = measuredSteps.filter((steps) => Number.isFinite(errors[steps]))
  return finite.map((steps) => ({
    case: which,
    metric: `error after ${steps} inner steps`,
    value: errors[steps],
    unit: '',
  }))
}

type Found = readonly { readonly middle: Errors; readonly end: Errors }[]

function checks([exact, firstOrder, metaSgdErrors]: Found): BenchmarkCheck[] {
  return [
    atMost('MAML after one inner step', exact.end[1], 0.9),
    atMost('MAML after ten inner steps', exact.end[10], 0.5),
    atMost('Meta-SGD over MAML, after one inner step', metaSgdErrors.end[1] / exact.end[1], 0.9),
    atMost('MAML before adaptation: end over 1,000 iterations', exact.end[0] / exact.middle[0], 1.15),
    atLeast('MAML before adaptation: end over 1,000 iterations', exact.end[0] / exact.middle[0], 0.85),
    atLeast('FOMAML over MAML before adaptation, at the end', firstOrder.end[0] / exact.end[0], 1.08),
  ]
}

/**
 * After a few hundred iterations adaptation helps, and rates that are learnt help more. First and second
 * order are alike as yet.
 */
function quickChecks([exact, firstOrder, metaSgdErrors]: Found): BenchmarkCheck[] {
  return [
    atMost('MAML: after one inner step over before', exact.end[1] / exact.end[0], 0.9),
    atMost('FOMAML: after one inner step over before', firstOrder.end[1] / firstOrder.end[0], 0.9),
    atMost('Meta-SGD over MAML, after one inner step', metaSgdErrors.end[1] / exact.end[1], 0.95),
  ]
}

const fresh = (): Record<string, ReturnType<typeof sum>> =>
  sineNet(new RandomStream(keyFromSeed(0)).named('net'))
const optimizer = (): ReturnType<typeof adamw> => adamw({ learningRate: 1e-3, weightDecay: 0 })

function mamlMethod(name: string, gradientsOf: typeof maml | typeof fomaml): Method {
  const [weights, adam] = [fresh(), optimizer()]
  return {
    name,
    weights,
    rates: () => rate,
    learn(task, step) {
      const { gradient } = gradientsOf([task], weights, { rate })
      applyUpdates(weights, adam.transform(gradient, { parameters: weights, step }))
    },
  }
}

function metaSgdMethod(): Method {
  const [weights, learned, adam, adamOfRates] = [
    fresh(),
    new LearnedRates({ initial: rate }),
    optimizer(),
    optimizer(),
  ]
  return {
    name: 'Meta-SGD',
    weights,
    rates: () => learned.of(weights),
    learn(task, step) {
      const rates = learned.of(weights)
      const found = metaSgd([task], weights, rates)
      applyUpdates(weights, adam.transform(found.gradient, { parameters: weights, step }))
      applyUpdates(rates, adamOfRates.transform(found.rates, { parameters: rates, step }))
    },
  }
}

/** Means over the same fresh curves each time. */
function errorsOf({ weights, rates }: Method): Errors {
  return scope(() => {
    const task = sineTasks(new RandomStream(keyFromSeed(2)).named('test curves'), testTasks, testPoints)
    const practice: MetaTask['support'] = (w, step) => sum(task.support(w, step))
    let now = copiesOf(weights, testTasks)
    const errors = Array.from({ length: 11 }, (_, steps) => {
      if (steps > 0) now = adapt(practice, now, rates())
      return mean(task.query(now)).item()
    })
    return { 0: errors[0], 1: errors[1], 5: errors[5], 10: errors[10] }
  })
}
