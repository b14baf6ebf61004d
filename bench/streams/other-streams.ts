/** Streams of other kinds than the default one, from a folder of texts. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DomainText } from 'burgeon/demo'
import { UsageError } from '../benchmark.ts'

/** By name: which file each domain is, in order. A change of language, of style, and both. */
const streams: Readonly<Record<string, readonly string[]>> = {
  languages: ['genesis-english-web.txt', 'genesis-german.txt', 'genesis-french.txt'],
  plays: ['genesis-english-web.txt', 'tinyshakespeare.txt'],
  'plays and languages': ['tinyshakespeare.txt', 'genesis-french.txt', 'genesis-english-web.txt'],
}

/** The streams, each domain cut to the wanted sizes; its end is held out. */
export function otherStreams(
  folder: string,
  { bytesPerDomain, heldOutBytes }: { readonly bytesPerDomain: number; readonly heldOutBytes: number },
): Record<string, DomainText[]> {
  const domain = (file: string): DomainText => {
    const text = textIn(folder, file)
    const heldOut = text.subarray(-heldOutBytes)
    const train = text.subarray(0, Math.min(bytesPerDomain, text.length - heldOutBytes))
    const digest = createHash('sha256').update(text).digest('hex')
    return { name: file.replace('.txt', ''), train, heldOut, files: 1, digest }
  }
  return Object.fromEntries(Object.entries(streams).map(([name, files]) => [name, files.map(domain)]))
}

function textIn(folder: string, file: string): Uint8Array {
  const path = join(folder, file)
  try {
    return new Uint8Array(readFileSync(path))
  } catch (error) {
    throw new UsageError(`first-life: cannot read ${path}; expected the text there.`, { cause: error })
  }
}
