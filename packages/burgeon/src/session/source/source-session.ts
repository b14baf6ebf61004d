/** A source as a life learns it: opened where it was left, and learnt from there. */
import type { Disk } from '@burgeon/gpt'
import { readSource, type Source, sourceLabel } from '../../sources/read-source.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { SourceNotes } from '../../terminal/source-notes.ts'
import type { KnownLife } from '../life/life-checkpoint.ts'
import { auditRead } from '../audit/audit-record.ts'
import { heldOutOf, readOf, rememberHeldOut, rememberRead } from '../life/life-origin.ts'
import { runSession, type SessionOptions } from '../run-session.ts'
import { mediaOfLife } from '../media/media-of-life.ts'
import { sensedBatches } from '../media/sensed-batches.ts'
import { gateOf } from '../guard/gate.ts'
import { judgedHeldOut } from '../guard/judged-held-out.ts'
import { fileBatches } from './file-batches.ts'
import { GuardedReading } from './guarded-reading.ts'

/** How a source is opened and learnt. */
export interface SourceSessionOptions
  extends Pick<SessionOptions, 'keepSizes' | 'resumeCommand' | 'turn' | 'watcher'> {
  readonly disk: Disk
  /** Folder that is written to: never a part of the source. */
  readonly out: string
  /** Takes all of it for new, whatever was read of it. */
  readonly append?: boolean
  readonly passes?: number | undefined
  /** Column of tables that is read alone. */
  readonly column?: string | undefined
}

/** What is known of a source that has been opened. */
export type SourceFacts = Pick<Source, 'files' | 'media' | 'size' | 'bytes' | 'heldOut' | 'toState'>

/** A source that has been opened. */
export interface SourceSession {
  readonly source: SourceFacts
  readonly label: string
  /** Shows what was left out of it, and why. */
  showNotes(): void
  /** Notes how far it was learnt, before somebody else saves the life. */
  remember(): void
  /** Learns it; returns whether to its end. Every way out saves, as in `runSession`. */
  learn(): Promise<boolean>
  /** Text that was read last. */
  latest(): Uint8Array
}

/** @throws UsageError, StreamError for a source that cannot be read. */
export async function openSourceSession(
  life: KnownLife,
  path: string,
  { disk, out, append = false, passes, column, ...session }: SourceSessionOptions,
  context: CommandContext,
): Promise<SourceSession> {
  const { origin, record } = life
  const notes = new SourceNotes(context)
  const label = await sourceLabel(path)
  const known = readOf(origin, label)
  const gate = gateOf(life.learner, disk)
  const media = await mediaOfLife(life, gate.isGuarded)
  const source = await readSource(path, {
    media,
    read: known && append ? { ...known, passes: 1, pass: 0, files: [] } : known,
    position:
      origin.sources.length === 0 && origin.experience === undefined && !append
        ? (record.position ?? undefined)
        : undefined,
    passes,
    column,
    holdOut: true,
    out,
    stop: context.stop,
    note: notes.add,
  })
  let latest: Uint8Array = new Uint8Array()
  let noted = ''
  const waiting = origin.judged?.label === label ? origin.judged.waiting : []
  const reading = gate.isGuarded || waiting.length > 0 ? new GuardedReading(gate, waiting) : null
  let begun: { readonly place: typeof record.position } | null = null
  const onBytes = (bytes: Uint8Array): void => {
    latest = bytes
  }
  const remember = (isDone = false): void => {
    if (begun === null) return
    const judged = isDone
      ? undefined
      : reading?.saved(record.position === begun.place ? null : record.position)
    if (isDone) source.finish()
    else if (judged !== undefined) {
      if (judged.end !== null) source.reached(judged.end)
    }
    // Before the first step the record still holds a place in the source before this one.
    else if (record.position && record.position !== begun.place) source.reached(record.position)
    if (judged !== undefined) origin.judged = { label, waiting: judged.waiting }
    else if (origin.judged?.label === label) delete origin.judged
    const read = source.toState()
    rememberRead(origin, label, read)
    noted = auditRead(record, life.learner.step, { label, read, before: noted })
  }
  return {
    source,
    label,
    showNotes: () => notes.show(),
    latest: () => latest,
    remember: () => remember(),
    async learn() {
      if (known === undefined) rememberHeldOut(origin, await judgedHeldOut(source.heldOut, gate))
      origin.maker = 'learn'
      begun = { place: record.position }
      const own: SessionOptions = {
        ...session,
        batches:
          source.media > 0
            ? sensedBatches(life, source, { onBytes, note: notes.add, turn: session.turn })
            : reading
              ? reading.batches(life, source, source.files !== null, onBytes)
              : fileBatches(life, source, onBytes),
        // Of a picture fewer bytes lie on disk than it has pixels.
        totalBytes: source.bytes === null || source.media > 0 ? null : record.bytes + source.bytes,
        heldOut: heldOutOf(origin),
        whole: { name: label, isNew: known === undefined },
        measureEvery: Infinity,
        disk,
        saveEverySeconds: 30,
        beforeSave: remember,
        listen: notes.listen,
      }
      return runSession(life, own, context)
    },
  }
}
