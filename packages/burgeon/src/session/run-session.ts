/**
 * One session of a life: from loading to a pause or the end, with a progress line, checkpoints and a last
 * save.
 */
import type { Chunk, PlacedBatch, StepReport } from '@burgeon/continual'
import { type Disk, hasCheckpoint, keepCheckpoint } from '@burgeon/gpt'
import { NonFiniteError } from '@burgeon/tensor'
import type { CommandContext } from '../terminal/command-context.ts'
import { createProgressLine } from '../terminal/progress-line.ts'
import { lifeControl } from './control/life-control.ts'
import { isRuined } from './diverged.ts'
import { eventLine } from './event-line.ts'
import { keeper } from './keeper.ts'
import type { Life } from './life/life-checkpoint.ts'
import { type LifePosition, recentBitsPerByte } from './record/life-record.ts'
import { type KeepHouseMeans, keepHouse } from './house/keep-house.ts'
import { consume, consumeBatches, type ConsumeOptions } from './consume.ts'
import type { HeldOutText } from './life/life-origin.ts'
import { whileWaiting } from './source/while-waiting.ts'

/** Stream, measurements and checkpoints of a session. */
export interface SessionOptions {
  /** The stream, cut into batches as it comes. */
  readonly chunks?: AsyncIterable<Chunk<LifePosition>> | Iterable<Chunk<LifePosition>>
  /** The stream where its batches are made already; in the place of `chunks`. */
  readonly batches?: AsyncIterable<PlacedBatch<LifePosition>>
  /** Bytes of the whole stream; null when nobody knows. */
  readonly totalBytes: number | null
  readonly heldOut: readonly HeldOutText[]
  readonly whole?: NonNullable<ConsumeOptions['whole']>
  readonly afterDomain?: NonNullable<ConsumeOptions['afterDomain']>
  readonly measureEvery: number
  readonly disk: Disk
  /** Seconds between two checkpoints. */
  readonly saveEverySeconds: number
  /** Keeps a checkpoint of every size: the last that was saved before the model grew. */
  readonly keepSizes?: boolean
  /** Command that goes on from the checkpoint, for messages. */
  readonly resumeCommand?: string
  /** Called before each save, between two steps, with whether the stream has ended. */
  readonly beforeSave?: (isDone: boolean) => void
  /** Called after each save; what it returns is awaited. */
  readonly afterSave?: () => Promise<void>
  /** Joins small files of a journal, as far as they were learnt; called when the life has slept. */
  readonly tidy?: KeepHouseMeans['tidy']
  /** As in `consume`; saving goes through it, too. */
  readonly turn?: NonNullable<ConsumeOptions['turn']>
  /** Is told of each step and each save. */
  readonly watcher?: SessionWatcher
  /** Given what shows a note as long as the progress line stands, and null after that. */
  readonly listen?: (say: ((text: string) => void) | null) => void
}

/** Who watches a life. A note is shown to the user. */
export interface SessionWatcher {
  /** Called after each step, in its turn; what it returns is awaited before anything else is learnt. */
  step(report: StepReport, note: (text: string) => void): unknown
  /** Called before each save; what it returns is awaited. */
  saving?(note: (text: string) => void): unknown
  saved(): void
}

/** Seconds without new text after which what was learnt is saved: the moment costs nothing. */
const idleSeconds = 1

/**
 * Learns until the stream ends or the user stops. Returns whether the stream ended.
 *
 * Every way out saves, or throws an error that says why it could not: the end, a request to stop, a source
 * that fails. Weights that learning has ruined are not saved.
 */
export async function runSession(
  life: Life,
  session: SessionOptions,
  context: CommandContext,
): Promise<boolean> {
  const { record, learner } = life
  const line = createProgressLine({
    output: context.status,
    environment: context.environment,
    now: context.now,
  })
  const begun = context.now() - record.seconds * 1000
  let tried = context.now()
  let [hasGrown, sleptNow, hasSlept] = [false, false, false]
  let [isSaved, isHalfWay] = [false, false]
  const note = (text: string): void => line.event({ kind: 'note', text })
  const checkpoints = keeper(life, session, note)
  const control = lifeControl(session.disk.place, life)
  const { disk, tidy } = session
  /** Saves; a life that has slept keeps that checkpoint, and looks after the others. */
  const saveNow = async (): Promise<void> => {
    if (!hasSlept) return checkpoints.save()
    const event = await keepHouse(life, { disk, tidy, now: Date.now(), save: checkpoints.save })
    hasSlept = false
    line.event(eventLine(event))
  }
  const save = async (isDone = false): Promise<void> => {
    session.beforeSave?.(isDone)
    await session.watcher?.saving?.(note)
    record.seconds = (context.now() - begun) / 1000
    tried = context.now()
    await (session.turn ? session.turn(saveNow) : saveNow())
    isSaved = true
    session.watcher?.saved()
    await session.afterSave?.()
  }
  /** There may be room again, or the end will say that there is none. */
  const saveOrNote = async (): Promise<void> => {
    await save().catch((error: unknown) => note(`${(error as Error).message} Learning goes on.`))
  }
  const saveIfIdle = async (): Promise<void> => {
    if (!isSaved && learner.step > 0) await saveOrNote()
  }
  const noteStop = (): void => {
    const again = context.stop.reason === 'SIGINT' ? '; press Ctrl-C again to quit at once' : ''
    note(`stopping after this step${again}`)
  }
  context.stop.addEventListener('abort', noteStop)
  try {
    // A folder that cannot be written to is noticed before anything is learnt, and there is a checkpoint to
    // go back to.
    if (!(await hasCheckpoint(session.disk))) await save()
    session.listen?.(note)
    const how: ConsumeOptions = {
      heldOut: session.heldOut,
      ...(session.whole && { whole: session.whole }),
      measureEvery: session.measureEvery,
      ...(session.turn && { turn: session.turn }),
      ...(session.afterDomain && { afterDomain: session.afterDomain }),
      stop: context.stop,
      async beforeStep() {
        if (control.isStopped) {
          note('the life was stopped; it learns again after burgeon stop --release')
          return false
        }
        await control.beforeStep()
        return true
      },
      onHalfStep() {
        isHalfWay = true
      },
      async onStep(report) {
        isSaved = false
        await session.watcher?.step(report, note)
        await control.afterStep(report.events)
        for (const event of report.events) line.event(eventLine(event))
        hasGrown = report.events.some(({ kind }) => kind === 'growth')
        sleptNow = report.events.some(({ kind }) => kind === 'sleep')
        hasSlept ||= sleptNow
        line.update({
          bytes: record.bytes,
          totalBytes: session.totalBytes,
          domain: report.domains[0],
          bitsPerByte: recentBitsPerByte(record),
        })
      },
      async betweenSteps() {
        if (isRuined(record.curve.recent)) {
          const ruin = await checkpoints.diverged()
          throw ruin
        }
        const isNewSize = hasGrown && session.keepSizes
        if (isNewSize) await keepCheckpoint(session.disk)
        // Once: where the disk refuses, it is tried again with the next save.
        if (isNewSize || sleptNow || context.now() - tried > session.saveEverySeconds * 1000)
          await saveOrNote()
        // The learner never waits on a CPU device; without this turn of the event loop, Ctrl-C would never be
        // heard.
        await new Promise((resolve) => setImmediate(resolve))
      },
    }
    const waited = <T>(stream: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T> =>
      whileWaiting(stream, idleSeconds, saveIfIdle)
    const done = session.batches
      ? await consumeBatches(life, waited(session.batches), how)
      : await consume(life, waited(session.chunks ?? []), how)
    await save(done)
    return done
  } catch (error) {
    if (error instanceof NonFiniteError) {
      const ruin = await checkpoints.diverged(error)
      throw ruin
    }
    if (checkpoints.isOwn(error)) throw error
    // Something failed, but not the learner: it stands between two steps.
    if (!isHalfWay) await save()
    else {
      note(`step ${learner.step} failed half-way and was not saved. ${checkpoints.remains()}`)
    }
    throw error
  } finally {
    context.stop.removeEventListener('abort', noteStop)
    session.listen?.(null)
    line.end()
  }
}
