/** Folders of pretrained models on disk, with Node. */
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type ByteSource, type Check, checkArgument, checks } from '@burgeon/tensor'
import type { Gpt } from '../gpt.ts'
import { PretrainedError } from './config/pretrained-error.ts'
import { readPretrained, type ReadPretrainedOptions } from './read-pretrained.ts'
import type { PretrainedFolder } from './weight-files.ts'
import { writePretrained } from './write-pretrained.ts'

/** The folder at `place`. Each file is opened for each read, so nothing stays open. */
function folderAt(place: string): PretrainedFolder {
  return {
    place,
    async open(name): Promise<ByteSource | undefined> {
      const at = join(place, name)
      // The shared cache of models is made of links to files: what they lead to is read.
      const found = await open(at, 'r').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
        throw error
      })
      if (found === undefined) return undefined
      await using file = found
      const whole = await file.stat()
      if (!whole.isFile()) throw new PretrainedError(`${place}: got ${name}, which is no file; expected one.`)
      return { size: whole.size, read: (begin, end) => readRange(at, begin, end) }
    },
  }
}

const aPath: Check<string> = {
  expected: 'the path of a folder',
  accepts: (value): value is string => checks.text.accepts(value) && value !== '',
}

async function readRange(at: string, begin: number, end: number): Promise<Uint8Array> {
  await using file = await open(at, 'r')
  const bytes = new Uint8Array(end - begin)
  let got = 0
  while (got < bytes.length) {
    const { bytesRead } = await file.read(bytes, got, Math.min(bytes.length - got, 2 ** 30), begin + got)
    if (bytesRead === 0) break
    got += bytesRead
  }
  return got === bytes.length ? bytes : bytes.slice(0, got)
}

/**
 * A model from a folder in the form of Hugging Face; see `readPretrained`.
 *
 * @param place Path of the folder.
 * @throws PretrainedError for a folder that is broken or says what this model cannot do.
 */
export async function fromPretrained(place: string, options: ReadPretrainedOptions = {}): Promise<Gpt> {
  checkArgument('fromPretrained', 'place', place, aPath)
  return readPretrained(folderAt(place), options)
}

/**
 * Writes a model as a folder that Python's transformers reads; see `writePretrained`. Files replace those
 * of before only when all of them are whole: on a full disk the folder stays as it was. Its other files stay.
 *
 * @param place Path of the folder, which is made if it is not there.
 * @throws PretrainedError, before anything is written, naming the growth that no class of transformers has.
 */
export async function savePretrained(model: Gpt, place: string): Promise<void> {
  checkArgument('savePretrained', 'place', place, aPath)
  const files = await writePretrained(model)
  await mkdir(place, { recursive: true })
  const partial = (name: string): string => join(place, `${name}.part`)
  try {
    for (const [name, bytes] of files) await writeWhole(partial(name), bytes)
  } catch (error) {
    for (const name of files.keys()) await rm(partial(name), { force: true }).catch(() => undefined)
    throw error
  }
  for (const name of files.keys()) await rename(partial(name), join(place, name))
}

async function writeWhole(at: string, bytes: Uint8Array): Promise<void> {
  await using file = await open(at, 'w')
  await file.writeFile(bytes)
  await file.sync()
}
