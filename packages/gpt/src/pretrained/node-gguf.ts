/** GGUF files on a disk, with Node. */
import { open, rename, rm, stat } from 'node:fs/promises'
import { checkArgument } from '@burgeon/tensor'
import type { Gpt } from '../gpt.ts'
import { PretrainedError } from './config/pretrained-error.ts'
import { aPlace, fileAt } from './node-files.ts'
import { failToWrite } from './files/replace-files.ts'
import { ggufPieces, type WriteGgufOptions } from './write-gguf.ts'
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

/**
 * Writes a model as a GGUF file; see `ggufPieces`. The file replaces the one of before only when it is whole.
 *
 * @param place Path of the file, in a folder that is there.
 * @throws PretrainedError or TokenizerError, before anything is written, for what such files cannot say;
 *   PretrainedError where the disk fails, with what was there as it was.
 */
export async function saveGguf(model: Gpt, place: string, options: WriteGgufOptions = {}): Promise<void> {
  checkArgument('saveGguf', 'place', place, aPlace)
  const pieces = ggufPieces(model, options)
  // What cannot be written is refused before there is a file.
  const first = await pieces.next()
  const partial = `${place}.part`
  try {
    await using file = await open(partial, 'w')
    for (let piece = first; !piece.done; piece = await pieces.next()) await file.appendFile(piece.value)
    await file.sync()
    await rename(partial, place)
  } catch (error) {
    await rm(partial, { force: true }).catch(() => undefined)
    failToWrite('saveGguf', place, error)
  }
}
