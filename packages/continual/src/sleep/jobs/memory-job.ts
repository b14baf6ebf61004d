/** Upkeep of recall while asleep: what is there twice, and what was of no use. */
import { OptionError } from '@burgeon/tensor'
import type { SleepJob } from '../sleep-job.ts'

/**
 * Has the recall of the strategy look after what it keeps: what a source gave again goes, and where there is
 * little room left, what has been of least use. So nothing has to go while awake.
 *
 * @throws OptionError where a learner is built without a recall that can.
 * @example
 * ```ts
 * const strategy = {
 *   recall: episodicMemory({ bytes: 8_000_000 }),
 *   sleep: sleep({ when: everySteps(1000), jobs: [memoryJob()] }),
 * }
 * ```
 */
export function memoryJob(): SleepJob {
  return {
    name: 'memory',
    changesWeights: false,
    begin({ recall }) {
      if (recall?.upkeep !== undefined) return
      throw new OptionError(
        `memoryJob: got ${recall === undefined ? 'no recall' : `${recall.name}, which has no upkeep`}; expected one, such as episodicMemory({ bytes: 8_000_000 }).`,
      )
    },
    run({ recall }) {
      const done = recall?.upkeep?.() ?? null
      if (done === null) return null
      const { merged, evicted, before, after } = done
      const summary = `${merged} episodes were there again, ${evicted} were of least use; ${after} bytes of ${before} stay`
      return { summary, before, after }
    },
  }
}
