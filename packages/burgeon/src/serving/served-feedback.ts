/** Feedback in the folder of a life: a file of lines, each a piece of feedback. */
import { CheckpointError, type Disk } from '@burgeon/gpt'
import type { FeedbackAdmission, FeedbackEntry, FeedbackOutcome, ServedFeedback, Turn } from '@burgeon/server'
import { feedbackFile } from '../session/forgetting/forget-feedback.ts'
import type { Life } from '../session/life/life-checkpoint.ts'
import { feedbackOf, isLearnable, type SaidOfAnswer, tellFeedback } from '../session/life/life-feedback.ts'
import { gateOf } from '../session/guard/gate.ts'
import { judgeAnswer } from '../session/guard/judge-answer.ts'
import { hasLearnt, noteLearnt } from './learn-feedback.ts'
import type { LifeTeacher } from './teach-life.ts'

const file = feedbackFile
const encoder = new TextEncoder()

/** The life of the moment, and who teaches it. */
export interface PresentTeacher {
  life(): Life
  teacher(): Pick<LifeTeacher, 'hear'>
}

/**
 * Feedback of a life. What is written stays, over rollbacks too; what of it is learnt, the record of the life
 * knows.
 */
export function servedFeedback(disk: Disk, present: PresentTeacher): ServedFeedback {
  let opened: Promise<Set<string>> | undefined
  const admit = async (entry: FeedbackEntry): Promise<FeedbackAdmission> => {
    const life = present.life()
    const { isGuarded } = life.learner.door
    const { isOwner, source, pieces } = entry
    if (pieces > 0 && isGuarded) {
      return {
        code: 'guarded',
        reasons: ['a guard judges text alone, and the answer is to a picture or sound'],
      }
    }
    const said = saidIn(entry)
    if (said !== null && !isLearnable(life, said)) {
      const why = 'the life does not know the picture or sound as it was answered to'
      return { code: 'unknown_pieces', reasons: [why] }
    }
    if (!isGuarded) return { entry }
    const admission = await judgeAnswer(gateOf(life.learner, disk), entry, isOwner ? null : source)
    if (!admission.isAdmitted) return { code: 'guarded', reasons: admission.reasons }
    return { entry: { ...entry, ...admission.said } }
  }
  const learn = async (entry: FeedbackEntry, turn: Turn): Promise<FeedbackOutcome> => {
    const memory = feedbackOf(present.life())
    const said = saidIn(entry)
    if (memory === undefined || said === null) {
      throw new CheckpointError(`${disk.place}: this life cannot learn what ${file} says of its answers.`)
    }
    const read = (await opened)?.size ?? 0
    return present.teacher().hear(memory, { id: entry.id, said, read }, turn)
  }
  return {
    admit,
    async note(entry) {
      // One that could not be read is tried again.
      opened ??= entriesOf(disk)
        .then((entries) => new Set(entries.map(({ id }) => id)))
        .catch((error: unknown) => {
          opened = undefined
          throw error
        })
      try {
        const known = await opened
        if (known.has(entry.id)) return false
        // A line that a kill cut short ends here, and is left out when it is read.
        await disk.append(file, encoder.encode(`\n${JSON.stringify(entry)}\n`))
        await disk.sync()
        known.add(entry.id)
        return true
      } catch (error) {
        throw new CheckpointError(`${disk.place}: cannot keep ${file}: ${(error as Error).message}`, {
          cause: error,
        })
      }
    },
    isLearnt: (id) => hasLearnt(present.life(), id),
    get learn() {
      return feedbackOf(present.life()) === undefined ? undefined : learn
    },
  }
}

/** What an entry says of its answer; null where it says nothing. */
function saidIn({
  kind,
  isOwner,
  score,
  correction,
  answer,
  ...entry
}: Partial<FeedbackEntry>): SaidOfAnswer | null {
  const { prompt, pieces = 0, written = null, weight = 1, source = '' } = entry
  if (kind == null || prompt === undefined || answer === undefined || weight === 0) return null
  const common = { prompt, pieces, weight, source: isOwner === true ? null : source, reward: score ?? 0 }
  return { ...common, kind, answer, written, wanted: correction ?? null }
}

/** A file of feedback that has entries, each with a name. */
type Entry = Partial<FeedbackEntry> & Pick<FeedbackEntry, 'id'>

/** How many pieces are written down beside a life. */
export const countFeedback = async (disk: Disk): Promise<number> => (await entriesOf(disk)).length

/** All that was written. */
async function entriesOf(disk: Disk): Promise<Entry[]> {
  if (!(await disk.list()).includes(file)) return []
  return new TextDecoder()
    .decode(await disk.read(file))
    .split('\n')
    .flatMap((line) => {
      try {
        const entry = JSON.parse(line) as Partial<FeedbackEntry>
        return typeof entry.id === 'string' ? [entry as Entry] : []
      } catch {
        // Empty, or cut short.
        return []
      }
    })
}

/**
 * Tells the memory of a life what is written down and was never learnt, because a server was killed, or could
 * not save. What a rollback took back stays away.
 *
 * @returns How many pieces it was.
 */
export async function recoverFeedback(disk: Disk, life: Life): Promise<number> {
  const memory = feedbackOf(life)
  if (memory === undefined) return 0
  const entries = await entriesOf(disk)
  const { feedback = [], feedbackRead = 0 } = life.record
  let found = 0
  for (const entry of entries.slice(feedbackRead)) {
    const said = feedback.includes(entry.id) ? null : saidIn(entry)
    if (said === null || !isLearnable(life, said)) continue
    tellFeedback(life, memory, said)
    noteLearnt(life, entry.id)
    found++
  }
  life.record.feedbackRead = entries.length
  return found
}
