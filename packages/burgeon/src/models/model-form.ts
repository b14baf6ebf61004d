/** The forms in which a model can lie on a disk, and which of them a path leads to. */
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { printable } from '../terminal/terminal.ts'
import { UsageError } from '../terminal/usage-error.ts'

/** A checkpoint of ours, a folder in the form of Hugging Face, or a GGUF file. */
export type ModelForm = 'checkpoint' | 'folder' | 'gguf'

const anyForm = 'a checkpoint, a folder with config.json, or a GGUF file'

/**
 * What a path leads to, judged by what is there. A folder that holds both is a checkpoint.
 *
 * @param who What messages begin with.
 * @throws UsageError for a path that leads to no model.
 */
export async function modelFormAt(who: string, path: string): Promise<ModelForm> {
  const refuse = (got: string, cause?: unknown): never => {
    throw new UsageError(`${who}: ${got}; expected ${anyForm}.`, { cause })
  }
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    const isMissing = cause.code === 'ENOENT' || cause.code === 'ENOTDIR'
    return refuse(
      isMissing
        ? `there is nothing at ${printable(path)}`
        : `${printable(path)} cannot be read (${cause.code ?? cause.message})`,
      cause,
    )
  })
  if (found.isDirectory()) {
    if (await hasCheckpoint(nodeDisk(path))) return 'checkpoint'
    if (await isFile(join(path, 'config.json'))) return 'folder'
    return refuse(`the folder ${printable(path)} holds neither a checkpoint nor a config.json`)
  }
  if (found.isFile() && (await beginsWith(path, 'GGUF'))) return 'gguf'
  return refuse(`${printable(path)} is a file, and none that begins as GGUF does`)
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null)
  return found?.isFile() ?? false
}

async function beginsWith(path: string, letters: string): Promise<boolean> {
  await using file = await open(path, 'r')
  const { bytesRead, buffer } = await file.read(new Uint8Array(letters.length), 0, letters.length, 0)
  return new TextDecoder().decode(buffer.subarray(0, bytesRead)) === letters
}
