/** Files that the numbers of a life are written into, and how one goes on with them. */
import { mkdirSync, readdirSync, statSync, truncateSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { jsonlSink, tensorboardSink } from '@burgeon/continual'
import { byteSize, count } from '../../terminal/quantities.ts'
import { printable } from '../../terminal/terminal.ts'
import { UsageError } from '../../terminal/usage-error.ts'
import { eventsUpTo, type KnownRecords, linesUpTo } from './records-up-to.ts'
import type { NamedSink } from './with-sinks.ts'

/** Where numbers go. */
export interface SinkFiles {
  /** File of JSON lines. */
  readonly jsonl?: string
  /** Folder of event files for TensorBoard. */
  readonly tensorboard?: string
}

/** Event files of ours among others. */
const ownEvents = /^events\.out\.tfevents\.\d+\.burgeon$/

/**
 * For a life that is about to begin.
 *
 * @throws UsageError for files that hold the numbers of another run: those would be lost, or mixed with new ones.
 */
export function checkNewSinks(who: string, { jsonl, tensorboard }: SinkFiles): void {
  const refuse = (option: string, place: string): never => {
    throw new UsageError(
      `${who}: ${printable(place)} holds the numbers of another run; expected another ${option}, or --resume to go on.`,
    )
  }
  if (jsonl !== undefined && (statSync(jsonl, { throwIfNoEntry: false })?.size ?? 0) > 0)
    refuse('--jsonl', jsonl)
  if (tensorboard !== undefined && eventFiles(tensorboard).length > 0) refuse('--tensorboard', tensorboard)
}

/**
 * Opens them where the life stands: what they hold of later steps was never saved, and is cut off, for these
 * steps are learnt anew.
 *
 * @throws UsageError for a file that holds something else, or cannot be written.
 */
export async function openSinks(
  who: string,
  { jsonl, tensorboard }: SinkFiles,
  step: number,
  note: (text: string) => void,
): Promise<NamedSink[]> {
  const opened: NamedSink[] = []
  const cut = (file: string, { bytes, size }: KnownRecords): void => {
    if (bytes === size) return
    truncateSync(file, bytes)
    note(
      `${printable(file)}: ${byteSize(size - bytes)} after step ${count(step)}, which was saved last, are written anew`,
    )
  }
  try {
    if (jsonl !== undefined) {
      mkdirSync(dirname(jsonl), { recursive: true })
      cut(jsonl, linesUpTo(jsonl, step))
      opened.push({ place: printable(jsonl), sink: jsonlSink(await output(jsonl, 'a')) })
    }
    if (tensorboard !== undefined) {
      mkdirSync(tensorboard, { recursive: true })
      for (const file of eventFiles(tensorboard)) cut(file, eventsUpTo(file, step))
      const now = (): number => Date.now() / 1000
      const sink = tensorboardSink(await output(newEventFile(tensorboard, now()), 'wx'), { now })
      opened.push({ place: printable(tensorboard), sink })
    }
    return opened
  } catch (error) {
    await Promise.all(opened.map(({ sink }) => sink.close()))
    const { code } = error as NodeJS.ErrnoException
    if (error instanceof UsageError || code === undefined) throw error
    const place = printable((opened.length === 0 ? jsonl : undefined) ?? tensorboard ?? '')
    throw new UsageError(`${who}: cannot write ${place} (${code}).`, { cause: error })
  }
}

/** In the order of time, as TensorBoard reads them. */
function eventFiles(folder: string): string[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return []
  const names = readdirSync(folder).filter((name) => ownEvents.test(name))
  return names.toSorted().map((name) => join(folder, name))
}

/** A name behind those of all sessions before. */
function newEventFile(folder: string, seconds: number): string {
  const [last = 0] = eventFiles(folder)
    .slice(-1)
    .map((file) => Number(/tfevents\.(\d+)/.exec(file)?.[1]))
  return join(folder, `events.out.tfevents.${Math.max(Math.floor(seconds), last + 1)}.burgeon`)
}

async function output(file: string, flags: string): Promise<Parameters<typeof jsonlSink>[0]> {
  const handle = await open(file, flags)
  // A pipe keeps nothing, and says so with an error.
  const isKept = (await handle.stat()).isFile()
  return {
    write: (bytes) => handle.appendFile(bytes),
    flush: () => (isKept ? handle.sync() : undefined),
    close: () => handle.close(),
  }
}
