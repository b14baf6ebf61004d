/** One sitting of a life: from waking up to pausing or the end, with a progress line, checkpoints and a last save. */
import type { Chunk } from '@burgeon/continual'
import { type Disk, hasCheckpoint, keepCheckpoint } from '@burgeon/gpt'
import { NonFiniteError } from '@burgeon/tensor'
import type { CommandContext } from '../commands/command-context.ts'
import { createProgressLine } from '../terminal/progress-line.ts'
import { isRuined } from './diverged.ts'
import { eventLine } from './event-line.ts'
import { keeper } from './keeper.ts'
import type { Life } from './life-checkpoint.ts'
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
  readonly afterDomain?: NonNullable<LiveOptions['afterDomain']>
  readonly measureEvery: number
  readonly disk: Disk
  /** Seconds between two checkpoints. */
  readonly saveEverySeconds: number
  /** Keeps a checkpoint of every size: the last that was saved before the model grew. */
  readonly keepSizes?: boolean
  /** Command that goes on from the checkpoint, for messages. */
  readonly resumeCommand?: string
  /** Called before each save, between two steps; told whether the stream has ended. */
  readonly beforeSave?: (isDone: boolean) => void
  /** Given what shows a note as long as the progress line stands, and null after that. */
  readonly listen?: (say: ((text: string) => void) | null) => void
}

/** Seconds without new text after which what was learnt is saved: the moment costs nothing. */
const idleSeconds = 1

/**
 * Lives until the stream ends or the user stops. Returns whether the stream ended.
 *
 * Every way out saves, or throws an error that says why it could not: the end, a request to stop, a source that fails. Weights that learning
 * has ruined are not saved.
 */
export async function sit(life: Life, sitting: Sitting, context: CommandContext): Promise<boolean> {
  const { record, learner } = life
  const line = createProgressLine({
    output: context.status,
    environment: context.environment,
    now: context.now,
  })
  const begun = context.now() - record.seconds * 1000
  let tried = context.now()
  let hasGrown = false
  let [isSaved, recorded] = [false, learner.step]
  const checkpoints = keeper(life, sitting, (text) => line.event({ kind: 'note', text }))
  const save = async (isDone = false): Promise<void> => {
    sitting.beforeSave?.(isDone)
    record.seconds = (context.now() - begun) / 1000
    tried = context.now()
    await checkpoints.save()
    isSaved = true
  }
  /** There may be room again, or the end will say that there is none. */
  const saveOrTell = async (): Promise<void> => {
    await save().catch((error: unknown) =>
      line.event({ kind: 'note', text: `${(error as Error).message} Learning goes on.` }),
    )
  }
  const saveIfIdle = async (): Promise<void> => {
    if (!isSaved && learner.step > 0) await saveOrTell()
  }
  const tellStop = (): void => {
    const again = context.stop.reason === 'SIGINT' ? '; press Ctrl-C again to quit at once' : ''
    line.event({ kind: 'note', text: `stopping after this step${again}` })
  }
  context.stop.addEventListener('abort', tellStop)
  try {
    // A folder that cannot be written to is noticed before anything is learnt, and there is a checkpoint to go back to.
    if (!(await hasCheckpoint(sitting.disk))) await save()
    sitting.listen?.((text) => line.event({ kind: 'note', text }))
    const done = await live(life, whileWaiting(sitting.chunks, idleSeconds, saveIfIdle), {
      heldOut: sitting.heldOut,
      ...(sitting.whole && { whole: sitting.whole }),
      measureEvery: sitting.measureEvery,
      ...(sitting.afterDomain && { afterDomain: sitting.afterDomain }),
      stop: context.stop,
      onStep(report) {
        isSaved = false
        recorded = learner.step
        for (const event of report.events) line.event(eventLine(event))
        hasGrown = report.events.some(({ kind }) => kind === 'growth')
        line.update({
          bytes: record.bytes,
          totalBytes: sitting.totalBytes,
          domain: report.domains[0],
          bitsPerByte: recentBitsPerByte(record),
        })
      },
      async betweenSteps() {
        if (isRuined(record.curve.recent)) {
          const ruin = await checkpoints.diverged()
          throw ruin
        }
        const isNewSize = hasGrown && sitting.keepSizes
        if (isNewSize) await keepCheckpoint(sitting.disk)
        if (isNewSize || context.now() - tried > sitting.saveEverySeconds * 1000) await saveOrTell()
        // The learner never waits on a CPU device; without this turn of the event loop, Ctrl-C would never be heard.
        await new Promise((resolve) => setImmediate(resolve))
      },
    })
    await save(done)
    return done
  } catch (error) {
    if (error instanceof NonFiniteError) {
      const ruin = await checkpoints.diverged(error)
      throw ruin
    }
    if (checkpoints.isOwn(error)) throw error
    // Something failed, but not the learner: it stands between two steps.
    if (learner.step === recorded) await save()
    else {
      const text = `step ${learner.step} failed half-way and was not saved. ${checkpoints.remains()}`
      line.event({ kind: 'note', text })
    }
    throw error
  } finally {
    context.stop.removeEventListener('abort', tellStop)
    sitting.listen?.(null)
    line.end()
  }
}
