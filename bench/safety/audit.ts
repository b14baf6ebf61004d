/**
 * Whether 10⁵ changes of an audit log are found, each with its place.
 *
 * One log of a hundred entries is changed anew each time, in one of these ways:
 *
 * - a byte: any byte of any entry becomes another;
 * - a swap: two entries, wherever they are, change places;
 * - an omission: an entry goes, and those behind it get the numbers that they would have;
 * - an insertion: an entry that names the one before it rightly is put in, and those behind get their numbers;
 * - a cut, with the checkpoint cut as well, and a witness who holds the head of the whole log;
 * - a forgery: an entry is changed and all behind it are written anew, so that every link holds.
 *
 * The verifier has the place of the checkpoint, and in a cut the head of the witness. Found with its place is a change whose
 * first wrong entry is named exactly; a forgery has no place but between the heads that are known, so there its
 * range has to hold it. Controls: the log as it is, and a cut without a witness, which nobody can find.
 */
import {
  auditBeginning,
  type AuditEntry,
  auditHeadAt,
  type AuditNote,
  type AuditPlace,
  openAuditLog,
  readAudit,
  verifyAudit,
  type VerifyAuditOptions,
} from '@burgeon/continual'
import type { Disk } from '@burgeon/gpt'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { atLeast, atMost, type BenchmarkOptions, type BenchmarkResult } from '../benchmark.ts'

const entries = 100
const kinds = ['learnt', 'growth', 'feedback', 'checkpoint'] as const
const ways = ['byte', 'swap', 'omission', 'insertion', 'cut', 'forgery'] as const

const utf8 = new TextEncoder()
const fileName = 'audit-0-000000000000-0.jsonl'
const time = 1_800_000_000_000

/** A disk in memory with one log, or none. */
function diskOf(file?: Uint8Array): Disk & { file(): Uint8Array } {
  let bytes = file
  const put = (_: string, more: Uint8Array): Promise<void> => {
    bytes = Uint8Array.from([...(bytes ?? []), ...more])
    return Promise.resolve()
  }
  return {
    ...{ place: 'memory', create: put, append: put, sync: () => Promise.resolve() },
    file: () => bytes ?? new Uint8Array(),
    list: () => Promise.resolve(bytes === undefined ? [] : [fileName]),
    read: () => Promise.resolve(bytes ?? new Uint8Array()),
  } as unknown as Disk & { file(): Uint8Array }
}

/** A log, and those that it was when it was shorter. */
interface Log {
  readonly lines: readonly AuditEntry[]
  /** By number of entries. */
  readonly files: readonly Uint8Array[]
  readonly places: readonly AuditPlace[]
}

async function written(random: RandomStream, count: number): Promise<Log> {
  const disk = diskOf()
  const log = await openAuditLog(disk)
  const files: Uint8Array[] = [new Uint8Array()]
  const places = [auditBeginning]
  for (let i = 0; i < count; i++) {
    const kind = kinds[random.below(kinds.length)]
    const digest = Array.from({ length: 64 }, () => random.below(16).toString(16)).join('')
    places.push(
      await log.append([{ kind, step: i, data: { id: i, bytes: 1 + random.below(500), digest } }], time),
    )
    files.push(disk.file())
  }
  return { lines: (await readAudit(disk)).entries, files, places }
}

/** The log with other notes from an entry on, whose links hold: as who knows the format writes it anew. */
async function forged(
  { files, places }: Log,
  from: number,
  notes: readonly AuditNote[],
): Promise<Uint8Array> {
  const disk = diskOf(from === 0 ? undefined : files[from])
  const log = await openAuditLog(disk, places[from])
  await log.append(notes, time)
  return disk.file()
}

const numbered = (lines: readonly AuditEntry[]): AuditEntry[] => lines.map((line, i) => ({ ...line, i }))

const lineOf = (line: AuditEntry): Uint8Array => utf8.encode(JSON.stringify(line))

const fileOf = (lines: readonly AuditEntry[]): Uint8Array =>
  utf8.encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))

interface Changed {
  readonly file: Uint8Array
  /** Number of the first entry that is not as it was. */
  readonly first: number
  readonly options: VerifyAuditOptions
}

async function changed(way: (typeof ways)[number], log: Log, random: RandomStream): Promise<Changed> {
  const { lines, files, places } = log
  const place = places[entries]
  const at = random.below(entries)
  const edited = { ...lines[at], data: { ...lines[at].data, bytes: 1000 + random.below(500) } }
  const options = { place }
  if (way === 'byte') {
    const file = fileOf(lines)
    const begin = files[at].length
    const length = lineOf(lines[at]).length
    file[begin + random.below(length)] ^= 1 + random.below(255)
    return { file, first: at, options }
  }
  if (way === 'swap') {
    const other = (at + 1 + random.below(entries - 1)) % entries
    const file = fileOf(numbered(lines.with(at, lines[other]).with(other, lines[at])))
    return { file, first: Math.min(at, other), options }
  }
  if (way === 'omission') return { file: fileOf(numbered(lines.toSpliced(at, 1))), first: at, options }
  if (way === 'insertion') {
    return { file: fileOf(numbered(lines.toSpliced(at, 0, edited))), first: at, options }
  }
  if (way === 'forgery') {
    const notes = [edited, ...lines.slice(at + 1)].map(({ kind, step, data }) => ({ kind, step, data }))
    return { file: await forged(log, at, notes), first: at, options }
  }
  return { file: files[at], first: at, options: { place: places[at], heads: [auditHeadAt(place)] } }
}

/** The part of `bench -- safety` that is about the log. */
export async function auditPart({
  quick,
  note,
}: Pick<BenchmarkOptions, 'quick' | 'note'>): Promise<BenchmarkResult> {
  const random = new RandomStream(keyFromSeed(1)).named('audit')
  const log = await written(random, entries)
  const each = Math.ceil((quick ? 3000 : 100_000) / ways.length)
  const rows: BenchmarkResult['rows'][number][] = []
  const checks: BenchmarkResult['checks'][number][] = []
  let widest = 0
  for (const way of ways) {
    let [found, placed] = [0, 0]
    for (let i = 0; i < each; i++) {
      const { file, first, options } = await changed(way, log, random)
      const { wrong } = await verifyAudit(diskOf(file), options)
      if (wrong === null) continue
      found++
      const isExact = wrong.from === first && wrong.to === first
      if (way === 'forgery' ? wrong.from <= first && first <= wrong.to : isExact) placed++
      if (way === 'forgery') widest = Math.max(widest, wrong.to - wrong.from + 1)
    }
    note(`${way}: ${found} of ${each} found, ${placed} with their place`)
    rows.push({ case: way, metric: 'changes', value: each, unit: '' })
    rows.push({ case: way, metric: 'found', value: (100 * found) / each, unit: '%' })
    rows.push({ case: way, metric: 'found with its place', value: (100 * placed) / each, unit: '%' })
    checks.push(atLeast(`audit: ${way} found, with its place (%)`, (100 * placed) / each, 100))
  }
  rows.push({ case: 'forgery', metric: 'entries of the widest range', value: widest, unit: '' })
  const [place, half] = [log.places[entries], entries / 2]
  const whole = await verifyAudit(diskOf(log.files[entries]), { place, heads: [auditHeadAt(place)] })
  checks.push(atLeast('audit: the log as it is holds', Number(whole.ok), 1))
  const unseen = await verifyAudit(diskOf(log.files[half]), { place: log.places[half] })
  checks.push(atMost('audit: cuts without a witness that are found (control)', Number(!unseen.ok), 0))
  return { rows, checks }
}
