/** Replaces files of a folder, all of them or none. */
import { BurgeonError } from '@burgeon/tensor'
import type { Disk } from '../../checkpoint/disk.ts'
import { PretrainedError } from '../config/pretrained-error.ts'

const partial = (name: string): string => `${name}.part`
const earlier = (name: string): string => `${name}.before`

/**
 * Writes files into a folder; its other files stay. Those of before are replaced when all the new ones are
 * whole, and are put back if a name cannot be given. After a power cut each file is whole, the old or the
 * new one.
 *
 * @param who What messages begin with.
 * @throws PretrainedError where the disk fails: all files are as they were then, and there are no others.
 */
export async function replaceFiles(
  who: string,
  disk: Disk,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  const names = [...files.keys()]
  let doing = disk.place
  let known: ReadonlySet<string> | undefined
  try {
    known = new Set(await disk.list())
    for (const [name, bytes] of files) {
      doing = `${disk.place}/${name}`
      await disk.write(partial(name), bytes)
    }
    for (const name of names) {
      doing = `${disk.place}/${name}`
      if (known.has(name)) await disk.rename(name, earlier(name))
      await disk.rename(partial(name), name)
    }
    await disk.sync()
  } catch (error) {
    if (known !== undefined) await putBack(disk, names, known)
    failToWrite(who, doing, error)
  }
  for (const name of names) if (known.has(name)) await disk.remove(earlier(name)).catch(() => undefined)
}

/** Undoes what may have been done, as far as the disk lets it. */
async function putBack(disk: Disk, names: readonly string[], known: ReadonlySet<string>): Promise<void> {
  const attempt = (work: Promise<void>): Promise<void> => work.catch(() => undefined)
  const now = new Set(await disk.list().catch(() => []))
  for (const name of names) {
    if (now.has(earlier(name))) await attempt(disk.rename(earlier(name), name))
    else if (!known.has(name) && now.has(name)) await attempt(disk.remove(name))
    if (now.has(partial(name))) await attempt(disk.remove(partial(name)))
  }
}

/** Throws PretrainedError for a file that a disk does not take; an error that says more stays as it is. */
export function failToWrite(who: string, at: string, cause: unknown): never {
  if (cause instanceof BurgeonError || !(cause instanceof Error)) throw cause
  const { code, message } = cause as NodeJS.ErrnoException
  throw new PretrainedError(
    `${who}: cannot write ${at} (${code ?? message}); what was there before is as it was. Is there room on the disk?`,
    { cause },
  )
}
