/** Asks every detector of a learner once per batch. */
import type { LearnerEvent } from '../step-report.ts'
import type { Strategy } from '../strategy.ts'

/** What the detectors see of a step. */
export interface DriftSight {
  readonly step: number
  /** Prequential loss of the batch. */
  readonly bitsPerByte: number
  /** Bytes of the batch that were predicted. */
  readonly bytes: ArrayLike<number>
}

/**
 * The alarms of this step. A rise of the loss is drift; a fall is what learning looks like. An alarm ends a regime for
 * all detectors: the others start afresh, or they would report the same change again.
 */
export function noticeDrift(
  { detector, watches = [] }: Strategy,
  { step, bitsPerByte, bytes }: DriftSight,
): LearnerEvent[] {
  const verdicts = [
    ...(detector ? [{ part: detector, verdict: detector.update(bitsPerByte) }] : []),
    ...watches.map((part) => ({ part, verdict: part.update(bytes) })),
  ]
  const alarms = verdicts.filter(({ verdict }) => verdict.drift && verdict.direction === 'up')
  if (alarms.length > 0) {
    for (const { part, verdict } of verdicts) if (!verdict.drift) part.reset()
  }
  return alarms
    .slice(0, 1)
    .map(({ part }) => ({ kind: 'drift', step, detector: part.name, bitsPerByte }) as const)
}
