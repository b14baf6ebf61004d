/** A folder of the file system, with Node. */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { checkArgument, checks } from '@burgeon/tensor'
import type { Disk } from '../disk.ts'
import { diskLocks } from '../disk-locks.ts'
import { takeLockFile } from './node-lock.ts'

/** The folder at `place`; it is made at the first write. */
export function nodeDisk(place: string): Disk {
  checkArgument('nodeDisk', 'place', place, checks.text)
  const at = (name: string): string => join(place, name)
  const put = async (
    name: string,
    bytes: Uint8Array,
    flags: 'w' | 'wx' | 'a',
    mode = 0o666,
  ): Promise<void> => {
    await mkdir(place, { recursive: true })
    await using file = await open(at(name), flags, mode)
    await file.writeFile(bytes)
    await file.sync()
  }
  return {
    place,
    async read(name) {
      // A Buffer's slice shares its bytes where a Uint8Array's copies them, so nobody above may be handed
      // one.
      const { buffer, byteOffset, byteLength } = await readFile(at(name))
      return new Uint8Array(buffer, byteOffset, byteLength)
    },
    write: (name, bytes) => put(name, bytes, 'w'),
    create: (name, bytes) => put(name, bytes, 'wx'),
    append: (name, bytes, { isPrivate = false } = {}) => put(name, bytes, 'a', isPrivate ? 0o600 : 0o666),
    rename: (from, to) => rename(at(from), at(to)),
    remove: (name) => rm(at(name), { force: true }),
    async list() {
      try {
        return await readdir(place)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
        throw error
      }
    },
    async sync() {
      await using folder = await open(place, 'r')
      await folder.sync()
    },
    lock: diskLocks(place, (purpose) => takeLockFile(place, purpose)),
  }
}
