/** Files on a disk of Node's, as sources of bytes. */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { type ByteSource, type Check, checks } from '@burgeon/tensor'
import { PretrainedError } from './config/pretrained-error.ts'
import type { PretrainedFolder } from './weight-files.ts'

/** Where models come from and go to. */
export const aPlace: Check<string> = {
  expected: 'a path',
  accepts: (value): value is string => checks.text.accepts(value) && value !== '',
}

/** The folder at `place`. Each file is opened for each read, so nothing stays open. */
export function folderAt(place: string): PretrainedFolder {
  return { place, open: (name) => fileAt(join(place, name), `${place}: got ${name}`) }
}

/**
 * The file at a path; undefined if there is none. Throws PretrainedError for what is no file.
 *
 * @param got What that message begins with.
 */
export async function fileAt(at: string, got: string): Promise<ByteSource | undefined> {
  // The shared cache of models is made of links to files: what they lead to is read.
  const found = await open(at, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw error
  })
  if (found === undefined) return undefined
  await using file = found
  const whole = await file.stat()
  if (!whole.isFile()) throw new PretrainedError(`${got}, which is no file; expected one.`)
  return { size: whole.size, read: (begin, end) => readRange(at, begin, end) }
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
