/** Files that a command writes, and nothing over those of others. */
import { access, writeFile } from 'node:fs/promises'
import { printable } from '../../terminal/terminal.ts'
import { UsageError } from '../../terminal/usage-error.ts'

/** Throws UsageError for a file that is there: before anything is done for it. */
export async function checkNoFile(who: string, file: string): Promise<void> {
  const isThere = await access(file).then(
    () => true,
    () => false,
  )
  if (isThere)
    throw new UsageError(`${who}: ${printable(file)} is there and would be overwritten. Give another file.`)
}

/** Writes a file that is not there yet. Throws UsageError where that cannot be. */
export async function writeNewFile(who: string, file: string, bytes: Uint8Array): Promise<void> {
  await writeFile(file, bytes, { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${who}: cannot write ${printable(file)} (${error.code ?? error.message}).`)
  })
}
