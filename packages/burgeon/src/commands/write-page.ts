/** Writes a page that a command was asked for, and nothing over files of others. */
import { writeFile } from 'node:fs/promises'
import { printable } from '../terminal/terminal.ts'
import { UsageError } from '../terminal/usage-error.ts'
import { isOwnReport } from './life/check-output.ts'

/** Throws UsageError for a file that is there and is no page of ours: before anything is done for it. */
export async function checkPage(command: string, page: string | undefined): Promise<void> {
  if (page === undefined || (await isOwnReport(page))) return
  throw new UsageError(
    `${command}: ${printable(page)} is no page of ours and would be overwritten. Give another file.`,
  )
}

/**
 * Writes the page, if one was asked for.
 *
 * @param markupAt Makes it, of the time in UTC as people read it.
 * @throws UsageError where it cannot be written.
 */
export async function writePage(
  command: string,
  page: string | undefined,
  markupAt: (when: string) => string,
  now: number,
): Promise<void> {
  if (page === undefined) return
  const when = new Date(now).toISOString().slice(0, 16).replace('T', ' ')
  await writeFile(page, markupAt(when)).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${command}: cannot write ${printable(page)} (${error.code ?? error.message}).`)
  })
}
