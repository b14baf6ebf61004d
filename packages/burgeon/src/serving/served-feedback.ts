/** Feedback in the folder of a life: a file of lines, each a piece of feedback. */
import { CheckpointError, type Disk } from '@burgeon/gpt'
import type { FeedbackEntry, ServedFeedback } from '@burgeon/server'
import type { Life } from '../session/life/life-checkpoint.ts'

const file = 'feedback.jsonl'
const encoder = new TextEncoder()

/**
 * Feedback of a life. What is written stays, over rollbacks too; which lessons are learnt, the record of the
 * life knows.
 *
 * @param present The life of the moment.
 */
export function servedFeedback(disk: Disk, present: () => Pick<Life, 'record'>): ServedFeedback {
  let opened: Promise<Set<string>> | undefined
  return {
    async note(entry) {
      // One that could not be read is tried again.
      opened ??= openedAt(disk).catch((error: unknown) => {
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
    isLearnt: (id) => present().record.feedback?.includes(id) ?? false,
  }
}

/** Names of all that was written. */
async function openedAt(disk: Disk): Promise<Set<string>> {
  const known = new Set<string>()
  if (!(await disk.list()).includes(file)) return known
  for (const line of new TextDecoder().decode(await disk.read(file)).split('\n')) {
    try {
      const { id } = JSON.parse(line) as Partial<FeedbackEntry>
      if (typeof id === 'string') known.add(id)
    } catch {
      // Empty, or cut short.
    }
  }
  return known
}
