/** Reads files of the origin private file system. */
import type { FileHandle } from './file-system-interface.ts'

/** Readings of a file that is replaced each time it is read, before that is the caller's problem. */
const maxReadings = 20

/** The whole content of the file that `find` finds; of the new one if it is replaced while it is read. */
export async function readOpfsFile(find: () => Promise<FileHandle>): Promise<Uint8Array> {
  for (let readings = 1; ; readings++) {
    const file = await find()
    try {
      return new Uint8Array(await (await file.getFile()).arrayBuffer())
    } catch (error) {
      // The words of browsers for a file that has been replaced since it was found.
      const isReplaced = ['NotReadableError', 'NotFoundError'].includes((error as Error).name)
      if (!isReplaced || readings === maxReadings) throw error
    }
  }
}
