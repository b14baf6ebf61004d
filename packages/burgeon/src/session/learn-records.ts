/** Learns records of a program's own, without the command line. */
import type { StepReport } from '@burgeon/continual'
import { nodeDisk } from '@burgeon/gpt/node'
import { checkArgument, checkOptions, checks } from '@burgeon/tensor'
import { aRecordSource, type RecordSource } from '../sources/records/record-source.ts'
import type { CommandContext } from '../terminal/command-context.ts'
import { requireUnstopped } from './control/stop-file.ts'
import { aFolder } from './life/a-folder.ts'
import { loadLife } from './life/life-checkpoint.ts'
import { openRecordSession } from './source/record-session.ts'
import { lockLife } from './life/lock-life.ts'

/** How records are learnt. */
export interface LearnRecordsOptions {
  /** Ends the learning after the step at hand; what was learnt is saved. */
  readonly signal?: AbortSignal
  /**
   * Share of common pieces, above 0 and up to 1, from which on a record counts as one that came before. Equal
   * ones alone do unless given.
   */
  readonly similarity?: number
  /**
   * Bytes of text that the journal keeps after they were learnt, ≥ 0; what is older is removed, file by file.
   * 256 MB unless given.
   */
  readonly keepBytes?: number
  /** Called after every step. */
  readonly onStep?: (report: StepReport) => void
  /** Called with the lines that `burgeon learn` writes: progress, events, what is left out or asked again. */
  readonly log?: (line: string) => void
}

/**
 * Has the life in a folder learn what a source gives, each record once: it is written into the journal beside
 * the checkpoint, acknowledged and then learnt, and the checkpoint holds the place in the journal. Called
 * again after a kill it goes on from there.
 *
 * @param folder Holds a life, as `saveLife` or `burgeon learn` wrote it.
 * @returns Whether the source came to its end.
 * @throws CheckpointError if there is no life; LockedError if another process has it; ExperienceError for a
 *   damaged journal; what the source throws, if it cannot be opened again.
 * @example
 * ```ts
 * import { recordsFrom } from 'burgeon/session'
 * async function* notes() {
 *   yield { id: '1', text: 'It rained all day.', domain: 'diary' }
 * }
 * await learnRecords('life', recordsFrom('notes', notes()))
 * ```
 */
export async function learnRecords(
  folder: string,
  source: RecordSource,
  options: LearnRecordsOptions = {},
): Promise<boolean> {
  const who = 'learnRecords'
  checkArgument(who, 'folder', folder, aFolder)
  checkArgument(who, 'source', source, aRecordSource)
  checkOptions(who, options, {
    signal: checks.role<AbortSignal>('an AbortSignal', 'aborted'),
    similarity: checks.number({ above: 0, to: 1 }),
    keepBytes: checks.count,
    onStep: checks.callback(),
    log: checks.callback(),
  })
  const { signal = new AbortController().signal, onStep = () => {}, log = () => {} } = options
  const { similarity, keepBytes } = options
  const disk = nodeDisk(folder)
  const lock = await lockLife(disk)
  try {
    requireUnstopped(folder)
    const life = await loadLife(disk)
    const quiet = { write: () => true }
    const context: CommandContext = {
      ...{ output: quiet, status: { write: lines(log) }, environment: {}, stop: signal, closed: signal },
      now: () => performance.now(),
    }
    const watcher = { step: onStep, saved: () => {} }
    const session = await openRecordSession(
      life,
      source,
      { disk, out: folder, similarity, keepBytes, watcher },
      context,
    )
    return await session.learn()
  } finally {
    await lock.release()
  }
}

/** Takes text, and gives it on line by line. */
const lines =
  (log: (line: string) => void) =>
  (text: string): boolean => {
    for (const line of text.split('\n')) if (line !== '') log(line)
    return true
  }
