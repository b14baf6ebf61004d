/** Retraces a life: lives it again from checkpoints, to the bit, so that it can be lived otherwise. */
import { Gpt } from '@burgeon/gpt'
import { checkArgument, checkOptions, checks, OptionError, type ParameterStore } from '@burgeon/tensor'
import { ExplanationError } from '../../errors.ts'
import type { GrowthPolicy } from '../../growth/growth-policy.ts'
import type { StepReport } from '../../journal/step-report.ts'
import { Learner } from '../../learner.ts'
import { aTokenBatch, type TokenBatch } from '../../stream/batch.ts'

/** A growth policy in the place of another, with the same name and state. */
export type PolicyChange = (policy: GrowthPolicy) => GrowthPolicy

/** A checkpoint that a life can go on from. */
export interface LifeMoment {
  /** Updates made by then. */
  readonly step: number
  /**
   * Makes the learner of that moment anew, with parts of its own.
   *
   * @param change Is applied to its growth policy, where it has one.
   */
  begin(change: PolicyChange): Learner | Promise<Learner>
}

/** How a learner came to be what it is. */
export interface Past {
  /** Oldest first, one at least. */
  readonly moments: readonly LifeMoment[]
  /** Everything that was observed since the oldest moment, one batch for each step. */
  readonly observed: readonly TokenBatch[]
}

/** A life that was lived again and came to the same bits. */
export interface RetracedLife {
  readonly learner: Learner
  readonly past: Past
  /** Of each step since the oldest moment. */
  readonly reports: readonly StepReport[]
}

const aMoment = checks.role<LifeMoment>('a moment { step, begin }', 'step', 'begin')
const retraced = new WeakSet<RetracedLife>()

/** A life that `retrace` has returned. */
export const aRetracedLife = {
  expected: 'a life that retrace has returned',
  accepts: (value: unknown): value is RetracedLife =>
    typeof value === 'object' && value !== null && retraced.has(value as RetracedLife),
}

/**
 * Lives a life again from its oldest checkpoint, and looks whether it comes to the bits of every later
 * one and to those of the learner. What is then lived otherwise differs for that reason alone.
 *
 * @throws ExplanationError where it does not: something else has happened than what is said, or a learner is
 *   made of other parts; OptionError for a past that is none.
 */
export async function retrace(learner: Learner, past: Past): Promise<RetracedLife> {
  const who = 'retrace'
  checkArgument(who, 'learner', learner, checks.instance('a Learner', Learner))
  checkOptions(who, past, {
    moments: checks.required(checks.list('a list of moments { step, begin }', aMoment)),
    observed: checks.required(checks.list('a list of batches', aTokenBatch)),
  })
  const { moments, observed } = past
  const steps = moments.map(({ step }) => step)
  const last = steps[0] + observed.length
  const isOrdered = steps.every((step, i) => step > (steps[i - 1] ?? -1) && step <= last)
  if (!(learner.model instanceof Gpt) || steps.length === 0 || !isOrdered || last !== learner.step) {
    throw new OptionError(
      `${who}: got moments of the steps ${steps.join(', ') || 'none'}, ${observed.length} batches and a learner of step ${learner.step}; ` +
        'expected moments in order, and a batch for each step from the oldest to the learner.',
    )
  }
  const reports: StepReport[] = []
  const again = await relived(past, 0, {
    async reached(step, now) {
      const moment = moments.find((own, i) => i > 0 && own.step === step)
      if (moment === undefined) return
      const saved = await begun(moment, unchanged)
      try {
        await requireSame(who, saved, now, step)
      } finally {
        letGo(saved)
      }
    },
    report: (report) => reports.push(report),
  })
  try {
    await requireSame(who, learner, again, last)
  } finally {
    letGo(again)
  }
  const life: RetracedLife = { learner, past, reports }
  retraced.add(life)
  return life
}

/** How a life is lived again. */
export interface ReliveOptions {
  /** What is observed in the place of a batch. */
  readonly changed?: (batch: TokenBatch) => TokenBatch
  readonly policy?: PolicyChange
  readonly reached?: (step: number, learner: Learner) => Promise<void>
  readonly report?: (report: StepReport) => void
}

const unchanged: PolicyChange = (policy) => policy

/** Lives on from a moment to the end. Who is handed the learner lets go of it (`letGo`). */
export async function relived(
  { moments, observed }: Past,
  from: number,
  { changed = (batch) => batch, policy = unchanged, reached, report }: ReliveOptions,
): Promise<Learner> {
  const learner = await begun(moments[from], policy)
  try {
    const skipped = moments[from].step - moments[0].step
    for (const batch of observed.slice(skipped)) {
      await reached?.(learner.step, learner)
      const told = await learner.observe(changed(batch))
      report?.(told)
    }
    await reached?.(learner.step, learner)
    return learner
  } catch (error) {
    letGo(learner)
    throw error
  }
}

async function begun({ step, begin }: LifeMoment, policy: PolicyChange): Promise<Learner> {
  const learner = await begin(policy)
  if (learner instanceof Learner && learner.model instanceof Gpt && learner.step === step) return learner
  throw new OptionError(
    `retrace: got ${learner instanceof Learner ? `a learner of step ${learner.step}` : 'something else'} from begin; expected a learner of step ${step}.`,
  )
}

/** Frees a learner and its model. */
export function letGo(learner: Learner): void {
  learner.dispose()
  learner.adapter?.dispose()
  learner.model.dispose()
}

async function requireSame(who: string, expected: Learner, got: Learner, step: number): Promise<void> {
  const other =
    (await differing(expected.model.parameters, got.model.parameters)) ??
    (expected.adapter && got.adapter
      ? await differing(expected.adapter.parameters, got.adapter.parameters)
      : undefined)
  if (other === undefined) return
  throw new ExplanationError(
    `${who}: lived again, ${other} is not what it was at step ${step}; expected every bit. ` +
      'Was something else observed, rehearsed or taught, or is the learner made of other parts?',
  )
}

/** The path of a parameter of which some bit differs. */
async function differing(a: ParameterStore, b: ParameterStore): Promise<string | undefined> {
  const [own, others] = [a.tensors(), b.tensors()]
  const paths = new Set([...Object.keys(own), ...Object.keys(others)])
  for (const path of paths) {
    if (own[path] === undefined || others[path] === undefined) return path
    const [x, y] = [await own[path].read(), await others[path].read()]
    if (x.length !== y.length || !x.every((value, i) => Object.is(value, y[i]))) return path
  }
  return undefined
}
