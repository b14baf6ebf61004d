/** Grows where one more neuron promises most, and when it promises enough. */
import { priceOf } from '@burgeon/gpt/growth'
import { checkOptions, checks } from '@burgeon/tensor'
import type { GrowthPolicy } from '../growth-policy.ts'
import { largestBy, measuredBlocks, widened } from '../requests/widened.ts'
import { excessOf } from '../within-budget.ts'

/** When `growByGradient` looks, and when it grows. */
export interface GradientOptions {
  /**
   * Steps from one measurement to the next, and from a growth to the first after it, ≥ 1; 100 unless given.
   */
  readonly every?: number
  /**
   * How many times more a new neuron must promise for each of its parameters than the present ones do, > 0; 1
   * unless given.
   */
  readonly threshold?: number
  /** Share by which the MLP is widened, > 0; 0.25 unless given. */
  readonly widen?: number
  /**
   * How new units begin, as in `WidenMlp`: random inside, or as their promise was measured (`gradMax`); that
   * needs blocks without experts. `fresh` unless given.
   */
  readonly how?: 'fresh' | 'gradMax'
}

/**
 * A step against the gradient lowers the loss by its rate times the squared gradient norm. So a new neuron
 * promises `gradMax`² for its parameters, and the weights that are there ‖∇L‖² for theirs. When the best new
 * neuron of all blocks promises more for each parameter than `threshold` times what the present ones do, its
 * block is widened (the criterion of Evci et al. 2022, section 3, as a policy).
 *
 * It is a promise to first order, of the first neuron and for the rows just learnt: noise of small batches
 * makes it larger.
 *
 * @throws OptionError for options out of range.
 */
export function growByGradient(options: GradientOptions = {}): GrowthPolicy<null> {
  checkOptions('growByGradient', options, {
    every: checks.integer({ from: 1 }),
    threshold: checks.number({ above: 0 }),
    widen: checks.number({ above: 0 }),
    how: checks.oneOf('fresh', 'gradMax'),
  })
  const { every = 100, threshold = 1, widen = 0.25, how } = options
  return {
    name: `by gradient, every ${every} steps`,
    initial: null,
    measures: ({ stepsSinceGrowth }) => stepsSinceGrowth > 0 && stepsSinceGrowth % every === 0,
    decide(signals, budget) {
      const { measured, config, parameters } = signals
      const stay = (reason: string) => ({ request: null, reason, state: null })
      if (measured === undefined) return stay('not measured at this step')
      const best = largestBy(measuredBlocks(config, measured), ({ gradMax }) => gradMax)
      if (best === undefined || !(measured.gradientNorm > 0))
        return stay('there is no gradient to compare with')
      const { block, signals: own } = best
      const { before, after } = priceOf(config, {
        kind: 'widenMlp',
        block: block.id,
        to: block.mlpHidden + 1,
      })
      const promise = own.gradMax ** 2 / (after.parameters - before.parameters)
      const ratio = promise / (measured.gradientNorm ** 2 / parameters)
      const reason = `block ${block.id}: for each parameter a new neuron promises ${ratio.toPrecision(2)} times what the present ones do`
      if (!(ratio > threshold)) return stay(reason)
      const request = widened(block, widen, how)
      if (excessOf(signals, request, budget) !== null) return stay(`the budget is spent (${reason})`)
      return { request, reason, state: null }
    },
  }
}
