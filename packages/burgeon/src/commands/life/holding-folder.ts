/** Keeps a folder of checkpoints to one command at a time. */
import { LockedError } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { lockLife } from '../../session/life/lock-life.ts'

/**
 * Holds the folder `out` from before anything is read of it: two that go on from one checkpoint would each
 * undo what the other has learnt.
 *
 * @param work Is handed the disk that may write.
 * @throws LockedError if another process holds the folder.
 */
export async function holdingFolder<R>(
  out: string,
  work: (disk: ReturnType<typeof nodeDisk>) => Promise<R>,
): Promise<R> {
  const disk = nodeDisk(out)
  // A folder that cannot be written to is a matter of the command, which has more to say about it.
  const lock = await lockLife(disk).catch((error: unknown) => {
    if (error instanceof LockedError) throw error
    return null
  })
  try {
    return await work(disk)
  } finally {
    await lock?.release()
  }
}
