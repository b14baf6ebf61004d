/** Events: what is worth a line in the journal. Plain data; each has a line that says what happened. */
import { type GrowthRecord, type GrowthRequest, requestFromState } from '@burgeon/gpt/growth'
import { type Check, checkArgument, checks } from '@burgeon/tensor'
import type { Weakness } from '../assess/weakness/weaknesses.ts'
import type { Measurement } from '../growth/measure/measurement.ts'
import type { ProbeLosses } from './probe-losses.ts'
import type { GuardedTexts } from './guarded-texts.ts'
import type { SleepReport } from './sleep/sleep-report.ts'
import type { TrialOutcome } from './trials/trial-outcome.ts'
import type { TriedRequests } from './trials/tried-requests.ts'
import type { NetworkGrowth } from '../model/grow-network.ts'
import type { DomainFactors } from '../stream/domain-factors.ts'

/** One thing that happened in a step. */
export interface EventOf<Kind extends string, Data> {
  readonly kind: Kind
  /** Updates made, that of its own step included. */
  readonly step: number
  /** Name of the part that it comes from. */
  readonly part: string
  /** One line for people: what happened. */
  readonly summary: string
  readonly data: Data
}

/**
 * Record of a growth, without the plan that takes it back: that is in the model's growth log (`ungrowTo`).
 */
export type JournaledGrowth = Omit<GrowthRecord, 'undo'>

/** A growth policy's reason, and what it had measured, if it did. */
interface Decided {
  readonly reason: string
  readonly measured?: Measurement
}

/** Knobs, by name. */
interface Factors extends Readonly<Record<'rehearsalShare' | 'rate' | 'penalty', number>> {
  /** Of old rows. */
  readonly domains?: DomainFactors
}

/** Something worth a line in the journal. */
export type LearnerEvent =
  | EventOf<'drift', { readonly bitsPerByte: number }>
  | EventOf<'consolidation', { readonly rows: number }>
  /** Gradients did not fit into half precision: the loss scale was halved and nothing was learnt. */
  | EventOf<'overflow', Readonly<Record<string, never>>>
  | EventOf<'growth', Decided & { readonly record: JournaledGrowth | NetworkGrowth }>
  | EventOf<'growth refused', Decided>
  /** What the policy asked for waits for somebody's approval. */
  | EventOf<'growth waits', Decided>
  /** The policy had the blocks measured and decided to stay as it is. */
  | EventOf<'growth considered', Required<Decided>>
  /** What is known and forgotten of each domain, by rows that are held back. */
  | EventOf<'probed', { readonly domains: ProbeLosses }>
  /** A controller set its knobs, and why; or it became saturated, or is not any more. */
  | EventOf<'control', { readonly knobs: Factors; readonly reason: string; readonly isSaturated: boolean }>
  /** A controller failed; its knobs stay as they were. */
  | EventOf<'control refused', { readonly reason: string }>
  /** Growth was tried beside a model that did not grow, and one of them goes on. */
  | EventOf<'growth tried', TriedRequests & { readonly goesOn: string; readonly reason: string }>
  /** Several ways to learn were tried on the same rows, and one of them goes on. */
  | EventOf<'choice', { readonly goesOn: string; readonly reason: string; readonly outcome: TrialOutcome }>
  /** The learner slept: what became of each job, and why. */
  | EventOf<'sleep', SleepReport>
  /** Slices of the stream cost more than the model expected, and more than before. */
  | EventOf<'weakness', { readonly slices: readonly Weakness[] }>
  /** Steps on remembered rows did harm and were undone. */
  | EventOf<'undone', { readonly steps: number; readonly harm: string }>
  /** Hidden units of one MLP began again, by number. */
  | EventOf<'units reset', { readonly layer: string; readonly units: readonly number[] }>
  /** So many parameters shrank, and new weights were added. */
  | EventOf<'perturbed', { readonly weights: number }>
  /**
   * After a sleep: kept checkpoints that had their time and went, by number; files of the journal of
   * experience that were joined to others, and that were written anew.
   */
  | EventOf<
      'housekeeping',
      { readonly retired: readonly number[]; readonly joined: number; readonly written: number }
    >
  /** The life went back to a checkpoint that was kept, from a later step. */
  | EventOf<'rollback', { readonly kept: number; readonly from: number }>
  /** Texts that a guard did not let through as they came, alike ones together, and no word of them. */
  | EventOf<'guard', GuardedTexts>
  /** Number of bottom blocks that are freezing; 0 means all learn again. */
  | EventOf<'freezing', { readonly blocks: number; readonly reason: string }>

/** An event as versions before 0.2 wrote it: its data beside its kind, and no summary. */
type FlatEvent = Readonly<Record<string, unknown>> & {
  readonly kind: LearnerEvent['kind']
  readonly step: number
}

/** An event of this version or an earlier one, which may hold anything beside these. */
export const aSavedEvent: Check<LearnerEvent | FlatEvent> = checks.role('an event', 'kind', 'step')

/** A saved event in the present form, also one of an earlier version. */
export function eventFromState(event: LearnerEvent | FlatEvent): LearnerEvent {
  checkArgument('eventFromState', 'event', event, aSavedEvent)
  return withPresentNames('data' in event ? (event as LearnerEvent) : fromFlat(event))
}

function fromFlat({ kind, step, detector, penalty, policy, ...data }: FlatEvent): LearnerEvent {
  const part = [detector, penalty, policy].find((name) => typeof name === 'string') ?? kind
  return { kind, step, part, summary: summaryOf(kind, data), data } as LearnerEvent
}

/**
 * Versions before 0.2 said `axis` for the kind of a request, and `mostRank` for `maxRank`. An event without
 * either is returned as it is.
 */
function withPresentNames(event: LearnerEvent): LearnerEvent {
  const saved: unknown = event.data
  if (!isObject(saved)) return event
  const { record, measured } = saved
  const isOldRequest = isObject(record) && isObject(record['request']) && 'axis' in record['request']
  const isOldMeasurement = isObject(measured) && Array.isArray(measured['blocks'])
  if (!isOldRequest && !isOldMeasurement) return event
  const data = {
    ...saved,
    ...(isOldRequest && {
      record: { ...record, request: requestFromState(record['request'] as GrowthRequest) },
    }),
    ...(isOldMeasurement && {
      measured: { ...measured, blocks: (measured['blocks'] as unknown[]).map(blockFromState) },
    }),
  }
  return { ...event, data } as LearnerEvent
}

function blockFromState(block: unknown): unknown {
  if (!isObject(block) || !('mostRank' in block)) return block
  const { mostRank, ...others } = block
  return { ...others, maxRank: mostRank }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** The summary of an event that was saved without one. */
function summaryOf(kind: LearnerEvent['kind'], data: Readonly<Record<string, unknown>>): string {
  const record = data['record'] as Partial<JournaledGrowth> | undefined
  return [kind, record?.summary, data['reason']].filter((text) => typeof text === 'string').join('. ')
}
