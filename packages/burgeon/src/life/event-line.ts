import type { LearnerEvent } from '@burgeon/continual'
import type { ProgressEvent } from '../terminal/progress-line.ts'
import { count, signed } from '../terminal/quantities.ts'

/** A learner's event as a line for people. */
export function eventLine(event: LearnerEvent): ProgressEvent {
  switch (event.kind) {
    case 'drift':
      return {
        kind: 'drift',
        text: `step ${count(event.step)}: the stream changed (${event.bitsPerByte.toFixed(2)} bits/byte)`,
      }
    case 'consolidation':
      return {
        kind: 'note',
        text: `step ${count(event.step)}: consolidated what was known (${event.penalty}, ${event.rows} rows)`,
      }
    case 'growth': {
      const { summary, parametersBefore, parametersAfter, logitsMoved } = event.record
      const gained = signed(parametersAfter - parametersBefore, 0)
      return {
        kind: 'growth',
        text: `${summary}, ${gained} parameters, logits moved ${logitsMoved.toExponential(0)}`,
      }
    }
    case 'overflow':
      return { kind: 'note', text: `step ${count(event.step)}: slopes overflowed, the loss scale was halved` }
    case 'freezing':
      return {
        kind: 'note',
        text:
          event.blocks === 0
            ? `step ${count(event.step)}: all blocks learn again. ${event.reason}`
            : `step ${count(event.step)}: ${count(event.blocks)} of the lowest blocks settle and freeze. ${event.reason}`,
      }
    case 'growth considered':
      return { kind: 'note', text: `step ${count(event.step)}: no growth. ${event.reason}` }
    case 'growth refused':
      return { kind: 'note', text: `step ${count(event.step)}: growth refused. ${event.reason}` }
  }
}
