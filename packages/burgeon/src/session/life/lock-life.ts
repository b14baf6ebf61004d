/** Keeps the folder of a life to one process at a time. */
import { existsSync } from 'node:fs'
import { rmdir } from 'node:fs/promises'
import type { DiskLock } from '@burgeon/gpt'
import type { nodeDisk } from '@burgeon/gpt/node'

/**
 * Holds the folder of a life: two that go on from one checkpoint would each undo what the other has learnt. A
 * folder that was not there is made for it, and goes with it unless something was put into it.
 *
 * @throws LockedError if another process holds the folder; what the disk throws.
 */
export async function lockLife(disk: ReturnType<typeof nodeDisk>): Promise<Pick<DiskLock, 'release'>> {
  const wasThere = existsSync(disk.place)
  const lock = await disk.lock('session')
  return {
    async release() {
      await lock.release()
      if (!wasThere) await rmdir(disk.place).catch(() => {})
    },
  }
}
