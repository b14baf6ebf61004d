/** Ways to repair what is wrong with a learner: each is tried from the same moment. */
import { RandomStream } from '@burgeon/tensor'
import type { LearnerEvent } from '../../../journal/event.ts'
import { divided } from '../../../probes/hold-back.ts'
import { type Batch, joinBatches, rowsBetween } from '../../../stream/batch.ts'
import type { GrowthPolicy } from '../../../growth/growth-policy.ts'
import { growthRunner } from '../../../upkeep/growth-runner.ts'
import type { SleepContext } from '../../sleep-job.ts'
import type { Fault } from './faults.ts'

/** A way to repair. */
export interface RepairWay {
  /** In words: `rehearsal`. */
  readonly name: string
  /** Whether it may help again once it has helped. */
  readonly isRepeated: boolean
  /**
   * Tries it, and is done again to the same bits where it was good.
   *
   * @returns Events for the journal, none in most ways; null where it can do nothing here, or too few
   *   operations are left.
   */
  run(fault: Fault, context: SleepContext, most: RepairSize): Promise<readonly LearnerEvent[] | null>
}

/** How much a way may do. */
export interface RepairSize {
  readonly steps: number
  readonly rows: number
  /** How often the way was gone before: 0 for the first time. */
  readonly turn: number
}

/** Rows sampled for each row of a domain that is wanted. */
const sampledPerRow = 8

/**
 * Remembered rows, half of them of the domain of the fault: what is learnt by itself drives out the rest. Of
 * all domains where the fault is of no single one; null where that domain is not remembered.
 */
function rowsFor({ domain }: Pick<Fault, 'domain'>, { sample }: SleepContext, rows: number): Batch | null {
  if (domain === null) return sample(rows)
  const sampled = sample(sampledPerRow * rows)
  if (sampled === null) return null
  const own = sampled.domains.flatMap((name, i) => (name === domain ? [rowsBetween(sampled, i, i + 1)] : []))
  return own.length === 0 ? null : withOthers(joinBatches(own.slice(0, Math.ceil(rows / 2))), rows, sample)
}

/** Some rows, and as many others as are missing. */
function withOthers(own: Batch, rows: number, sample: SleepContext['sample']): Batch {
  const others = own.rows < rows ? sample(rows - own.rows) : null
  return others === null ? own : joinBatches([own, others])
}

/** Learns remembered rows of the domain that is weak. Returns how many steps that were. */
async function rehearsed(
  fault: Pick<Fault, 'domain'>,
  context: SleepContext,
  { steps, rows }: RepairSize,
  rate: number,
): Promise<number> {
  for (let step = 0; step < steps; step++) {
    const batch = rowsFor(fault, context, rows)
    if (batch === null || (await context.learn(batch, rate)) === null) return step
  }
  return steps
}

/** As many steps on whatever is remembered: what a way has to be better than. */
export const ordinarySteps: RepairWay = {
  name: 'ordinary steps',
  isRepeated: false,
  run: async (_, context, size) => ((await rehearsed({ domain: null }, context, size, 1)) === 0 ? null : []),
}

/** @param rate Factor of the learning rate. */
export const rehearseWeak = (name: string, rate: number): RepairWay => ({
  name,
  isRepeated: true,
  run: async (fault, context, size) => ((await rehearsed(fault, context, size, rate)) === 0 ? null : []),
})

/** Grows by what a policy asks for, and learns remembered rows with the new weights. */
export const growWeak = (policy: GrowthPolicy<unknown, never>): RepairWay => ({
  name: `growth: ${policy.name}`,
  isRepeated: false,
  async run(fault, context, size) {
    const { adapter, sample, between, hasVocabulary, control } = context
    const recent = adapter === undefined ? sample(size.rows) : null
    if (recent === null) return null
    const events = await growthRunner(policy, context, hasVocabulary, control).afterStep(between(recent))
    if (!events.some(({ kind }) => kind === 'growth')) return null
    await rehearsed(fault, context, size, 1)
    return events
  },
})

/**
 * So many rows of a domain from a store of experience, or null where it has none. Which, is up to `draw(n)`,
 * a number from 0 to n − 1: the same draws, the same rows.
 */
export type ExperienceOf = (
  domain: string,
  rows: number,
  draw: (below: number) => number,
) => Batch | null | Promise<Batch | null>

/**
 * Learns rows of the domain from elsewhere, such as a journal of experience, among remembered ones, and
 * remembers them again.
 */
export const learnAgain = (experience: ExperienceOf): RepairWay => ({
  name: 'what was learnt is learnt again',
  isRepeated: true,
  async run({ domain }, { key, learn, rehearsal, between, probes, sample }, { steps, rows, turn }) {
    if (domain === null) return null
    const random = new RandomStream(key).named(`experience ${turn}`)
    for (let step = 0; step < steps; step++) {
      const given = await experience(domain, Math.ceil(rows / 2), (below) => random.below(below))
      // Rows that are held back judge, and never teach.
      const batch = given && divided(given, probes).fresh
      const loss = batch && (await learn(withOthers(batch, rows, sample)))
      if (batch === null || loss === null) return step === 0 ? null : []
      rehearsal?.remember({ ...between(batch), rowLosses: Array.from(batch.domains, () => loss) })
    }
    return []
  },
})
