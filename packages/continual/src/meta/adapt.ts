/**
 * The inner loop of meta-learning: gradient steps made of ordinary ops, so that gradients can be taken
 * through them.
 */
import { grad, stopGradient } from '@burgeon/autograd'
import {
  checkArgument,
  checkOptions,
  checks,
  type ChecksOf,
  formatShape,
  multiply,
  OptionError,
  sameShape,
  scope,
  ShapeError,
  subtract,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'

/**
 * A loss to be made small: a scalar of the weights, and of the inner step (from 0) for a loss of fresh rows
 * at every step.
 */
export type TaskLoss = (weights: TensorsByPath, step: number) => Tensor

/** How an inner loop steps. */
export interface AdaptOptions {
  /** Inner steps, a whole number ≥ 1; 1 unless given. */
  readonly steps?: number
  /** Takes the inner gradients for constants: less work, and no second derivatives. False unless given. */
  readonly firstOrder?: boolean
  /** Which weights step, by path; all unless given. */
  readonly adapts?: (path: string) => boolean
}

const aRate = checks.number({ above: 0 })

/** Options of an inner loop. */
export const adaptChecks: ChecksOf<AdaptOptions> = {
  steps: checks.integer({ from: 1 }),
  firstOrder: checks.boolean,
  adapts: checks.callback('a function of a path'),
}

/**
 * A few steps of gradient descent, w ← w − α∘∇loss(w) (Finn et al. 2017, eq. 1), with new weights in the
 * place of the old ones. Under a tape everything in them can be differentiated: the first weights, the rates,
 * and whatever else the loss depends on.
 *
 * What it returns belongs to the scope in which it is called, and dies with it.
 *
 * @param rates α: a positive number; or tensors by path, each of its weight's shape or one that broadcasts to
 *   it.
 * @returns All weights: those that step as new tensors of the same shapes, the others as they came.
 * @throws OptionError for options out of range, when no weight steps, or when one that does has no rate;
 *   ShapeError for a rate that does not fit its weight or a loss that is not a scalar.
 * @example
 * ```ts
 * const adapted = scope(() => adapt((w) => sum(square(w['x'])), { x }, 0.1, { steps: 3 }))
 * ```
 */
export function adapt(
  loss: TaskLoss,
  weights: TensorsByPath,
  rates: number | TensorsByPath,
  options: AdaptOptions = {},
): TensorsByPath {
  checkOptions('adapt', options, adaptChecks)
  const { steps = 1, firstOrder = false, adapts = () => true } = options
  checkArgument('adapt', 'loss', loss, checks.callback('a function of weights'))
  checkArgument('adapt', 'weights', weights, checks.tensorsByPath)
  checkArgument('adapt', 'rates', rates, checks.either(aRate, checks.tensorsByPath))
  const paths = Object.keys(weights).filter(adapts)
  checkPaths(paths)
  checkRates(rates, weights, paths)
  return scope(() => {
    let now = weights
    for (let step = 0; step < steps; step++) now = { ...now, ...stepped(now, step) }
    return now
  })

  function stepped(now: TensorsByPath, step: number): TensorsByPath {
    return scope(() => {
      // Constants leave nothing for an outer tape to write down.
      const around = firstOrder ? mapPaths(Object.keys(now), (path) => stopGradient(now[path])) : now
      const own = mapPaths(paths, (path) => around[path])
      const gradients = grad((w: TensorsByPath) => loss({ ...around, ...w }, step))(own)
      return mapPaths(paths, (path) => {
        const gradient = firstOrder ? stopGradient(gradients[path]) : gradients[path]
        const rate = typeof rates === 'number' ? rates : rates[path]
        return subtract(now[path], multiply(gradient, rate))
      })
    })
  }
}

/** One tensor for each path. */
export function mapPaths(paths: readonly string[], make: (path: string) => Tensor): Record<string, Tensor> {
  return Object.fromEntries(paths.map((path) => [path, make(path)]))
}

function checkPaths(paths: readonly string[]): void {
  if (paths.length === 0) {
    throw new OptionError(
      'adapt: got no weights that step; expected one or more. Let adapts pick some paths.',
    )
  }
}

function checkRates(rates: number | TensorsByPath, weights: TensorsByPath, paths: readonly string[]): void {
  if (typeof rates === 'number') return
  for (const path of paths) {
    const rate = Object.hasOwn(rates, path) ? rates[path] : undefined
    if (rate === undefined) {
      throw new OptionError(
        `adapt: got no rates of ${path}; expected one for every weight that steps. Add it, or leave the path out with adapts.`,
      )
    }
    if (!stretches(rate, weights[path])) {
      throw new ShapeError(
        `adapt: got a rate ${formatShape(rate.shape)} for ${path} ${formatShape(weights[path].shape)}; ` +
          'expected a shape that broadcasts to it.',
      )
    }
  }
}

function stretches({ shape }: Tensor, to: Tensor): boolean {
  const tail = to.shape.slice(to.shape.length - shape.length)
  return (
    shape.length <= to.shape.length &&
    sameShape(
      shape.map((n, i) => (n === 1 ? tail[i] : n)),
      tail,
    )
  )
}
