/** Growth and pruning while asleep: a policy is asked, and its growth is undone where it does harm. */
import { checkArgument, OptionError } from '@burgeon/tensor'
import { aGrowthPolicy, type GrowthPolicy } from '../../growth/growth-policy.ts'
import { type GrowthRunner, growthRunner } from '../../upkeep/growth-runner.ts'
import type { SleepJob } from '../sleep-job.ts'

/** Remembered rows by which blocks are measured, and outputs compared. */
const rows = 32

/**
 * Asks a growth policy once in every sleep, whatever `growth` of the strategy does. What it asks for is held
 * against the budget as ever, and undone where a domain is worse for it: so `growOnConflict()` grows when a
 * controller can do no more, and `pruneDormant({ every: 1, looks: 2 })` prunes what was dormant in two
 * sleeps.
 *
 * @throws OptionError for what is no policy, or one that has growth tried; where a learner is built, for a
 *   policy that waits for a controller to be saturated, and no such controller.
 * @example
 * ```ts
 * const policy = firstOf(growOnConflict(), pruneDormant({ every: 1, looks: 2 }))
 * const asleep = sleep({ when: everySteps(1000), jobs: [growthJob(policy)] })
 * ```
 */
export function growthJob(policy: GrowthPolicy<unknown, never>): SleepJob {
  checkArgument('growthJob', 'policy', policy, aGrowthPolicy)
  if (policy.trial !== undefined) {
    throw new OptionError(
      `growthJob: got ${policy.name}, which has growth tried over steps that are awake; expected a policy that decides at once.`,
    )
  }
  let runner: GrowthRunner | null = null
  return {
    name: `growth: ${policy.name}`,
    changesWeights: true,
    begin(parts) {
      if (parts.adapter !== undefined) {
        throw new OptionError(
          `growthJob: got an adapter and ${policy.name}, which is for weights of the model; expected one of them.`,
        )
      }
      if (policy.waitsForSaturation === true && !parts.maySaturate) {
        throw new OptionError(
          `growthJob: got ${policy.name}, which waits for a controller that can do no more, and no such controller; expected one, such as forgetAtMost(0.02).`,
        )
      }
      runner = growthRunner(policy, parts, parts.hasVocabulary, parts.control)
    },
    async run({ sample, between }) {
      const recent = sample(rows)
      if (recent === null || runner === null) return null
      const events = await runner.afterStep(between(recent))
      // Without an event, too: the policy may have counted.
      return { summary: events.map(({ summary }) => summary).join('; ') || 'no growth', events }
    },
    toState: () => runner?.toState?.(),
    restore: (saved) => runner?.restore?.(saved, undefined as never),
  }
}
