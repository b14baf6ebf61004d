/** Texts that a guard keeps apart: a file beside the life, until somebody decides. */
import { createHash } from 'node:crypto'
import type { Admission, GuardRecord } from '@burgeon/continual'
import { CheckpointError, type Disk } from '@burgeon/gpt'

/** File in the folder of a life, a text a line. Only its owner may read it. */
const quarantineFile = 'quarantine.jsonl'

/** A text that waits. Plain data. */
export interface QuarantinedText {
  /** Made of source and text: the same text of the same source waits once. */
  readonly id: string
  readonly source: string
  readonly domain: string
  readonly key?: string
  /** How far its source is trusted, from 0 to 1. */
  readonly trust: number
  /** Name of the guard that keeps it apart, and why. */
  readonly by: string
  readonly reasons: readonly string[]
  /** As it came, but for what was redacted before. */
  readonly text: string
}

/** Texts that wait at most, and the bytes that all of them may take: who floods a life shall not fill its disk. */
const [mostTexts, mostBytes] = [10_000, 64_000_000]

const encoder = new TextEncoder()

/** The texts that wait in the folder of a life, oldest first. */
export async function quarantined(disk: Disk): Promise<readonly QuarantinedText[]> {
  if (!(await disk.list()).includes(quarantineFile)) return []
  return new TextDecoder()
    .decode(await disk.read(quarantineFile))
    .split('\n')
    .flatMap((line) => {
      try {
        const entry = JSON.parse(line) as Partial<QuarantinedText>
        return typeof entry.id === 'string' && typeof entry.text === 'string'
          ? [entry as QuarantinedText]
          : []
      } catch {
        // Empty, or cut short by a kill.
        return []
      }
    })
}

/** The file while it is written anew. */
const unfinished = `${quarantineFile}.new`

/** Lets texts go: no byte of them stays in the file. A kill leaves the file as it was, or as it is to be. */
export async function dropQuarantined(disk: Disk, ids: readonly string[]): Promise<void> {
  const left = (await quarantined(disk)).filter(({ id }) => !ids.includes(id))
  await disk.remove(unfinished)
  if (left.length === 0) await disk.remove(quarantineFile)
  else {
    await disk.append(unfinished, encoder.encode(left.map(lineOf).join('')), { isPrivate: true })
    await disk.rename(unfinished, quarantineFile)
  }
  await disk.sync()
}

const lineOf = (entry: QuarantinedText): string => `${JSON.stringify(entry)}\n`

/** Writes texts that are kept apart. */
export class Quarantine {
  readonly #disk: Disk
  #known: Promise<{ readonly ids: Set<string>; bytes: number }> | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /**
   * Keeps a text; resolves when it is on disk.
   *
   * @returns False where so many wait that there is no room for it.
   * @throws CheckpointError if it could not be written; no word of it is in the message.
   */
  keep(record: GuardRecord, admission: Admission): Promise<boolean> {
    // One after another: a line is written whole.
    const done = this.#last.then(() => this.#keep(record, admission))
    this.#last = done.catch(() => {})
    return done
  }

  async #keep(
    { source, domain, key }: GuardRecord,
    { text, trust, by, reasons }: Admission,
  ): Promise<boolean> {
    const id = createHash('sha256')
      .update(JSON.stringify([source, text]))
      .digest('hex')
      .slice(0, 12)
    try {
      this.#known ??= quarantined(this.#disk).then((all) => ({
        ids: new Set(all.map((entry) => entry.id)),
        bytes: all.reduce((sum, entry) => sum + lineOf(entry).length, 0),
      }))
      const known = await this.#known
      if (known.ids.has(id)) return true
      const entry = {
        id,
        source,
        domain,
        ...(key !== undefined && { key }),
        trust,
        by: by ?? '',
        reasons,
        text,
      }
      const bytes = encoder.encode(`\n${lineOf(entry)}`)
      if (known.ids.size >= mostTexts || known.bytes + bytes.length > mostBytes) return false
      await this.#disk.append(quarantineFile, bytes, { isPrivate: true })
      await this.#disk.sync()
      known.ids.add(id)
      known.bytes += bytes.length
      return true
    } catch (error) {
      this.#known = undefined
      const { code = 'unknown' } = error as NodeJS.ErrnoException
      throw new CheckpointError(`${this.#disk.place}: cannot keep ${quarantineFile} (${code}).`)
    }
  }
}
