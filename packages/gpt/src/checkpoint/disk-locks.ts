/** Locks of one disk: which of its saves and sessions wait, and which are refused. */
import { type Disk, type DiskLock, LockedError, type LockPurpose } from './disk.ts'
import { turns } from './turns.ts'

/**
 * The `lock` of a disk. Its saves take turns; while it holds its folder for a session, they need no lock of
 * their own.
 *
 * @param take Takes the folder's lock from everyone else: other processes, and other disks of this one.
 */
export function diskLocks(place: string, take: (purpose: LockPurpose) => Promise<DiskLock>): Disk['lock'] {
  const turn = turns()
  let session: DiskLock | undefined
  let saves = 0
  /** A lock for one save of a session. */
  const within = (lock: DiskLock): DiskLock => ({
    ...lock,
    token: `${lock.token}-${++saves}`,
    release: () => Promise.resolve(),
  })
  return async (purpose) => {
    const end = await turn()
    try {
      if (purpose === 'save') {
        const lock = session === undefined ? await take('save') : within(session)
        return { ...lock, release: () => lock.release().then(end) }
      }
      if (session !== undefined) {
        throw new LockedError(
          `${place}: this disk holds the folder for a session already; release that first.`,
        )
      }
      const own = await take('session')
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
  }
}
