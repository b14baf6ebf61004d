/** Why a model grew: what its policy saw and said, and what the life would be like without it. */
import { checkArgument, checks, OptionError } from '@burgeon/tensor'
import { type DryGrowth, dryRun } from '../../growth/dry-run.ts'
import { type GrowthPolicy, lossWindow } from '../../growth/growth-policy.ts'
import type { Measurement } from '../../growth/measure/measurement.ts'
import type { EventOf, JournaledGrowth } from '../../journal/event.ts'
import { growthTrialsIn } from '../../journal/growth-trials-in.ts'
import { measurementsIn } from '../../journal/measurements-in.ts'
import { saturationsIn } from '../../journal/saturations-in.ts'
import type { StepReport } from '../../journal/step-report.ts'
import type { Question } from '../question/question.ts'
import { aRetracedLife, letGo, type PolicyChange, relived, type RetracedLife } from './retrace.ts'
import { lossIn } from './what-if.ts'

/** Why a growth came about, and what it is worth. Plain data. */
export interface WhyGrew {
  readonly step: number
  readonly summary: string
  /** What the policy said. */
  readonly reason: string
  /** What the policy had measured of the blocks; absent where it measured nothing. */
  readonly measured?: Measurement
  /** Loss of the latest steps before it, oldest first, in nats per byte, at most 400: what the policy saw. */
  readonly losses: readonly number[]
  readonly parametersBefore: number
  readonly parametersAfter: number
  /**
   * What the policy asks for in the same step when it sees the losses of the life again; null where the life
   * is not known from its birth on, or it asks for nothing there.
   */
  readonly dryRun: DryGrowth | null
  /** Loss of the answer as the life was, in nats. */
  readonly lossWith: number
  /** Loss of the answer had this growth been refused, and all others not. */
  readonly lossWithout: number
  /** `lossWithout − lossWith`: above 0 where the growth has helped. */
  readonly effect: number
}

/**
 * Explains a growth that a policy asked for: its reason, its signals, the decision made again without a
 * model, and the same life with this one growth refused, of which the policy knows no more than that it
 * asked.
 *
 * @param index Number of the growth among those of the policy since the oldest moment, from 0.
 * @throws OptionError for another number, a policy that tries its growth, or a question that cannot be asked.
 */
export async function whyGrew(life: RetracedLife, index: number, question: Question): Promise<WhyGrew> {
  const who = 'whyGrew'
  checkArgument(who, 'life', life, aRetracedLife)
  checkArgument(who, 'index', index, checks.count)
  const { learner, past, reports } = life
  const policy = learner.strategy.growth
  const [oldest] = past.moments
  const growths = learner.journal.filter(
    (event): event is EventOf<'growth', GrowthData> =>
      event.kind === 'growth' && event.part === policy?.name && event.step > oldest.step,
  )
  const growth = growths.at(index)
  if (policy === undefined || growth === undefined || policy.trial !== undefined) {
    throw new OptionError(
      policy?.trial !== undefined
        ? `${who}: ${policy.name} has tried its growth beside a model without it; see its event "growth tried".`
        : `${who}: got growth ${index}; expected one of ${growths.length} that a policy asked for since step ${oldest.step}.`,
    )
  }
  const { step, summary, data } = growth
  const [lossWith, lossWithout] = [
    await lossIn(who, learner, question),
    await lossWithoutGrowth(life, step, question),
  ]
  const { parametersBefore, parametersAfter } = data.record
  return {
    ...{ step, summary, reason: data.reason, parametersBefore, parametersAfter },
    ...(data.measured && { measured: data.measured }),
    losses: reports
      .slice(0, step - oldest.step)
      .map(lossPerByte)
      .slice(-lossWindow),
    dryRun: oldest.step > 0 ? null : await decidedAgain(life, policy, step),
    ...{ lossWith, lossWithout, effect: lossWithout - lossWith },
  }
}

interface GrowthData {
  readonly reason: string
  readonly measured?: Measurement
  readonly record: JournaledGrowth
}

async function lossWithoutGrowth({ past }: RetracedLife, step: number, question: Question): Promise<number> {
  const from = past.moments.findLastIndex((moment) => moment.step < step)
  const again = await relived(past, from, { policy: withoutGrowthAt(step) })
  try {
    return await lossIn('whyGrew', again, question)
  } finally {
    letGo(again)
  }
}

/** A policy that asks for nothing in one step, and goes on as if it had grown there. */
function withoutGrowthAt(step: number): PolicyChange {
  return (policy) => ({
    ...policy,
    decide(signals, budget, state) {
      const since = signals.step > step ? signals.step - step : Infinity
      const stepsSinceGrowth = Math.min(signals.stepsSinceGrowth, since)
      const decision = policy.decide({ ...signals, stepsSinceGrowth }, budget, state)
      return signals.step === step
        ? { ...decision, request: null, reason: `${decision.reason}; left out` }
        : decision
    },
  })
}

async function decidedAgain(
  { learner, past, reports }: RetracedLife,
  policy: GrowthPolicy,
  step: number,
): Promise<DryGrowth | null> {
  const born = await past.moments[0].begin((own) => own)
  try {
    const { config, parameters } = born.model
    const { journal, budget } = learner
    const drifts = journal.filter(({ kind }) => kind === 'drift').map((event) => event.step)
    const growths = dryRun(policy, {
      ...{ config, parameters: parameters.size, stateBytes: born.stateBytes, budget, drifts },
      losses: reports.map(lossPerByte),
      measurements: measurementsIn(journal),
      saturations: saturationsIn(journal),
      trials: growthTrialsIn(journal),
    })
    return growths.find((growth) => growth.step === step) ?? null
  } finally {
    letGo(born)
  }
}

/** As the journal reckons it. */
const lossPerByte = ({ loss, tokens, bytes }: StepReport): number =>
  bytes === 0 ? loss : loss * (tokens / bytes)
