/** What a life looks after on disk when it has slept: checkpoints that are kept, and the files of its journal. */
import type { LearnerEvent, TidiedJournal } from '@burgeon/continual'
import {
  describeCheckpoint,
  type Disk,
  forgetCheckpoint,
  keepCheckpoint,
  keptCheckpoints,
} from '@burgeon/gpt'
import { auditOf } from '../audit/audit-record.ts'
import type { Life } from '../life/life-checkpoint.ts'
import { type LifeRecord, recordEvents } from '../record/life-record.ts'
import { retiredCheckpoints, type SleptCheckpoint } from './retired-checkpoints.ts'

/** What is looked after, and how it is saved. */
export interface KeepHouseMeans {
  readonly disk: Disk
  /** Saves the life. */
  readonly save: () => Promise<void>
  /** Joins small files of its journal as far as they were learnt. Nothing where it has none. */
  readonly tidy?: (() => Promise<TidiedJournal>) | undefined
  /** Milliseconds since 1970 (UTC). */
  readonly now: number
}

/**
 * Saves a life that has slept and keeps that checkpoint; lets go of earlier ones that were kept so and have
 * had their time, and of small files of the journal. What goes, an event of the record says. What was kept
 * for any other reason stays.
 *
 * Killed on the way, it leaves a checkpoint more or less, and no experience is lost.
 *
 * @returns The event.
 * @throws What `save` throws; everything is then as it was.
 */
export async function keepHouse(
  life: Life,
  { disk, save, tidy, now }: KeepHouseMeans,
): Promise<LearnerEvent> {
  const { record, learner } = life
  const parameters = learner.model.parameters.size
  const known = await sleptCheckpoints(disk)
  const next = { kept: Math.max(0, ...known.map(({ kept }) => kept)) + 1, at: now, parameters }
  const retired = retiredCheckpoints([...known, next], now).filter((kept) => kept !== record.good?.kept)
  const files = (await tidy?.()) ?? { joined: 0, written: 0 }
  const event: LearnerEvent = {
    ...{ kind: 'housekeeping', step: learner.step, part: 'disk' },
    summary: summaryOf(retired, files),
    data: { retired, ...files },
  }
  const before = [...record.events]
  const audit = auditOf(record)
  const notes = [...audit.pending]
  recordEvents(record, [event], parameters)
  record.savedAsleep = now
  try {
    await save()
  } catch (error) {
    record.events = before
    audit.pending = notes
    throw error
  } finally {
    delete record.savedAsleep
  }
  await keepCheckpoint(disk)
  for (const number of retired) await forgetCheckpoint(disk, number)
  return event
}

function summaryOf(retired: readonly number[], { joined, written }: TidiedJournal): string {
  const told = [
    'this checkpoint is kept',
    ...(retired.length > 0 ? [`of those before it ${retired.join(', ')} had their time and went`] : []),
    ...(joined > 0 ? [`${joined} small files of the journal joined others`] : []),
    ...(written > 0 && joined === 0 ? ['files of the journal let go of gaps'] : []),
  ]
  return told.join('; ')
}

/** The checkpoints of a folder that were kept asleep. What cannot be read is nobody's to remove. */
async function sleptCheckpoints(disk: Disk): Promise<SleptCheckpoint[]> {
  const found: SleptCheckpoint[] = []
  for (const kept of await keptCheckpoints(disk)) {
    const { life } = await describeCheckpoint(disk, { kept }).catch(() => ({ life: undefined }))
    const record = (life as { readonly record?: Partial<LifeRecord> } | undefined)?.record
    const { savedAsleep: at, parameters = [] } = record ?? {}
    if (at !== undefined) found.push({ kept, at, parameters: parameters.at(-1)?.parameters ?? 0 })
  }
  return found
}
