/** A step that is looked at before it stands. */
import { checkArgument, checkOptions, checks, OptionError } from '@burgeon/tensor'
import type { ProbeLosses } from '../journal/probe-losses.ts'
import type { StepReport } from '../journal/step-report.ts'
import { Learner } from '../learner.ts'
import { someData } from '../learner-options.ts'
import type { Batch } from '../stream/batch.ts'

/** How much a step may change. */
export interface EffectLimit {
  /** By how many bits per byte (of examples: bits for each) a domain may become worse, > 0. Default 0.05. */
  readonly most?: number
}

/** What became of a step. Plain data. */
export interface LimitedStep {
  /** Whether it stands; otherwise the learner is to the bit as it was. */
  readonly isKept: boolean
  /** The step as it was made. */
  readonly report: StepReport
  /** The domain that became worse by most, and by how much, in bits; null where nothing is held back yet. */
  readonly worst: { readonly domain: string; readonly bits: number } | null
  readonly before: ProbeLosses
  readonly after: ProbeLosses
}

/**
 * Takes a step in a fork, and keeps it unless rows that are held back are predicted worse by more than a
 * limit, in any domain: a batch that would spoil what is known has no effect. Each row is compared with
 * itself. It costs two looks at these rows; take it for text that is not trusted.
 *
 * @throws OptionError for a learner that holds no rows back, or cannot be forked (`learner.fork`); and what
 *   `learner.observe` throws, GuardError among it: the learner is as it was then.
 * @example
 * ```ts
 * const model = Gpt.create({ context: 16, embed: 16, heads: 2, layers: 1 })
 * const optimizer = adamw({ learningRate: 3e-3 })
 * const learner = new Learner({ model, optimizer, strategy: { probes: heldBack() } })
 * const { isKept, worst } = await observeWithin(learner, 'text of a stranger', { most: 0.05 })
 * ```
 */
export async function observeWithin(
  learner: Learner,
  data: Batch | string,
  limit: EffectLimit = {},
): Promise<LimitedStep> {
  checkArgument('observeWithin', 'learner', learner, checks.instance('a Learner', Learner))
  checkArgument('observeWithin', 'data', data, someData)
  checkOptions('observeWithin', limit, { most: checks.number({ above: 0 }) })
  if (learner.strategy.probes === undefined) {
    throw new OptionError(
      'observeWithin: got a learner without probes, by which a step is judged; expected some, such as heldBack().',
    )
  }
  const { most = 0.05 } = limit
  const before = await learner.measureProbes()
  const fork = learner.fork()
  try {
    const report = await fork.observe(data as Parameters<typeof fork.observe>[0])
    const after = await fork.measureProbes()
    const worst = worstOf(before, after)
    const isKept = worst === null || worst.bits <= most
    if (isKept) await fork.keep()
    return { isKept, report, worst, before, after }
  } finally {
    // Does nothing to one that was kept.
    await fork.drop()
  }
}

function worstOf(before: ProbeLosses, after: ProbeLosses): LimitedStep['worst'] {
  const rises = Object.entries(before).flatMap(([domain, { bits }]) => {
    const now = after[domain]
    return now === undefined ? [] : [{ domain, bits: now.bits - bits }]
  })
  return rises.reduce<LimitedStep['worst']>(
    (worst, one) => (worst === null || one.bits > worst.bits ? one : worst),
    null,
  )
}
