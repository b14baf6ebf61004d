/** Writes files of the origin private file system, by what the browser offers where it is asked. */
import { UnsupportedError } from '@burgeon/tensor'
import { CheckpointError } from '../manifest.ts'
import type { FileHandle } from './file-system-interface.ts'

/**
 * Writes the whole content of a file, or behind what is there.
 *
 * In a worker through a synchronous handle, flushed before it is closed; elsewhere as a copy that takes the
 * file's place in one step.
 *
 * @throws UnsupportedError where a browser offers neither, CheckpointError if it stops in the middle.
 */
export async function writeOpfsFile(
  file: FileHandle,
  bytes: Uint8Array,
  how: 'whole' | 'behind',
): Promise<void> {
  if (file.createSyncAccessHandle !== undefined) {
    const open = await file.createSyncAccessHandle()
    try {
      const from = how === 'behind' ? open.getSize() : 0
      open.truncate(from)
      for (let at = 0; at < bytes.length; ) {
        const written = open.write(bytes.subarray(at), { at: from + at })
        if (written === 0) {
          throw new CheckpointError(
            `opfsDisk: the browser wrote ${at} of ${bytes.length} bytes, and no more.`,
          )
        }
        at += written
      }
      open.flush()
    } finally {
      open.close()
    }
    return
  }
  if (file.createWritable === undefined) {
    throw new UnsupportedError(
      'opfsDisk: this browser writes private files in workers only; use the disk in a worker.',
    )
  }
  const { size } = await file.getFile()
  const copy = await file.createWritable({ keepExistingData: how === 'behind' })
  try {
    if (how === 'behind') await copy.seek(size)
    await copy.write(bytes)
  } catch (error) {
    await copy.abort()
    throw error
  }
  await copy.close()
}
