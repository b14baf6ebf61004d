/** A folder of the file system, with Node. */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { checkArgument, checks } from '@burgeon/tensor'
import { type Disk, type DiskLock, LockedError } from './disk.ts'
import { takeLockFile } from './node-lock.ts'
import { turns } from './turns.ts'

/** The folder at `place`; it is made at the first write. */
export function nodeDisk(place: string): Disk {
  checkArgument('nodeDisk', 'place', place, checks.text)
  const at = (name: string): string => join(place, name)
  const put = async (name: string, bytes: Uint8Array, flags: 'w' | 'wx'): Promise<void> => {
    await mkdir(place, { recursive: true })
    await using file = await open(at(name), flags)
    await file.writeFile(bytes)
    await file.sync()
  }
  const turn = turns()
  let session: DiskLock | undefined
  let saves = 0
  /** A lock for one save of a session. */
  const within = (lock: DiskLock): DiskLock => ({
    ...lock,
    token: `${lock.token}-${++saves}`,
    release: () => Promise.resolve(),
  })
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
    async lock(purpose) {
      const end = await turn()
      try {
        if (purpose === 'save') {
          const lock = session === undefined ? await takeLockFile(place, 'save') : within(session)
          return { ...lock, release: () => lock.release().then(end) }
        }
        if (session !== undefined) {
          throw new LockedError(
            `${place}: this disk holds the folder for a session already; release that first.`,
          )
        }
        const own = await takeLockFile(place, 'session')
        session = own
        end()
        const release = async (): Promise<void> => {
          if (session === own) session = undefined
          await own.release()
        }
        return { ...own, release }
      } catch (error) {
        end()
        throw error
      }
    },
  }
}
