/** Sink: where the numbers of a run go. */
import { BurgeonError, type Check, checkArgument, checks } from '@burgeon/tensor'
import type { LearnerEvent } from '../journal/event.ts'
import type { StepReport } from '../journal/step-report.ts'

/** Numbers of one step, by name, and what happened in it. */
export interface SinkRecord {
  readonly step: number
  /** A name may have parts, as in `accuracy/digits`. */
  readonly scalars: Readonly<Record<string, number>>
  readonly events: readonly LearnerEvent[]
}

/** Takes records, one after the other. It stands beside a learner, which knows nothing of it. */
export interface Sink {
  readonly name: string
  /**
   * Takes the next record, and resolves once it is written: whoever awaits it never runs ahead of a slow
   * disk. Records are written in the order of the calls.
   *
   * @throws SinkError if it cannot be written, and for every record after that.
   */
  write(record: SinkRecord): Promise<void>
  /** Waits for all records, and has the output keep them for good if it can. Throws SinkError as `write`. */
  flush(): Promise<void>
  /**
   * Waits for all records and closes the output, whether or not writing failed; a second time it does
   * nothing.
   *
   * @throws SinkError for what could not be written or closed.
   */
  close(): Promise<void>
}

/**
 * Records could not be written: the disk is full, for example. No learner is concerned: its step was made
 * before.
 */
export class SinkError extends BurgeonError {
  override readonly name = 'SinkError'
}

const aReport: Check<StepReport> = checks.role('a report of observe', 'step', 'loss', 'penalties', 'events')

/** The record of a learner's step: all numbers of its report. Penalties are `penalty/<name>`. */
export function recordOf(report: StepReport): SinkRecord {
  checkArgument('recordOf', 'report', report, aReport)
  const { step, loss, bitsPerByte, gradientNorm, updateNorm, parameters } = report
  const { tokens, bytes, rehearsedRows, penalties, events } = report
  const named = Object.entries(penalties).map(([name, value]) => [`penalty/${name}`, value] as const)
  const own = { loss, bitsPerByte, tokens, bytes, rehearsedRows, gradientNorm, updateNorm, parameters }
  return { step, scalars: { ...own, ...Object.fromEntries(named) }, events }
}
