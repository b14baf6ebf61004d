/** A warm-up that every part of a parameter goes through after its birth. */
import { type Check, checkArgument, checks, multiply, StateError, type TensorsByPath } from '@burgeon/tensor'
import { Ages, type AgesState, byAge } from '../moments/ages.ts'
import {
  type GradientTransform,
  largestRateOf,
  restorable,
  skippedBy,
} from '../transforms/gradient-transform.ts'

interface WarmingUpState {
  readonly optimizer: unknown
  readonly ages: AgesState
}

/** The share of its rate that a part of some age gets: min(1, age/steps). */
export function shareAt(age: number, steps: number): number {
  return Math.min(1, age / steps)
}

/** Steps of a warm-up; 0 for none. */
export const warmUpSteps: Check<number> = checks.integer({ from: 0 })

/**
 * The same optimizer, with the changes of every part multiplied by min(1, age/steps): as if its rate were.
 * All that an optimizer keeps between steps stays what it was without.
 *
 * @param steps 0 returns the optimizer itself.
 */
export function warmingUp(optimizer: GradientTransform, steps: number): GradientTransform {
  checkArgument(optimizer.name, 'warmUp', steps, warmUpSteps)
  if (steps === 0) return optimizer
  const name = `${optimizer.name} with warm-up`
  const ages = new Ages(`${name}: ages`, steps)
  return {
    name,
    mirrors: [...optimizer.mirrors, ages],
    rateAt: (step) => largestRateOf([optimizer], step),
    inspect: (gradients, context) => optimizer.inspect?.(gradients, context),
    skipped: () => skippedBy([optimizer]),
    transform(gradients, context) {
      const updates = Object.entries(optimizer.transform(gradients, context))
      return Object.fromEntries(
        updates.map(([path, update]) => {
          const { oldest, along } = ages.tick(path)
          if (along.length > 0) {
            const shares = byAge(update.device, update.shape.length, along, 'rises', (age) =>
              shareAt(age, steps),
            )
            return [path, multiply(update, shares)]
          }
          return [path, oldest >= steps ? update : multiply(update, shareAt(oldest, steps))]
        }),
      ) satisfies TensorsByPath
    },
    toState: async (): Promise<WarmingUpState> => ({
      optimizer: await optimizer.toState(),
      ages: ages.toState(),
    }),
    ...restorable(
      (state, parameters) => {
        const saved = state as WarmingUpState | null
        if (typeof saved !== 'object' || saved === null || !('ages' in saved && 'optimizer' in saved)) {
          throw new StateError(
            `${name}: the saved state knows no ages; was it saved without warmUp? Build the same.`,
          )
        }
        optimizer.checkState?.(saved.optimizer, parameters)
        ages.checkState(saved.ages, parameters)
        return saved
      },
      (saved, parameters) => {
        optimizer.restore(saved.optimizer, parameters)
        ages.restore(saved.ages, parameters)
      },
    ),
  }
}
