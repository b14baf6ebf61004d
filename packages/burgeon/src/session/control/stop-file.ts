/** The stop switch of a life: a file in its folder. While it is there, nothing changes the weights. */
import { existsSync, readFileSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { BurgeonError, checkArgument, checkOptions, checks, OptionError } from '@burgeon/tensor'
import { aFolder } from '../life/a-folder.ts'

/** A life was stopped by hand; its weights are as they were then. */
export class StoppedError extends BurgeonError {
  override readonly name = 'StoppedError'
}

/** Who stopped a life. Plain data. */
export interface StopNote {
  readonly by: string
  /** ISO 8601. */
  readonly at: string
}

/** Name of the file. Whoever makes one by hand, empty, has stopped the life too. */
const stopFile = 'stop'

const nobody: StopNote = { by: 'somebody', at: 'an unknown time' }

/** Who has stopped the life in a folder; null where nobody has. What cannot be read counts as stopped. */
export function stopOf(folder: string): StopNote | null {
  const file = join(folder, stopFile)
  if (!existsSync(file)) return null
  try {
    const { by, at } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Record<keyof StopNote, unknown>>
    return typeof by === 'string' && typeof at === 'string' ? { by, at } : nobody
  } catch {
    return nobody
  }
}

/** Throws StoppedError for a life that was stopped. Called before each change of weights. */
export function requireUnstopped(folder: string): void {
  const note = stopOf(folder)
  if (note === null) return
  throw new StoppedError(
    `${folder}: this life was stopped by ${note.by} (${note.at}) and learns nothing until it is released: burgeon stop --release.`,
  )
}

/**
 * Stops the life in a folder: whoever learns there ends within a step, and nobody begins, also after a
 * restart, until `releaseLife`. Serving goes on. On disk when it resolves.
 *
 * @param folder Holds a life.
 * @param options `by`: whose decision it is.
 * @throws OptionError for nobody, or where no folder is; what the disk throws.
 */
export async function stopLife(folder: string, options: { readonly by: string }): Promise<void> {
  checkArgument('stopLife', 'folder', folder, aFolder)
  checkOptions('stopLife', options, { by: checks.required(checks.text) })
  const { by } = options
  if (!existsSync(folder))
    throw new OptionError(`stopLife: there is no folder ${folder}; expected that of a life.`)
  const note: StopNote = { by, at: new Date().toISOString() }
  const file = await open(join(folder, stopFile), 'w')
  try {
    await file.writeFile(`${JSON.stringify(note)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * Lets the life in a folder learn again. Returns who had stopped it; null where nobody had.
 *
 * @throws OptionError for no folder; what the disk throws.
 */
export async function releaseLife(folder: string): Promise<StopNote | null> {
  checkArgument('releaseLife', 'folder', folder, aFolder)
  const note = stopOf(folder)
  await rm(join(folder, stopFile), { force: true })
  return note
}
