/** Teaches a life what a server is sent. */
import type { Chunk, PlacedBatch } from '@burgeon/continual'
import type { Disk } from '@burgeon/gpt'
import type { Learnt, Lesson, Teacher } from '@burgeon/server'
import { NonFiniteError } from '@burgeon/tensor'
import { isRuined } from '../session/diverged.ts'
import { eventLine } from '../session/event-line.ts'
import { keeper } from '../session/keeper.ts'
import type { Life } from '../session/life/life-checkpoint.ts'
import { recordStep } from '../session/record/life-record.ts'
import type { SessionWatcher } from '../session/run-session.ts'
import { lifeBatches } from '../session/source/life-batches.ts'

type Turn = Parameters<Teacher['learn']>[1]

/** Disk, and who wants to know. */
export interface TeachLifeOptions {
  readonly disk: Disk
  /** Called with what the user should know. */
  readonly note: (text: string) => void
  /** Called before each save, where a source is learnt at the same time. */
  readonly beforeSave?: () => void
  readonly watcher: SessionWatcher
}

/**
 * A teacher that learns each text as `burgeon learn` does, and saves the life after each. The place in the
 * sources that the life has read stays: `burgeon learn --resume` goes on there.
 */
export function teachLife(life: Life, { disk, note, beforeSave, watcher }: TeachLifeOptions): Teacher {
  const { learner, record } = life
  const checkpoints = keeper(life, { disk }, note)
  let unsaved = false
  const save = async (turn: Turn): Promise<string | null> => {
    try {
      await turn(async () => {
        beforeSave?.()
        await watcher.saving?.(note)
        await checkpoints.save()
      })
      unsaved = false
      watcher.saved()
      return null
    } catch (error) {
      note((error as Error).message)
      return (error as Error).message
    }
  }
  const step = async ({ batch }: PlacedBatch<null>): Promise<Progress> => {
    const { position } = record
    const report = await learner.observe(batch).catch(async (error: unknown) => {
      if (!(error instanceof NonFiniteError)) throw error
      const ruin = await checkpoints.diverged(error)
      throw ruin
    })
    unsaved = true
    // A place is never null but before the first: what is taught stands in no source.
    recordStep(record, report, position as NonNullable<typeof position>)
    await watcher.step(report, note)
    if (isRuined(record.curve.recent)) {
      const ruin = await checkpoints.diverged()
      throw ruin
    }
    return {
      bytes: report.bytes,
      bits: report.bitsPerByte * report.bytes,
      events: report.events.map((event) => eventLine(event).text),
    }
  }
  return {
    async learn({ text, domain }: Lesson, turn: Turn): Promise<Learnt> {
      const steps: Progress[] = []
      const tokens = new TextEncoder().encode(text)
      const chunks: readonly Chunk<null>[] = [{ domain, tokens, positionAfter: () => null }]
      for await (const batch of lifeBatches(life, chunks)) steps.push(await turn(() => step(batch)))
      const failure = await save(turn)
      const sum = (of: (one: Progress) => number): number => steps.reduce((total, one) => total + of(one), 0)
      const bytes = sum((one) => one.bytes)
      return {
        bytes,
        steps: steps.length,
        bitsPerByte: bytes === 0 ? null : sum((one) => one.bits) / bytes,
        events: [...steps.flatMap(({ events }) => events), ...(failure === null ? [] : [failure])],
        saved: failure === null,
      }
    },
    async close() {
      if (unsaved) await save((body) => body())
    },
  }
}

/** What a step came to. */
interface Progress {
  readonly bytes: number
  readonly bits: number
  readonly events: readonly string[]
}
