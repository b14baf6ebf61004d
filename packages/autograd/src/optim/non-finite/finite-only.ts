/** Keeps gradients that are not finite away from optimizers. */
import { NonFiniteError, scope, type TensorsByPath } from '@burgeon/tensor'
import type { GradientTransform, UpdateContext } from '../transforms/gradient-transform.ts'
import { requireFinite, scaledNormOf } from './require-finite.ts'
import type { Schedule } from '../schedules/schedule.ts'
import { SkippedSteps } from './skipped-steps.ts'

/**
 * From this rate on the change of an optimizer whose direction has about the size of 1 may leave single
 * precision.
 */
const largestRate = 2 ** 60

/** The limit of such an optimizer: 0, so that no gradient is below it, for such a rate. */
export function limitAtRate(rate: number, largest: number): number {
  return rate < largestRate ? largest : 0
}

/** The parts that `finiteOnly` makes an optimizer of. */
export interface RatedTransform extends Omit<GradientTransform, 'rateAt' | 'transform'> {
  readonly rateAt: Schedule
  /**
   * From what size on the numbers of a gradient would spoil moments or changes; 0 if any would. The transform
   * must leave alone what has such a gradient, for there are devices that do not say in time.
   */
  readonly largestAt: (rate: number) => number
  transform(gradients: TensorsByPath, context: RatedContext): TensorsByPath
}

/** Context of the transform of an optimizer. */
export interface RatedContext extends UpdateContext {
  /** The learning rate of this step. */
  readonly rate: number
}

/**
 * An optimizer that refuses gradients which are NaN or not below a limit in size: on devices that can be read
 * at once by an error before anything changes, elsewhere by leaving them alone and counting such steps. Costs
 * one norm of the gradients.
 */
export function finiteOnly({ rateAt, largestAt, ...optimizer }: RatedTransform): GradientTransform {
  const { name } = optimizer
  const skipped = new SkippedSteps(`${name}: skipped steps`)
  const inspect = (gradients: TensorsByPath, { nonFinite, step, rate }: RatedContext): void => {
    if (nonFinite === 'skip') return
    const largest = largestAt(rate)
    if (largest === 0) {
      throw new NonFiniteError(
        `${name}: the learning rate of step ${step} is ${rate}, with which changes would leave single precision; ` +
          `expected less than ${largestRate.toPrecision(3)}. Nothing was changed.`,
      )
    }
    requireFinite(name, 'gradient', gradients, largest)
  }
  return {
    ...optimizer,
    mirrors: [...optimizer.mirrors, skipped],
    rateAt,
    inspect: (gradients, context) => inspect(gradients, { ...context, rate: rateAt(context.step) }),
    transform(gradients, context) {
      const rated = { ...context, rate: rateAt(context.step) }
      inspect(gradients, rated)
      const [first] = Object.values(gradients)
      if (context.nonFinite !== 'skip' && first !== undefined && !first.device.readsAtOnce) {
        scope(() => skipped.note(scaledNormOf(gradients), largestAt(rated.rate)))
      }
      return optimizer.transform(gradients, rated)
    },
    skipped: () => skipped.read(),
  }
}
