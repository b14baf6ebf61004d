/** The files of an audit log: lines of JSON, each file named for its first entry. */
import type { Disk } from '@burgeon/gpt'

/** A file of a log. */
export interface AuditFile {
  readonly name: string
  readonly series: number
  /** Number of its first entry. */
  readonly first: number
  /** Counts the files that begin with this entry: of several the last one counts, the others failed. */
  readonly attempt: number
}

const padded = (number: number): string => String(number).padStart(12, '0')

export const auditFile = (series: number, first: number, attempt: number): AuditFile => ({
  ...{ series, first, attempt },
  name: `audit-${series}-${padded(first)}-${attempt}.jsonl`,
})

const fileName = /^audit-(\d+)-(\d+)-(\d+)\.jsonl$/

/** The files of all logs of a folder, in order. */
export function auditFilesIn(names: readonly string[]): AuditFile[] {
  const found = names.flatMap((name): AuditFile[] => {
    const [series, first, attempt] = (fileName.exec(name)?.slice(1) ?? []).map(Number)
    return Number.isSafeInteger(first) ? [{ name, series, first, attempt }] : []
  })
  return found.toSorted((a, b) => a.series - b.series || a.first - b.first || a.attempt - b.attempt)
}

/** A line of a file, without its end. */
export interface AuditLine {
  readonly bytes: Uint8Array
  readonly file: string
  /** Its first byte in the file. */
  readonly at: number
}

/**
 * The lines of files that follow each other: of each as many as come before the first entry of the next, and
 * of the last all. A line that has no end was torn, and is none.
 */
export async function* auditLines(
  disk: Pick<Disk, 'read'>,
  files: readonly AuditFile[],
): AsyncGenerator<AuditLine, void, void> {
  for (const [i, { name, first }] of files.entries()) {
    const most = (files.at(i + 1)?.first ?? Infinity) - first
    if (most > 0) yield* linesIn(await disk.read(name), name, most)
  }
}

function* linesIn(bytes: Uint8Array, file: string, most: number): Generator<AuditLine, void, void> {
  const newline = 10
  let at = 0
  for (let i = 0; i < most; i++) {
    const end = bytes.indexOf(newline, at)
    if (end < 0) return
    yield { bytes: bytes.subarray(at, end), file, at }
    at = end + 1
  }
}
