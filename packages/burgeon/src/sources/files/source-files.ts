import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { compareCodeUnits } from './compare-code-units.ts'
import { holdsCheckpoint, ownFile, whyFolderIsLeftOut } from './left-out-folder.ts'
import { maxMediaBytes, tooLarge } from '../media/media-pieces.ts'
import type { DocumentForm, DocumentOptions } from '../documents/document-form.ts'
import { formOf, textSize } from '../documents/file-text.ts'
import { StreamError } from '../stream-error.ts'

/** A text file of a source. */
export interface SourceFile {
  /** Path to open. */
  readonly path: string
  /** Path relative to the folder, with `/` on every system. */
  readonly name: string
  /** First part of `name`: the sub-folder, or the file itself. */
  readonly domain: string
  /** How its text is taken out; null for text as it lies. */
  readonly form: DocumentForm | null
  /** Bytes of its text; of media those of the file. */
  readonly size: number
  /** Whether it holds a picture, sound or numbers, which are learnt as such. */
  readonly isMedia?: boolean
}

export interface TextFilesOptions extends DocumentOptions {
  /** Whether a file is one of media, by its name; none is unless given. */
  readonly isMedia?: ((name: string) => boolean) | undefined
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
 * (they may lead in circles), and files that are empty, unreadable or binary, or documents without a text.
 */
export async function textFiles(
  root: string,
  { note = () => {}, out, column, isMedia }: TextFilesOptions = {},
): Promise<SourceFile[]> {
  const names: string[] = []
  await collectNames(root, '', { note, out }, names)
  names.sort(compareCodeUnits)
  const found: SourceFile[] = []
  for (let from = 0; from < names.length; from += probesAtOnce) {
    const batch = names.slice(from, from + probesAtOnce)
    for (const looked of await Promise.all(batch.map((name) => look(root, name, { column, isMedia })))) {
      // One after another: to take out a text is work.
      const seen = typeof looked === 'string' ? looked : await measured(looked, note)
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

/** The file with the size that it has on disk, or a note that says why it is left out. */
async function look(
  root: string,
  name: string,
  options: Pick<TextFilesOptions, 'column' | 'isMedia'>,
): Promise<SourceFile | string> {
  const path = join(root, name)
  try {
    const found = await stat(path)
    if (!found.isFile()) return `left out ${name}: a link to something that is not a file`
    if (found.size === 0) return `left out ${name}: empty`
    const [domain] = name.split('/')
    const isMedia = options.isMedia?.(name) ?? false
    if (isMedia && found.size > maxMediaBytes) return `left out ${name}: it ${tooLarge(found.size)}`
    if (isMedia) return { path, name, domain, form: null, size: found.size, isMedia }
    const form = await formOf(path, options)
    return { path, name, domain, form, size: found.size }
  } catch (cause) {
    return `left out ${name}: ${unreadable(cause)}`
  }
}

/** The file with the size of its text, or a note that says why it is left out. */
async function measured(file: SourceFile, note: (line: string) => void): Promise<SourceFile | string> {
  const { name, size } = file
  try {
    return { ...file, size: await textSize(file, size, (what) => note(`${name}: ${what}`)) }
  } catch (cause) {
    return `left out ${name}: ${unreadable(cause)}`
  }
}

/** Why something could not be read, for a note. */
export function unreadable(cause: unknown): string {
  if (cause instanceof StreamError && cause.code === 'not-text') return cause.message
  return `cannot be read (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`
}
