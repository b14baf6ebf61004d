import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { compareCodeUnits } from './compare-code-units.ts'
import { probeFile } from './text-probe.ts'

/** A text file of a folder. */
export interface SourceFile {
  /** What to open. */
  readonly path: string
  /** Path relative to the folder, with `/` on every system. */
  readonly name: string
  /** First part of `name`: the sub-folder, or the file itself. */
  readonly domain: string
  /** Size in bytes. */
  readonly size: number
}

/** How many files are looked into at a time. */
const probesAtOnce = 32

/**
 * The text files below a folder, ordered by name by code unit. Hidden entries and node_modules are passed over in silence; links to
 * folders (they may lead in circles), empty, unreadable and binary files with a note.
 */
export async function textFiles(
  root: string,
  note: (line: string) => void = () => {},
): Promise<SourceFile[]> {
  const names = (await fileNames(root, '', note)).sort(compareCodeUnits)
  const found: SourceFile[] = []
  for (let from = 0; from < names.length; from += probesAtOnce) {
    const batch = names.slice(from, from + probesAtOnce)
    for (const seen of await Promise.all(batch.map((name) => look(root, name)))) {
      if (typeof seen === 'string') note(seen)
      else found.push(seen)
    }
  }
  return found
}

async function fileNames(root: string, folder: string, note: (line: string) => void): Promise<string[]> {
  let entries: Dirent[]
  try {
    entries = await readdir(join(root, folder), { withFileTypes: true })
  } catch (cause) {
    if (folder === '') throw cause
    note(`left out ${folder}: ${reason(cause)}`)
    return []
  }
  const names: string[] = []
  for (const entry of entries) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) names.push(...(await fileNames(root, name, note)))
    else if (entry.isFile() || entry.isSymbolicLink()) names.push(name)
  }
  return names
}

/** The file, or a note that says why it is left out. */
async function look(root: string, name: string): Promise<SourceFile | string> {
  const path = join(root, name)
  try {
    const found = await stat(path)
    if (!found.isFile()) return `left out ${name}: a link to something that is not a file`
    if (found.size === 0) return `left out ${name}: empty`
    const why = await probeFile(path)
    return why === null
      ? { path, name, domain: name.split('/')[0], size: found.size }
      : `left out ${name}: ${why}`
  } catch (cause) {
    return `left out ${name}: ${reason(cause)}`
  }
}

function reason(cause: unknown): string {
  return `cannot be read (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`
}
