/**
 * The lock of a folder in the origin private file system, kept by the browser: it ends with the page or
 * worker that holds it, however that ends.
 *
 * A session holds `session` alone, so that a second one is refused at once, and then `saves`. A save holds
 * `saves` together with other saves, and is refused while a session has it; then `save`, one after another.
 */
import { type DiskLock, LockedError, type LockPurpose } from '../disk.ts'
import type { WebLocks } from './file-system-interface.ts'

/** One of the browser's locks, held. */
interface HeldLock {
  isHeld(): boolean
  release(): Promise<void>
}

/**
 * Takes the lock of a folder; waits for saves of others.
 *
 * @throws LockedError if another page, worker or disk holds it for a session.
 */
export async function takeOpfsLock(locks: WebLocks, place: string, purpose: LockPurpose): Promise<DiskLock> {
  const take = (name: string, mode: 'exclusive' | 'shared', wait: boolean): Promise<HeldLock | null> =>
    takeWebLock(locks, `burgeon ${place} ${name}`, { mode, ifAvailable: !wait })
  const first =
    purpose === 'session' ? await take('session', 'exclusive', false) : await take('saves', 'shared', false)
  if (first === null) {
    throw new LockedError(
      `${place}: another page or worker saves checkpoints into this folder for as long as it is open; close it, or use another folder.`,
    )
  }
  const second = await take(purpose === 'session' ? 'saves' : 'save', 'exclusive', true)
  const both = [second, first].filter((lock) => lock !== null)
  return {
    token: crypto.randomUUID(),
    isHeld: () => Promise.resolve(both.every((lock) => lock.isHeld())),
    async release() {
      for (const lock of both) await lock.release()
    },
  }
}

/** Resolves when the lock is held; with null if it is not to be had and nobody wants to wait. */
function takeWebLock(
  locks: WebLocks,
  name: string,
  options: { mode: 'exclusive' | 'shared'; ifAvailable: boolean },
): Promise<HeldLock | null> {
  return new Promise((resolve, reject) => {
    let isHeld = true
    let end = (): void => {}
    const until = new Promise<void>((over) => {
      end = over
    })
    const ended = locks
      .request(name, options, (lock) => {
        if (lock === null) {
          resolve(null)
          return undefined
        }
        const release = (): Promise<void> => {
          end()
          return ended
        }
        resolve({ isHeld: () => isHeld, release })
        return until
      })
      // It also ends when another takes it by force.
      .catch(reject)
      .finally(() => {
        isHeld = false
      })
  })
}
