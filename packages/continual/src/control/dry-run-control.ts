/** Replays a controller on the signals of a life, without a model. */
import { checkArgument, checkOptions, checks } from '@burgeon/tensor'
import type { ProbeLosses } from '../journal/probe-losses.ts'
import { aController, type Controller } from './controller.ts'
import { decided } from './decided.ts'
import type { Knobs } from './knobs.ts'

/** The course of a life as a controller sees it. */
export interface DryControlInput {
  /** The prequential loss of every step, in bits per byte. */
  readonly bitsPerByte: readonly number[]
  /** Steps, counted from 1, with a drift alarm; none unless given. */
  readonly drifts?: readonly number[]
  /** Measurements by step: those of the events `probed` of a journal. None unless given. */
  readonly probes?: Readonly<Record<number, ProbeLosses>>
}

/** What a controller would have decided after a step. */
export interface DryDecision {
  readonly step: number
  readonly knobs: Knobs
  readonly reason: string | null
  readonly isSaturated: boolean
}

/**
 * Asks a controller after every step of a life that is given as numbers. Losses stay as they are given, so it
 * tells what it would decide, not what that would gain; of the life that it was part of, it tells the same.
 *
 * @throws OptionError for what is no controller or no life, and as the controller does.
 */
export function dryRunControl<S>(controller: Controller<S>, input: DryControlInput): DryDecision[] {
  checkArgument('dryRunControl', 'controller', controller, aController)
  checkOptions('dryRunControl', input, {
    bitsPerByte: checks.required(checks.list('a list of numbers', checks.number())),
    drifts: checks.list('a list of positive integers', checks.integer({ from: 1 })),
    probes: checks.object('measurements by step'),
  })
  const { bitsPerByte, drifts = [], probes = {} } = input
  const [alarms, decisions]: [ReadonlySet<number>, DryDecision[]] = [new Set(drifts), []]
  let { initial: state } = controller
  let lastDrift: number | null = null
  for (const [i, loss] of bitsPerByte.entries()) {
    const step = i + 1
    if (alarms.has(step)) lastDrift = step
    const stepsSinceDrift = lastDrift === null ? null : step - lastDrift
    const signals = { step, bitsPerByte: loss, stepsSinceDrift, probes: probes[step] ?? null }
    const { state: after, ...decision } = decided(controller, signals, state)
    state = after
    decisions.push({ step, ...decision })
  }
  return decisions
}
