/** GGUF files on a disk, with Node. */
import { stat } from 'node:fs/promises'
import { PretrainedError } from './config/pretrained-error.ts'
import { fileAt } from './node-files.ts'
import { type GgufFile, openGguf } from './gguf/open-gguf.ts'

/**
 * The GGUF file at a path; null if it is a folder.
 *
 * @throws PretrainedError where nothing is there.
 */
export async function ggufAt(place: string): Promise<GgufFile | null> {
  const found = await stat(place).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw error
  })
  if (found?.isDirectory()) return null
  const source = found === null ? undefined : await fileAt(place, `got ${place}`)
  if (source !== undefined) return openGguf(source, { place })
  throw new PretrainedError(`${place}: got nothing there; expected a folder, or a GGUF file.`)
}
