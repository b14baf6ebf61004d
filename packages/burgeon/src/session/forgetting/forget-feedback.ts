/** What a source said of answers, in the file beside a life: it goes with the source. */
import type { Disk } from '@burgeon/gpt'
import type { Life } from '../life/life-checkpoint.ts'

/** File of feedback in the folder of a life, a piece a line. */
export const feedbackFile = 'feedback.jsonl'

interface Line {
  readonly id?: unknown
  readonly source?: unknown
  readonly isOwner?: unknown
}

/**
 * Prepares the file without the pieces of a source, and has the life know how many are left; the owner's stay,
 * by whatever name they came.
 *
 * @returns What writes the file, once the life is saved.
 */
export async function feedbackWithout(
  disk: Disk,
  { record }: Pick<Life, 'record'>,
  source: string,
): Promise<() => Promise<void>> {
  if (!(await disk.list()).includes(feedbackFile)) return () => Promise.resolve()
  const read = record.feedbackRead ?? 0
  let [pieces, goneOfRead] = [0, 0]
  const left = new TextDecoder()
    .decode(await disk.read(feedbackFile))
    .split('\n')
    .filter((text) => {
      const line = parsed(text)
      if (line?.id === undefined) return false
      pieces++
      const goes = line.source === source && line.isOwner !== true
      if (goes && pieces <= read) goneOfRead++
      return !goes
    })
  if (record.feedbackRead !== undefined) record.feedbackRead = read - goneOfRead
  const bytes = new TextEncoder().encode(left.map((text) => `${text}\n`).join(''))
  return () => disk.write(feedbackFile, bytes)
}

/** A line; null of one that is empty or was cut short. */
function parsed(text: string): Line | null {
  try {
    return JSON.parse(text) as Line | null
  } catch {
    return null
  }
}
