/** Teaches a life what a server is sent. */
import { batches, type Chunk, type PlacedBatch } from '@burgeon/continual'
import { BytePairTokenizer, type Disk } from '@burgeon/gpt'
import type { Learnt, Lesson, Teacher } from '@burgeon/server'
import { NonFiniteError } from '@burgeon/tensor'
import { isRuined } from '../session/diverged.ts'
import { eventLine } from '../session/event-line.ts'
import { keeper } from '../session/keeper.ts'
import type { Life } from '../session/life/life-checkpoint.ts'
import { recordStep } from '../session/record/life-record.ts'
import { textBatches } from '../session/source/text-batches.ts'

type Turn = Parameters<Teacher['learn']>[1]

/** Disk, and who wants to know. */
export interface TeachLifeOptions {
  readonly disk: Disk
  /** Called with what the user should know. */
  readonly note: (text: string) => void
  /** Called before each save, where a source is learnt at the same time. */
  readonly beforeSave?: () => void
}

/**
 * A teacher that learns each text as `burgeon learn` does, and saves the life after each. The place in the
 * sources that the life has read stays: `burgeon learn --resume` goes on there.
 */
export function teachLife(life: Life, { disk, note, beforeSave }: TeachLifeOptions): Teacher {
  const { learner, record } = life
  const checkpoints = keeper(life, { disk }, note)
  let unsaved = false
  const save = async (turn: Turn): Promise<string | null> => {
    try {
      await turn(() => {
        beforeSave?.()
        return checkpoints.save()
      })
      unsaved = false
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
      for await (const batch of batchesOf(life, { text, domain })) steps.push(await turn(() => step(batch)))
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

function batchesOf({ learner, settings }: Life, { text, domain }: Lesson): AsyncGenerator<PlacedBatch<null>> {
  const tokens = new TextEncoder().encode(text)
  const chunks: readonly Chunk<null>[] = [{ domain, tokens, positionAfter: () => null }]
  const shape = { rows: settings.rows, length: settings.model.context }
  const tokenizer = learner.strategy.vocabulary?.tokenizer
  const isOwn = tokenizer === undefined || tokenizer instanceof BytePairTokenizer
  return isOwn ? batches(chunks, shape) : textBatches(chunks, { ...shape, tokenizer })
}
