/** A source of records as a life learns it: by way of the journal of experience, from where it was left. */
import { join } from 'node:path'
import { type ExperienceJournal, type Learner, openExperience, type PlacedBatch } from '@burgeon/continual'
import { nodeDisk } from '@burgeon/gpt/node'
import { admitRecords, type AdmitRecordsOptions } from '../../sources/records/admit-records.ts'
import type { RecordSource } from '../../sources/records/record-source.ts'
import { type SeenRecords, seenRecords } from '../../sources/records/duplicates/seen-records.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { SourceNotes } from '../../terminal/source-notes.ts'
import type { KnownLife } from '../life/life-checkpoint.ts'
import { LearntExperiences } from '../audit/learnt-experiences.ts'
import { heldOutOf } from '../life/life-origin.ts'
import { type Gate, gateOf, isLearnt } from '../guard/gate.ts'
import type { LifePosition } from '../record/life-record.ts'
import { runSession, type SessionOptions } from '../run-session.ts'
import { type ExperiencePlace, recordBatches } from './record-batches.ts'
import { givingBack, segmentBytesFor, tidying, usualKeepBytes } from './give-back.ts'
import type { SourceSession, SourceSessionOptions } from './source-session.ts'

/** How records are learnt. */
export interface RecordSessionOptions extends Omit<SourceSessionOptions, 'append' | 'passes' | 'column'> {
  /** As in `seenRecords`. */
  readonly similarity?: number | undefined
  /** Bytes of learnt text that the journal keeps; 256 MB unless given. */
  readonly keepBytes?: number | undefined
}

/** Folder of the journal, beside the checkpoint. */
export const journalFolder = 'experience'
/** Milliseconds after which rows are learnt though there is room for more beside them. */
const patience = 2000

/**
 * Opens the journal in the folder of a life. What it holds beyond what the life has learnt is learnt first.
 *
 * @throws ExperienceError for a journal that is damaged or not of this life; LockedError if it is open
 *   elsewhere.
 */
export async function openRecordSession(
  life: KnownLife,
  records: RecordSource,
  { disk, out, similarity, keepBytes = usualKeepBytes, ...session }: RecordSessionOptions,
  context: CommandContext,
): Promise<SourceSession> {
  const { origin, record } = life
  const notes = new SourceNotes(context)
  const followed = new LearntExperiences(life)
  const seen = seenRecords(similarity === undefined ? {} : { similarity })
  const gate = gateOf(life.learner, disk)
  const read = origin.experience
  if (read !== undefined) seen.restore(read.seen)
  /** The place in the journal that each place in the stream stands for. */
  const places = new WeakMap<LifePosition, ExperiencePlace>()
  let reached: ExperiencePlace = read ?? { next: 0, bytes: 0 }
  let latest: Uint8Array = new Uint8Array()
  const remember = (): void => {
    reached = (record.position && places.get(record.position)) ?? reached
    const { next, bytes } = reached
    followed.reached(next)
    origin.experience = { next, bytes, seen: seen.toState() }
  }
  const learnFrom = async (journal: ExperienceJournal): Promise<boolean> => {
    if (journal.next === 0 && reached.next > 0) {
      notes.add(`the journal of ${reached.next} experiences is not in ${journal.place}; a new one is begun`)
      reached = { next: 0, bytes: 0 }
    } else {
      if (reached.next < journal.first) {
        const gone = `experiences ${reached.next} to ${journal.first - 1}`
        notes.add(`${gone} are no longer in ${journal.place}; learning goes on behind them`)
        reached = { next: journal.first, bytes: 0 }
      }
      await recall(journal, seen, life.learner.door)
    }
    notes.show()
    origin.maker = 'learn'
    const ended = new AbortController()
    const stop = AbortSignal.any([context.stop, ended.signal])
    const judge = gate.isGuarded ? judgedBy(gate) : undefined
    const admitted = admitRecords(records, {
      ...{ journal, seen, from: reached.next, stop, note: notes.add },
      ...(judge && { judge }),
    })
    const giveBack = givingBack(journal, keepBytes, notes.add)
    let learnt = 0
    const options = { from: reached, patience, onText: (text: string) => (latest = utf8.encode(text)) }
    const own: SessionOptions = {
      ...session,
      batches: placed(recordBatches(life, followed.of(admitted), options), places),
      totalBytes: null,
      heldOut: heldOutOf(origin),
      whole: { name: records.name, isNew: read === undefined },
      measureEvery: Infinity,
      disk,
      saveEverySeconds: 30,
      beforeSave() {
        remember()
        learnt = reached.next
      },
      tidy: tidying(journal, () => learnt, notes.add),
      // No checkpoint on this disk but one that was kept needs what came before.
      afterSave: () => giveBack(learnt),
      listen: notes.listen,
    }
    try {
      return await runSession(life, own, context)
    } finally {
      ended.abort()
    }
  }
  return {
    source: {
      ...{ files: null, media: 0, size: null, bytes: null, heldOut: [] },
      toState: () => ({ passes: 1, pass: 0, files: [], heldOut: [] }),
    },
    label: records.name,
    showNotes: () => notes.show(),
    remember,
    latest: () => latest,
    async learn() {
      const journal = await openExperience(nodeDisk(join(out, journalFolder)), {
        segmentBytes: segmentBytesFor(keepBytes),
      })
      try {
        return await learnFrom(journal)
      } finally {
        await journal.close()
      }
    },
  }
}

const utf8 = new TextEncoder()

/** Takes note of what came into the journal after the life was saved. */
async function recall(journal: ExperienceJournal, seen: SeenRecords, door: Learner['door']): Promise<void> {
  const { upTo } = seen.toState()
  for await (const experience of journal.read(Math.max(upTo, journal.first))) {
    seen.remember(experience)
    // It was let in, and counts for what comes after it.
    const { origin, text } = experience
    const { source, domain, trust } = origin
    door.admit({ source, domain, text, ...(trust < 1 && { trust }) })
  }
}

const judgedBy =
  (gate: Gate): NonNullable<AdmitRecordsOptions['judge']> =>
  async (record) => {
    const admission = await gate.admit(record)
    return isLearnt(admission) ? admission : null
  }

/** The same batches, with places of the form that a record of a life holds. */
async function* placed(
  batches: AsyncIterable<PlacedBatch<ExperiencePlace>>,
  places: WeakMap<LifePosition, ExperiencePlace>,
): AsyncGenerator<PlacedBatch<LifePosition>, void, void> {
  for await (const { batch, position } of batches) {
    const place: LifePosition = { file: journalFolder, offset: position.next }
    places.set(place, position)
    yield { batch, position: place }
  }
}
