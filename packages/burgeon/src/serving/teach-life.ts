/** Teaches a life what a server is sent. */
import type { Chunk, FeedbackMemory, LearnerEvent, TokenBatch } from '@burgeon/continual'
import type { Disk } from '@burgeon/gpt'
import type { FeedbackOutcome, Learnt, Lesson, Teacher } from '@burgeon/server'
import { NonFiniteError } from '@burgeon/tensor'
import { auditOf, noteAudit } from '../session/audit/audit-record.ts'
import { lifeControl } from '../session/control/life-control.ts'
import { isRuined } from '../session/diverged.ts'
import { gateOf, isLearnt } from '../session/guard/gate.ts'
import { eventLine } from '../session/event-line.ts'
import { keeper } from '../session/keeper.ts'
import type { Life } from '../session/life/life-checkpoint.ts'
import { recordStep } from '../session/record/life-record.ts'
import type { SessionWatcher } from '../session/run-session.ts'
import { keepHouse } from '../session/house/keep-house.ts'
import { idOfFile } from '../session/source/guarded-reading.ts'
import { lifeBatches } from '../session/source/life-batches.ts'
import { saltedDigest } from '../sources/records/salted-digest.ts'
import { learnFeedback, noteLearnt, type Piece } from './learn-feedback.ts'

/** Source of what is sent to be learnt, for guards. */
const taughtSource = 'taught'

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

/** Where a text that was judged comes from. */
interface JudgedLesson {
  readonly domain: string
  readonly source: string
  /** From 0 to 1. */
  readonly trust: number
}

/** Teaches a life, and takes steps for other reasons. */
export interface LifeTeacher extends Teacher {
  /**
   * Takes a step on rows that the life remembers. Returns its events; null where nothing is remembered.
   *
   * Called in a turn.
   */
  rehearse(): Promise<readonly LearnerEvent[] | null>
  /**
   * Learns a text that somebody has looked at and vouches for, whatever guards say; and saves it.
   *
   * @param id Its name, which is saved with the weights that know it: see `hasLearnt`.
   */
  learnVouched(id: string, text: string, lesson: Omit<JudgedLesson, 'trust'>, turn: Turn): Promise<Learnt>
  /** Learns what is said of an answer, beside what the life remembers, and saves it. See `learnFeedback`. */
  hear(memory: FeedbackMemory, piece: Piece, turn: Turn): Promise<FeedbackOutcome>
  /** Steps on remembered rows alone, since it was made. */
  readonly rehearsed: number
  /** Saves the life, in a turn. Throws CheckpointError that says why it could not. */
  saveNow(): Promise<void>
  /** Saves the life when its turn comes; returns whether it could. */
  save(turn: Turn): Promise<boolean>
}

/**
 * A teacher that learns each text as `burgeon learn` does, and saves the life after each. The place in the
 * sources that the life has read stays: `burgeon learn --resume` goes on there.
 */
export function teachLife(life: Life, { disk, note, beforeSave, watcher }: TeachLifeOptions): LifeTeacher {
  const { learner, record, settings } = life
  const gate = gateOf(learner, disk)
  const checkpoints = keeper(life, { disk }, note)
  const control = lifeControl(disk.place, life)
  let [unsaved, hasSlept, rehearsed] = [false, false, 0]
  const saveNow = async (): Promise<void> => {
    beforeSave?.()
    await watcher.saving?.(note)
    if (hasSlept) await keepHouse(life, { disk, now: Date.now(), save: checkpoints.save })
    else await checkpoints.save()
    unsaved = hasSlept = false
    watcher.saved()
  }
  const save = async (turn: Turn): Promise<string | null> => {
    try {
      await turn(saveNow)
      return null
    } catch (error) {
      note((error as Error).message)
      return (error as Error).message
    }
  }
  const ruined = async (error: unknown): Promise<never> => {
    if (!(error instanceof NonFiniteError)) throw error
    const ruin = await checkpoints.diverged(error)
    throw ruin
  }
  const step = async (batch: TokenBatch): Promise<Progress> => {
    const { position } = record
    await control.beforeStep()
    const report = await learner.observe(batch).catch(ruined)
    unsaved = true
    // What is taught stands in no source: the place in one stays, null before the first.
    recordStep(record, report, position)
    hasSlept ||= report.events.some(({ kind }) => kind === 'sleep')
    await watcher.step(report, note)
    await control.afterStep(report.events)
    if (isRuined(record.curve.recent)) {
      const ruin = await checkpoints.diverged()
      throw ruin
    }
    return {
      bytes: report.bytes,
      bits: report.bitsPerByte * report.bytes,
      events: report.events,
    }
  }
  /** Learns a text that was judged; its rows say how far it is trusted, where there is a guard. */
  const learnText = async (
    text: string,
    { domain, source, trust }: JudgedLesson,
    turn: Turn,
  ): Promise<Learnt> => {
    const steps: Progress[] = []
    const tokens = new TextEncoder().encode(text)
    const origin = { id: idOfFile(source), source, domain, at: learner.door.summary.asked, trust }
    const chunks: readonly Chunk<null>[] = [{ domain, tokens, positionAfter: () => null }]
    for await (const { batch } of lifeBatches(life, chunks)) {
      const rows = gate.isGuarded ? { ...batch, origins: batch.domains.map(() => origin) } : batch
      steps.push(await turn(() => step(rows)))
    }
    if (text !== '') {
      const digest = saltedDigest(auditOf(record).salt, [domain, text])
      noteAudit(record, learner.step, 'lesson', { bytes: tokens.length, steps: steps.length, digest })
    }
    const failure = steps.length === 0 && text === '' ? null : await save(turn)
    const sum = (of: (one: Progress) => number): number => steps.reduce((total, one) => total + of(one), 0)
    const bytes = sum((one) => one.bytes)
    return {
      bytes,
      steps: steps.length,
      bitsPerByte: bytes === 0 ? null : sum((one) => one.bits) / bytes,
      events: [...steps.flatMap(linesOf), ...(failure === null ? [] : [failure])],
      saved: failure === null,
    }
  }
  return {
    async learn({ text: given, domain, id }: Lesson, turn: Turn): Promise<Learnt> {
      const admission = await gate.admit({ text: given, source: taughtSource, domain })
      const { verdict, reasons, trust } = admission
      const text = isLearnt(admission) ? admission.text : ''
      // The account of the door is saved with the next save.
      unsaved ||= gate.isGuarded
      if (id !== undefined) noteLearnt(life, id)
      const learnt = await learnText(text, { domain, source: taughtSource, trust }, turn)
      return { ...learnt, ...(verdict !== 'learn' && { guard: { verdict, reasons } }) }
    },
    learnVouched(id, text, lesson, turn) {
      noteLearnt(life, id)
      return learnText(text, { ...lesson, trust: 1 }, turn)
    },
    async rehearse() {
      const rows = learner.strategy.rehearsal?.sample(settings.rows) ?? null
      return rows === null ? null : (await step(rows as TokenBatch)).events
    },
    hear: (memory, piece, turn) =>
      learnFeedback(life, memory, piece, {
        turn,
        async rehearse() {
          await control.beforeStep()
          rehearsed++
          unsaved = true
          await learner.rehearse().catch(ruined)
        },
        save: async () => (await save(turn)) === null,
      }),
    get rehearsed() {
      return rehearsed
    },
    saveNow,
    save: async (turn) => (await save(turn)) === null,
    async close() {
      if (unsaved) await save((body) => body())
    },
  }
}

/** What a step came to. */
interface Progress {
  readonly bytes: number
  readonly bits: number
  readonly events: readonly LearnerEvent[]
}

const linesOf = ({ events }: Progress): readonly string[] => events.map((event) => eventLine(event).text)
