/** Asks every detector of a learner once per batch. */
import type { LearnerEvent } from '../journal/event.ts'
import type { StepContext } from '../journal/step-context.ts'
import type { DriftDetector } from '../drift/drift-detector.ts'
import type { StreamWatch } from '../drift/stream-watch.ts'

/** The part of a step's context that a learner's detectors see. */
export type DriftSight = Pick<StepContext, 'step' | 'bitsPerByte' | 'bytes'>

/**
 * The alarms of this step. A rise of the loss is drift; a fall is what learning looks like. An alarm ends a
 * regime for all detectors: the others start afresh, or they would report the same change again.
 */
export function noticeDrift(
  detector: DriftDetector | undefined,
  watches: readonly StreamWatch[],
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
  const summary = `the stream changed (${bitsPerByte.toFixed(2)} bits/byte)`
  return alarms
    .slice(0, 1)
    .map(({ part }) => ({ kind: 'drift', step, part: part.name, summary, data: { bitsPerByte } }) as const)
}
