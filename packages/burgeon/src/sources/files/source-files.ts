import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { compareCodeUnits } from './compare-code-units.ts'
import { holdsCheckpoint, ownFile, whyFolderIsLeftOut } from './left-out-folder.ts'
import { probeFile } from './text-probe.ts'

/** A text file of a source. */
export interface SourceFile {
  /** Path to open. */
  readonly path: string
  /** Path relative to the folder, with `/` on every system. */
  readonly name: string
  /** First part of `name`: the sub-folder, or the file itself. */
  readonly domain: string
  /** Size in bytes. */
  readonly size: number
}

export interface TextFilesOptions {
  /** Called with a line about each thing that is left out, and why. */
  readonly note?: ((line: string) => void) | undefined
  /** The folder that the run at hand writes to. */
  readonly out?: string | undefined
}

/** How many files are looked into at a time. */
const probesAtOnce = 32

/**
 * The text files below a folder, ordered by name by code unit. Left out, each with a note: what is hidden,
 * folders of packages and caches, folders that hold a checkpoint or are about to (`out`), links to folders
 * (they may lead in circles), and files that are empty, unreadable or binary.
 */
export async function textFiles(
  root: string,
  { note = () => {}, out }: TextFilesOptions = {},
): Promise<SourceFile[]> {
  const names: string[] = []
  await collectNames(root, '', { note, out }, names)
  names.sort(compareCodeUnits)
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

async function collectNames(
  root: string,
  folder: string,
  options: { note: (line: string) => void; out: string | undefined },
  names: string[],
): Promise<void> {
  const { note, out } = options
  const path = join(root, folder)
  let entries: Dirent[]
  try {
    entries = await readdir(path, { withFileTypes: true })
  } catch (cause) {
    if (folder === '') throw cause
    note(`left out ${folder}: ${unreadable(cause)}`)
    return
  }
  entries.sort((a, b) => compareCodeUnits(a.name, b.name))
  const siblings = new Set(entries.map(({ name }) => name))
  const isOut = (out !== undefined && resolve(path) === resolve(out)) || (await holdsCheckpoint(path))
  for (const entry of entries) {
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) {
      const why = await whyFolderIsLeftOut(join(path, entry.name), entry.name, siblings, out)
      if (why === null) await collectNames(root, name, options, names)
      else note(`left out ${name}/: ${why}`)
    } else if (entry.name.startsWith('.')) note(`left out ${name}: hidden`)
    else if (isOut && ownFile.test(entry.name)) note(`left out ${name}: written by burgeon`)
    else if (entry.isFile() || entry.isSymbolicLink()) names.push(name)
    else note(`left out ${name}: not a file`)
  }
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
    return `left out ${name}: ${unreadable(cause)}`
  }
}

/** Why the system could not read something, for a note. */
export function unreadable(cause: unknown): string {
  return `cannot be read (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`
}
