/** Refuses what growth would leave behind, when a learner is built and not when it grows. */
import { type Mirror, OptionError } from '@burgeon/tensor'
import type { Strategy } from './strategy.ts'

/**
 * Throws OptionError if something that is shaped like the parameters, or that keeps tokens, cannot follow
 * growth.
 */
export function checkFollows(
  mirrors: readonly Mirror[],
  { vocabulary, rehearsal, projections = [] }: Strategy,
): void {
  const left = mirrors.find((mirror) => typeof mirror.remap !== 'function')
  const mute = mirrors.find((mirror) => typeof mirror.keep !== 'function')
  if (mute)
    throw new OptionError(
      `learner: ${mute.name} has no keep(plan), so nothing could ever be pruned beside it.`,
    )
  if (left)
    throw new OptionError(`learner: ${left.name} has no remap(plan) and would be left behind by growth.`)
  const keepers = [...(rehearsal ? [rehearsal] : []), ...projections.filter(({ remember }) => remember)]
  const old = keepers.find(({ recode }) => recode === undefined)
  if (vocabulary && old)
    throw new OptionError(
      `learner: ${old.name} has no recode(encoded) and would keep old tokens when the vocabulary grows.`,
    )
}
