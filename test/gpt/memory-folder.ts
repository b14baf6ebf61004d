/** A folder of pretrained files in memory, so that each of them can be broken. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PretrainedFolder } from '@burgeon/gpt'

export type Files = Map<string, Uint8Array>

/** Files of a folder beside the gold files. */
export function goldFiles(name: string): Files {
  const place = join(import.meta.dirname, '../gold/pretrained', name)
  const names = readdirSync(place).filter((file) => file !== 'gold.json')
  return new Map(names.map((file) => [file, new Uint8Array(readFileSync(join(place, file)))]))
}

export function folderOf(files: ReadonlyMap<string, Uint8Array>): PretrainedFolder {
  return {
    place: 'memory',
    open(name) {
      const bytes = files.get(name)
      return Promise.resolve(
        bytes && { size: bytes.length, read: (a, b) => Promise.resolve(bytes.slice(a, b)) },
      )
    },
  }
}

/** The same files, some JSON with other keys; a key that is undefined is taken away. */
export function withJson(files: Files, name: string, keys: Readonly<Record<string, unknown>>): Files {
  const before = JSON.parse(new TextDecoder().decode(files.get(name))) as object
  return new Map(files).set(name, new TextEncoder().encode(JSON.stringify({ ...before, ...keys })))
}
