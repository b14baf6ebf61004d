/** One sitting of a life: from waking up to pausing or the end, with a progress line, checkpoints and a last save. */
import type { Chunk, LearnerEvent } from '@burgeon/continual'
import { type Disk, hasCheckpoint, keepCheckpoint } from '@burgeon/gpt'
import type { CommandContext } from '../commands/command-context.ts'
import { createProgressLine, type ProgressEvent } from '../terminal/progress-line.ts'
import { count, signed } from '../terminal/quantities.ts'
import { type Life, saveLife } from './life-checkpoint.ts'
import { recentBitsPerByte } from './life-record.ts'
import type { LifePosition } from './life-source.ts'
import { type HeldOutText, live, type LiveOptions } from './live.ts'
import { whileWaiting } from './while-waiting.ts'

export interface Sitting {
  readonly chunks: AsyncIterable<Chunk<LifePosition>> | Iterable<Chunk<LifePosition>>
  /** Bytes of the whole stream; null when nobody knows. */
  readonly totalBytes: number | null
  readonly heldOut: readonly HeldOutText[]
  readonly whole?: NonNullable<LiveOptions['whole']>
  readonly measureEvery: number
  readonly disk: Disk
  /** Seconds between two checkpoints. */
  readonly saveEverySeconds: number
  /** Keeps a checkpoint of every size: the last that was saved before the model grew. */
  readonly keepSizes?: boolean
  /** Called before each save, between two steps; told whether the stream has ended. */
  readonly beforeSave?: (isDone: boolean) => void
  /** Given what shows a note as long as the progress line stands, and null after that. */
  readonly listen?: (say: ((text: string) => void) | null) => void
}

/** Seconds without new text after which what was learnt is saved: the moment costs nothing. */
const idleSeconds = 1

/** Lives until the stream ends or the user stops; saves in either case. Answers whether the stream ended. */
export async function sit(life: Life, sitting: Sitting, context: CommandContext): Promise<boolean> {
  const { record } = life
  const line = createProgressLine({
    output: context.status,
    environment: context.environment,
    now: context.now,
  })
  const begun = context.now() - record.seconds * 1000
  let saved = context.now()
  let hasGrown = false
  let isSaved = false
  const save = async (isDone = false): Promise<void> => {
    sitting.beforeSave?.(isDone)
    record.seconds = (context.now() - begun) / 1000
    await saveLife(sitting.disk, life)
    saved = context.now()
    isSaved = true
  }
  const saveIfIdle = async (): Promise<void> => {
    if (!isSaved && life.learner.step > 0) await save()
  }
  const tellStop = (): void => {
    const again = context.stop.reason === 'SIGINT' ? '; press Ctrl-C again to quit at once' : ''
    line.event({ kind: 'note', text: `stopping after this step${again}` })
  }
  context.stop.addEventListener('abort', tellStop)
  try {
    if (sitting.keepSizes && !(await hasCheckpoint(sitting.disk))) await save()
    sitting.listen?.((text) => line.event({ kind: 'note', text }))
    const done = await live(life, whileWaiting(sitting.chunks, idleSeconds, saveIfIdle), {
      ...sitting,
      stop: context.stop,
      onStep(report) {
        isSaved = false
        for (const event of report.events) line.event(lineOf(event))
        hasGrown = report.events.some(({ kind }) => kind === 'growth')
        line.update({
          bytes: record.bytes,
          totalBytes: sitting.totalBytes,
          domain: report.domains[0],
          bitsPerByte: recentBitsPerByte(record),
        })
      },
      async betweenSteps() {
        const isNewSize = hasGrown && sitting.keepSizes
        if (isNewSize) await keepCheckpoint(sitting.disk)
        if (isNewSize || context.now() - saved > sitting.saveEverySeconds * 1000) await save()
        // The learner never waits on a CPU device; without this turn of the event loop, Ctrl-C would never be heard.
        await new Promise((resolve) => setImmediate(resolve))
      },
    })
    await save(done)
    return done
  } finally {
    context.stop.removeEventListener('abort', tellStop)
    sitting.listen?.(null)
    line.end()
  }
}

/** A learner's event as a line for people. */
function lineOf(event: LearnerEvent): ProgressEvent {
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
