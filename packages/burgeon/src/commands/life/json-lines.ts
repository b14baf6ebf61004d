/** What `--json` of a command that learns prints: a line for each step, and one at the end. */
import { callbackSink } from '@burgeon/continual'
import type { KnownLife } from '../../session/life/life-checkpoint.ts'
import { predictedOf } from '../../session/record/life-record.ts'
import type { NamedSink } from '../../session/sinks/with-sinks.ts'

/** A sink that prints each step with its numbers and what happened in it. */
export function stepLines(print: (value: object) => void): NamedSink {
  const sink = callbackSink(({ step, scalars, events }) => print({ kind: 'step', step, ...scalars, events }))
  return { place: 'the output', sink }
}

/** How a life stands at the end. Losses are of all that was predicted, and of late; null before the first step. */
export function lifeSummary({ learner, record }: KnownLife, checkpoint: string): object {
  const predicted = predictedOf(record)
  return {
    kind: 'summary',
    step: learner.step,
    bytes: record.bytes,
    parameters: learner.model.parameters.size,
    bitsPerByte: predicted?.mean ?? null,
    latestBitsPerByte: predicted?.faded ?? null,
    seconds: record.seconds,
    checkpoint,
  }
}
