import { formIdOf } from './media/form-id-of.ts'
import { type SourceFile, unreadable } from './files/source-files.ts'
import { digestOfStart, type FileRead, type HeldOutRange, type SourcePosition } from './source-read.ts'
import type { RunningDigest } from './running-digest.ts'

/** The part of a file that is to be read. */
export interface FileToRead {
  readonly file: SourceFile
  readonly from: number
  /** Digest of what lies before `from`; null for nothing. */
  readonly before: RunningDigest | null
}

/**
 * Compares files with what was read of them: what went on is read from there, what changed is read anew, what
 * is new is read, and what was read is not read again. What was begun comes first, then the order of the
 * files.
 *
 * @param note Called with a line about each file that changed.
 */
export async function planReading(
  files: readonly SourceFile[],
  read: readonly FileRead[],
  note: (line: string) => void,
): Promise<FileToRead[]> {
  const known = new Map(read.map((part) => [part.name, part]))
  const [begun, others]: [FileToRead[], FileToRead[]] = [[], []]
  for (const file of files) {
    const part = known.get(file.name)
    if (part === undefined) {
      others.push({ file, from: 0, before: null })
      continue
    }
    const form = formIdOf(file)
    if (part.form !== form) {
      note(`${file.name} is read in another way than before; reading it from its beginning`)
      others.push({ file, from: 0, before: null })
      continue
    }
    try {
      const before = part.bytes > file.size ? null : await digestOfStart(file, part.bytes)
      const isSame = before && (part.sha256 === null || before.copy().digest('hex') === part.sha256)
      if (!isSame) {
        note(`${file.name} is not what was read before; reading it from its beginning`)
        others.push({ file, from: 0, before: null })
      } else if (file.size > part.bytes) begun.push({ file, from: part.bytes, before })
    } catch (cause) {
      note(`passed over ${file.name}: ${unreadable(cause)}`)
    }
  }
  return [...begun, ...others]
}

/** Bytes of these files that are to be learnt. */
export function bytesToLearn(plan: readonly FileToRead[], heldOut: readonly HeldOutRange[]): number {
  const ranges = rangesByFile(heldOut)
  return plan.reduce((total, { file, from }) => {
    const kept = (ranges.get(file.name) ?? []).reduce(
      (sum, range) => sum + Math.max(0, Math.min(range.to, file.size) - Math.max(range.from, from)),
      0,
    )
    return total + file.size - from - kept
  }, 0)
}

export function rangesByFile(heldOut: readonly HeldOutRange[]): Map<string, HeldOutRange[]> {
  const ranges = new Map<string, HeldOutRange[]>()
  for (const range of heldOut) {
    const own = ranges.get(range.file) ?? []
    own.push(range)
    ranges.set(range.file, own)
  }
  return ranges
}

/**
 * Reads of an older burgeon, which kept nothing but the place it had come to: all before it, in the order of
 * the files.
 */
export function readBefore(files: readonly SourceFile[], position: SourcePosition): FileRead[] {
  return files
    .filter(({ name }) => name <= position.file)
    .map(({ name, size }) => ({ name, bytes: name === position.file ? position.offset : size, sha256: null }))
}
