/** How a saved learner is taken up again. */
import { LoraAdapter } from '@burgeon/gpt'
import type { AnyLearnerOptions } from '../learner-options.ts'

/** What is let go of if a learner cannot be restored. */
interface Restored {
  readonly adapter: LoraAdapter | undefined
}

/**
 * Makes a learner and gives it a state. If either throws, its model and an adapter that was made for it are
 * let go of.
 */
export function restoring<L extends Restored>(
  options: AnyLearnerOptions,
  make: () => L,
  restore: (learner: L) => void,
): L {
  let learner: L | undefined
  try {
    learner = make()
    restore(learner)
    return learner
  } catch (error) {
    if (!(options.adapter instanceof LoraAdapter)) learner?.adapter?.dispose()
    options.model.parameters.dispose()
    throw error
  }
}
