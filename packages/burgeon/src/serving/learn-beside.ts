/** Learns a source while a server answers, and what is added to it after that. */
import type { Disk } from '@burgeon/gpt'
import { BurgeonError } from '@burgeon/tensor'
import { watch } from 'chokidar'
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
}

/** A source that is learnt beside a server. */
export interface LearningBeside {
  /** Notes how far it was learnt, before somebody else saves the life. */
  remember(): void
  /**
   * Learns until the user stops. A source that fails, and weights that learning has ruined, end the learning
   * and not the server; what happened is said.
   */
  run(): Promise<void>
}

/** Milliseconds for which a file must stay as it is before it is read. */
const settled = 500

/**
 * Opens a source, so that what is wrong with it is said before anything is served.
 *
 * @throws UsageError, StreamError for one that cannot be read.
 */
export async function learnBeside(
  life: KnownLife,
  path: string,
  { disk, out, turn, watcher }: LearnBesideOptions,
  context: CommandContext,
): Promise<LearningBeside> {
  const { status, stop } = context
  const records = recordsAt(path)
  const how = { disk, out, turn, watcher }
  const open = (): Promise<SourceSession> =>
    records ? openRecordSession(life, records, how, context) : openSourceSession(life, path, how, context)
  let session = await open()
  const learnAll = async (): Promise<void> => {
    const changes = path === '-' || records ? null : watched(path)
    try {
      for (let times = 0; ; times++) {
        session.showNotes()
        if (session.source.bytes !== 0 && !(await session.learn())) return
        if (stop.aborted || changes === null) return
        // The first time it is opened again at once: what came before anybody watched is seen then.
        if (times > 0 && (await orStopped(changes.next(), [stop])) === null) return
        session = await open()
      }
    } finally {
      await changes?.close()
    }
  }
  return {
    remember: () => session.remember(),
    async run() {
      try {
        await learnAll()
      } catch (error) {
        if (!(error instanceof BurgeonError)) throw error
        status.write(
          `burgeon: ${printable(records?.name ?? path)} is learnt no further: ${printable(error.message)}\n`,
        )
      }
    },
  }
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
