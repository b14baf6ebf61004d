/** What a text was written from, in a line for people. */
import { printable } from './terminal.ts'

/** A passage that was recalled. */
export interface RecalledPassage {
  readonly source: string | null
  readonly domain: string
  readonly bytes: string
}

/** A line for the status; nothing where nothing was recalled. */
export function recalledLine(passages: readonly RecalledPassage[]): string {
  if (passages.length === 0) return ''
  const told = passages.map(
    ({ bytes, source, domain }) => `“${printable(bytes.trim())}” (${printable(source ?? domain)})`,
  )
  return `burgeon: recalled ${told.join(', ')}\n`
}
