/**
 * La-MAML (Gupta, Yadav & Paull 2020, algorithm 1):
 *
 *   w′ ← w, then w′ ← w′ − α∘∇loss(w′, part) for each part of the fresh rows
 *   α ← max(0, α − η·∇_α loss(w′, fresh and old rows))
 *   w ← w − α∘∇_w loss(w′, fresh and old rows)
 */
import { valueAndGrad } from '@burgeon/autograd'
import { chain, clipByGlobalNorm } from '@burgeon/autograd/optim'
import {
  assign,
  checkOptions,
  checks,
  elementwise,
  type Expression,
  expression,
  multiply,
  scope,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { adapt, mapPaths } from './adapt.ts'
import { LearnedRates } from './learned-rates.ts'
import type { LookAhead } from './look-ahead.ts'

/** How `laMaml` shall learn. */
export interface LaMamlOptions {
  /** α of everything new, positive. */
  readonly rate: number
  /**
   * η: the rate of the rates, ≥ 0; 0 keeps them as they are born. Too large a one lets rates run away, the
   * sooner the more steps: if the loss rises, take less.
   */
  readonly rateOfRates: number
  /**
   * Global norm to which the gradients of the rates are held, positive; none unless given. The authors'
   * program holds them to 2.
   */
  readonly clipRateGradients?: number
  /** Inner steps, a whole number ≥ 1; 1 unless given. */
  readonly steps?: number
  /**
   * Leaves out second derivatives, as the authors' program does by default: less work. False
   * unless given.
   */
  readonly firstOrder?: boolean
}

const { abs, constant, input, less, maximum, scalar, select, subtract } = expression
// inputs: rate, its gradient; where the gradient or the new rate is infinite or NaN the rate stays
const newRate = maximum(constant(0), subtract(input(0), expression.multiply(scalar(0), input(1))))
const isFinite = (x: Expression): Expression => less(abs(x), constant(Infinity))
const nextRate = select(isFinite(input(1)), select(isFinite(newRate), newRate, input(0)), input(0))
const rateOf = 'rate of '

/**
 * Look-ahead MAML: every number of every weight has a learned rate, which rises where the step on fresh rows
 * also helps on old ones and falls to 0 where it hurts them. Give the learner a rehearsal for the old rows,
 * and `sgd(1)` as optimizer: the update is then the paper's. Another optimizer gets gradients multiplied by
 * the rates.
 *
 * Unlike the paper's, a rate is kept at 0, not below, when it would become negative; it can rise again at
 * once. What counts is the loss after the last inner step; the authors' program takes the mean of that after
 * each. Spikes of the gradient hurt it more than plain descent: a `clipByGlobalNorm` among the strategy's
 * transforms and `clipRateGradients` keep them out.
 *
 * @throws OptionError for options out of range.
 * @example
 * ```ts
 * const strategy = compose(
 *   { rehearsal: reservoirReplay({ capacity: 500 }) },
 *   { lookAhead: laMaml({ rate: 0.1, rateOfRates: 0.05 }) },
 * )
 * const learner = new Learner({ model, optimizer: sgd(1), strategy })
 * ```
 */
export function laMaml(options: LaMamlOptions): LookAhead {
  checkOptions('laMaml', options, {
    rate: checks.required(checks.number({ above: 0 })),
    rateOfRates: checks.required(checks.number({ from: 0 })),
    clipRateGradients: checks.number({ above: 0 }),
    steps: checks.integer({ from: 1 }),
    firstOrder: checks.boolean,
  })
  const { rate, rateOfRates, clipRateGradients, steps = 1, firstOrder = false } = options
  const clip = clipRateGradients === undefined ? chain() : clipByGlobalNorm(clipRateGradients)
  const rates = new LearnedRates({ initial: rate, name: 'La-MAML rates' })
  return {
    name: `La-MAML, ${steps} ${steps === 1 ? 'step' : 'steps'}${firstOrder ? ', first order' : ''}`,
    mirrors: [rates],
    steps,
    gradients(objective, tries, weights) {
      const paths = Object.keys(weights)
      const own = rates.of(weights)
      const both = { ...weights, ...Object.fromEntries(paths.map((path) => [rateOf + path, own[path]])) }
      const { gradient, aux } = valueAndGrad((all: TensorsByPath) => {
        const [w, alpha] = ['', rateOf].map((kind) => mapPaths(paths, (path) => all[kind + path]))
        const practise = (now: TensorsByPath, step: number): Tensor => tries[step](now, step)
        return objective(adapt(practise, w, alpha, { steps: tries.length, firstOrder }))
      })(both)
      const [ofWeights, ofRates] = ['', rateOf].map((kind) =>
        mapPaths(paths, (path) => gradient[kind + path]),
      )
      return { gradient: ofWeights, rates: ofRates, aux }
    },
    learn(gradients, context) {
      const own = rates.of(gradients)
      scope(() => {
        for (const [path, gradient] of Object.entries(clip.transform(gradients, context))) {
          assign(own[path], elementwise(nextRate, [own[path], gradient], [rateOfRates]))
        }
      })
    },
    transform(gradients) {
      const own = rates.of(gradients)
      return mapPaths(Object.keys(gradients), (path) => multiply(gradients[path], own[path]))
    },
    toState: () => rates.toState(),
    checkState: (state, parameters) => rates.checkState(state, parameters),
    restore: (state, parameters) => rates.restore(state, parameters),
  }
}
