/** Learns a source while a server answers, and what is added to it after that. */
import type { Disk } from '@burgeon/gpt'
import { BurgeonError } from '@burgeon/tensor'
import { watch } from 'chokidar'
import { setTimeout as wait } from 'node:timers/promises'
import { stopOf } from '../session/control/stop-file.ts'
import type { KnownLife } from '../session/life/life-checkpoint.ts'
import type { SessionOptions } from '../session/run-session.ts'
import { openSourceSession, type SourceSession } from '../session/source/source-session.ts'
import { openRecordSession } from '../session/source/record-session.ts'
import { orStopped } from '../sources/or-stopped.ts'
import { recordsAt } from '../sources/records/record-address.ts'
import type { CommandContext } from '../terminal/command-context.ts'
import { printable } from '../terminal/terminal.ts'

/** Where a life is saved, and when its turn comes. */
export interface LearnBesideOptions {
  readonly disk: Disk
  readonly out: string
  readonly turn: NonNullable<SessionOptions['turn']>
  readonly watcher: NonNullable<SessionOptions['watcher']>
  /** Column of tables that is read alone. */
  readonly column?: string | undefined
  /** Bytes of learnt records that the journal keeps. */
  readonly keepBytes?: number | undefined
}

/** A source that is learnt beside a server. */
export interface LearningBeside {
  /** Notes how far it was learnt, before somebody else saves the life. */
  remember(): void
  /**
   * Ends after the step at hand, saves, has `work` run, and goes on: with the life that `become` was told
   * meanwhile, where that one was.
   */
  whilePaused(work: () => Promise<void>): Promise<void>
  become(life: KnownLife): void
  /**
   * Learns until the user stops. While the life is stopped it waits, and takes the source up again when the
   * life is released. A source that fails, and weights that learning has ruined, end the learning and not the
   * server; what happened is said.
   */
  run(): Promise<void>
}

/** Milliseconds for which a file must stay as it is before it is read. */
const settled = 500
/** Milliseconds between two looks at whether a life was released. */
const lookEvery = 250

/**
 * Opens a source, so that what is wrong with it is said before anything is served.
 *
 * @throws UsageError, StreamError for one that cannot be read.
 */
export async function learnBeside(
  first: KnownLife,
  path: string,
  { column, keepBytes, ...how }: LearnBesideOptions,
  context: CommandContext,
): Promise<LearningBeside> {
  const { status, stop } = context
  const records = recordsAt(path)
  let life = first
  let pause: Pause | null = null
  /** Raised when a pause is wanted. */
  let wanted = new AbortController()
  const open = (): Promise<SourceSession> => {
    const own = { ...context, stop: AbortSignal.any([stop, wanted.signal]) }
    return records
      ? openRecordSession(life, records, { ...how, keepBytes }, own)
      : openSourceSession(life, path, { ...how, column }, own)
  }
  let session = await open()
  let [isRunning, isStale] = [false, false]
  /** Has the work of a pause done; returns whether there was one. */
  const paused = async (): Promise<boolean> => {
    if (pause === null) return false
    const { work, done } = pause
    pause = null
    wanted = new AbortController()
    await work().then(() => done.resolve(), done.reject)
    return true
  }
  /** Returns when the life may learn, or the user stops. */
  const released = async (): Promise<void> => {
    while (stopOf(how.disk.place) !== null && !stop.aborted) {
      await orStopped(wait(lookEvery), [stop, wanted.signal])
      await paused()
    }
  }
  const learnAll = async (): Promise<void> => {
    const changes = path === '-' || records ? null : watched(path)
    try {
      if (isStale) session = await open()
      for (let times = 0; ; times++) {
        session.showNotes()
        const isLearnt = session.source.bytes === 0 || (await session.learn())
        if (stop.aborted) return
        // A session that was neither paused nor at its end has met a life that was stopped.
        if (!(await paused()) && isLearnt) {
          if (changes === null) return
          // The first time it is opened again at once: what came before anybody watched is seen then.
          if (times > 0) await orStopped(changes.next(), [stop, wanted.signal])
          await paused()
        }
        await released()
        if (stop.aborted) return
        session = await open()
      }
    } finally {
      await changes?.close()
    }
  }
  return {
    remember: () => session.remember(),
    become: (other) => {
      life = other
    },
    async whilePaused(work) {
      if (!isRunning) {
        await work()
        isStale = true
        return
      }
      await new Promise<void>((resolve, reject) => {
        pause = { work, done: { resolve, reject } }
        wanted.abort('pause')
      })
    },
    async run() {
      isRunning = true
      try {
        await learnAll()
      } catch (error) {
        if (!(error instanceof BurgeonError)) throw error
        status.write(
          `burgeon: ${printable(records?.name ?? path)} is learnt no further: ${printable(error.message)}\n`,
        )
      } finally {
        isRunning = false
        // Nobody who waits for a pause is left waiting.
        await paused()
      }
    },
  }
}

/** Work for which learning stops. */
interface Pause {
  readonly work: () => Promise<void>
  readonly done: { resolve(): void; reject(error: unknown): void }
}

/** What tells of changes: `next` resolves when there was one since it resolved last. */
function watched(path: string): { next(): Promise<true>; close(): Promise<void> } {
  const watcher = watch(path, { ignoreInitial: true, awaitWriteFinish: { stabilityThreshold: settled } })
  let hasChanged = false
  let tell: (() => void) | null = null
  // A folder that cannot be watched is still learnt once.
  watcher.on('error', () => {})
  watcher.on('all', () => {
    hasChanged = true
    tell?.()
  })
  return {
    next: () =>
      new Promise((resolve) => {
        tell = () => {
          hasChanged = false
          tell = null
          resolve(true)
        }
        if (hasChanged) tell()
      }),
    close: () => watcher.close(),
  }
}
