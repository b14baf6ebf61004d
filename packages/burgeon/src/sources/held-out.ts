/**
 * Which part of a user's own text is kept aside, so that a loss on text that was never learnt can be
 * measured.
 */
import { textFrom } from './documents/file-text.ts'
import { compareCodeUnits } from './files/compare-code-units.ts'
import type { SourceFile } from './files/source-files.ts'
import type { HeldOutRange } from './source-read.ts'

/** One byte in twenty, of the largest domains, up to a size that is measured in a moment. */
const share = 1 / 20
const largest = 8192
const smallest = 256
const maxDomains = 4

/** Ends of files, of each of the largest domains. Too small a domain is learnt whole. */
export async function chooseHeldOut(files: readonly SourceFile[]): Promise<HeldOutRange[]> {
  const sizes = new Map<string, number>()
  for (const { domain, size } of files) sizes.set(domain, (sizes.get(domain) ?? 0) + size)
  const domains = [...sizes].sort((a, b) => b[1] - a[1] || compareCodeUnits(a[0], b[0])).slice(0, maxDomains)
  const ranges: HeldOutRange[] = []
  for (const [domain, bytes] of domains) {
    let wanted = Math.min(largest, Math.floor(bytes * share))
    if (wanted < smallest) continue
    const own = files.filter((file) => file.domain === domain).sort((a, b) => b.size - a.size)
    for (const file of own) {
      // At most half of a file is held out: this one and all behind it are too small, and need not be opened.
      if (wanted < smallest || Math.floor(file.size / 2) < smallest) break
      const from = await startOfLine(file, file.size - Math.min(wanted, Math.floor(file.size / 2)))
      if (file.size - from < smallest) continue
      ranges.push({ file: file.name, domain, from, to: file.size })
      wanted -= file.size - from
    }
  }
  return ranges
}

/** The text of the ranges, by domain; of files that can no longer be read there is none. */
export async function heldOutText(
  files: readonly SourceFile[],
  ranges: readonly HeldOutRange[],
): Promise<{ name: string; bytes: Uint8Array }[]> {
  const texts = new Map<string, Uint8Array[]>()
  const byName = new Map(files.map((file) => [file.name, file]))
  for (const { file: name, domain, from, to } of ranges) {
    const file = byName.get(name)
    if (file === undefined) continue
    const parts = texts.get(domain) ?? []
    parts.push(await readRange(file, from, to))
    texts.set(domain, parts)
  }
  return [...texts].map(([name, parts]) => ({ name, bytes: new Uint8Array(Buffer.concat(parts)) }))
}

/** Where the first line begins at or after a place; else where the first character does. */
async function startOfLine(file: SourceFile, from: number): Promise<number> {
  const bytes = await readRange(file, from, file.size)
  const line = bytes.subarray(0, bytes.length >> 1).indexOf(10)
  if (line >= 0) return from + line + 1
  const character = bytes.findIndex((byte) => (byte & 0xc0) !== 0x80)
  return from + Math.max(0, character)
}

/** Bytes of the text of a file; fewer where it is shorter. */
async function readRange(file: SourceFile, from: number, to: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let left = to - from
  for await (const bytes of textFrom(file, from)) {
    parts.push(bytes.subarray(0, left))
    left -= Math.min(left, bytes.length)
    if (left === 0) break
  }
  return new Uint8Array(Buffer.concat(parts))
}
