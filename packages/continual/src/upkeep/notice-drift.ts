/** Asks every detector of a learner once per batch. */
import type { LearnerEvent } from '../journal/event.ts'
import type { StepContext } from '../journal/step-context.ts'
import type { DriftDetector, DriftVerdict } from '../drift/drift-detector.ts'
import type { Watching } from '../drift/signals/watching.ts'
import type { StreamWatch } from '../drift/stream-watch.ts'
import type { Upkeep } from './upkeep.ts'

/** All that notices drift in a learner. */
export interface DriftParts {
  /** Watches the prequential loss. */
  readonly detector?: DriftDetector | undefined
  /** Watch any signals. */
  readonly detectors?: readonly Watching[]
  /** Watch the bytes of the stream. */
  readonly watches?: readonly StreamWatch[]
}

/**
 * The alarms of this step. A rise of the loss is drift; a fall is what learning looks like. An alarm ends a
 * regime for all detectors: the others start afresh, or they would report the same change again.
 */
export async function noticeDrift(
  { detector, detectors = [], watches = [] }: DriftParts,
  context: StepContext,
): Promise<LearnerEvent[]> {
  const { step, bitsPerByte, bytes } = context
  // Signals first: one that fails must not leave some detectors a step ahead of others.
  const signals: (number | ArrayLike<number>)[] = []
  for (const { signal } of detectors) signals.push(await signal(context))
  const verdicts = [
    ...(detector ? [judged(detector, detector.name, detector.update(bitsPerByte))] : []),
    ...detectors.map(({ detector: part, name, direction }, i) =>
      // `watching` joins detectors and signals of one kind.
      judged(part, name, part.update(signals[i] as number & ArrayLike<number>), direction),
    ),
    ...watches.map((part) => judged(part, part.name, part.update(bytes))),
  ]
  const alarms = verdicts.filter(({ isAlarm }) => isAlarm)
  if (alarms.length > 0) {
    for (const { part, verdict } of verdicts) if (!verdict.drift) part.reset()
  }
  const summary = `the stream changed (${bitsPerByte.toFixed(2)} bits/byte)`
  return alarms
    .slice(0, 1)
    .map(({ name }) => ({ kind: 'drift', step, part: name, summary, data: { bitsPerByte } }) as const)
}

/**
 * Has the detectors of signals begin afresh when the model has become wider: what they watch of its inside
 * is of another length then.
 */
export function freshAfterWidening(detectors: readonly Watching[]): Upkeep {
  return {
    name: 'drift',
    afterStep({ events }) {
      const isWider = events.some(
        ({ kind, data }) => kind === 'growth' && data.record.request.kind === 'widenEmbed',
      )
      if (isWider) for (const { detector } of detectors) detector.reset()
      return []
    },
  }
}

interface Judged {
  readonly part: { reset(): void }
  readonly name: string
  readonly verdict: DriftVerdict
  readonly isAlarm: boolean
}

function judged(
  part: Judged['part'],
  name: string,
  verdict: DriftVerdict,
  direction: Watching['direction'] = 'up',
): Judged {
  return {
    part,
    name,
    verdict,
    isAlarm: verdict.drift && (direction === 'both' || verdict.direction === 'up'),
  }
}
