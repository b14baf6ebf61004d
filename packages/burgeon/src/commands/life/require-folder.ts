/** The folder of a life that a command is about, before anything is said or written of it. */
import { existsSync } from 'node:fs'
import { printable } from '../../terminal/terminal.ts'
import { UsageError } from '../../terminal/usage-error.ts'

/** Throws UsageError where there is no such folder. `who` is the command. */
export function requireFolder(who: string, folder: string): void {
  if (existsSync(folder)) return
  throw new UsageError(`${who}: there is no folder ${printable(folder)}; expected that of a life.`)
}
