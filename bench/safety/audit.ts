/**
 * Reaches inside continual for the verifier of lines that are in memory: whether 10⁵ changes of an audit log are found, each
 * with its place.
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
import { auditHeadAt, type AuditPlace } from '@burgeon/continual'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { type AuditEntry, AuditWalk, lineOf } from '../../packages/continual/src/audit/audit-entry.ts'
import { type AuditLine, linesIn } from '../../packages/continual/src/audit/audit-files.ts'
import { verifyLines, type VerifyAuditOptions } from '../../packages/continual/src/audit/verify-audit.ts'
import { atLeast, atMost, type BenchmarkOptions, type BenchmarkResult } from '../benchmark.ts'

const entries = 100
const kinds = ['learnt', 'growth', 'feedback', 'checkpoint'] as const
const ways = ['byte', 'swap', 'omission', 'insertion', 'cut', 'forgery'] as const

const [utf8, text] = [new TextEncoder(), new TextDecoder()]

/** A log in memory. */
interface Log {
  readonly lines: readonly AuditEntry[]
  readonly place: AuditPlace
}

function written(random: RandomStream, count: number): Log {
  const walk = new AuditWalk()
  const lines = Array.from({ length: count }, (_, i): AuditEntry => {
    const kind = kinds[random.below(kinds.length)]
    const digest = Array.from({ length: 64 }, () => random.below(16).toString(16)).join('')
    const data = { id: i, bytes: 1 + random.below(500), digest }
    const [line] = walk.add([{ kind, step: i, data }], 1_800_000_000_000 + i)
    return JSON.parse(text.decode(line)) as AuditEntry
  })
  return { lines, place: walk.placeIn(0) }
}

/** Entries with links and numbers that hold, from one on: as who knows the format writes them anew. */
function linked(lines: readonly AuditEntry[]): { lines: AuditEntry[]; place: AuditPlace } {
  const walk = new AuditWalk()
  const own = lines.map(({ at, kind, step, data }) => {
    const [line] = walk.add([{ kind, step, data }], at)
    return JSON.parse(text.decode(line)) as AuditEntry
  })
  return { lines: own, place: walk.placeIn(0) }
}

const numbered = (lines: readonly AuditEntry[]): AuditEntry[] => lines.map((line, i) => ({ ...line, i }))

/** The lines of a file, as they are read of a disk. */
const readBack = (file: Uint8Array): AuditLine[] => [
  ...linesIn(file, 'audit-0-000000000000-0.jsonl', Infinity),
]

const fileOf = (lines: readonly AuditEntry[]): Uint8Array =>
  utf8.encode(lines.map((line) => `${text.decode(lineOf(line))}\n`).join(''))

interface Changed {
  readonly file: Uint8Array
  /** Number of the first entry that is not as it was. */
  readonly first: number
  readonly options: VerifyAuditOptions
}

function changed(way: (typeof ways)[number], { lines, place }: Log, random: RandomStream): Changed {
  const at = random.below(entries)
  const edited = { ...lines[at], data: { ...lines[at].data, bytes: 1000 + random.below(500) } }
  const options = { place }
  if (way === 'byte') {
    const file = fileOf(lines)
    const begin = fileOf(lines.slice(0, at)).length
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
    return { file: fileOf(linked(lines.with(at, edited)).lines), first: at, options }
  }
  const cut = linked(lines.slice(0, at))
  return { file: fileOf(cut.lines), first: at, options: { place: cut.place, heads: [auditHeadAt(place)] } }
}

/** The part of `bench -- safety` that is about the log. */
export function auditPart({ quick, note }: Pick<BenchmarkOptions, 'quick' | 'note'>): BenchmarkResult {
  const random = new RandomStream(keyFromSeed(1)).named('audit')
  const log = written(random, entries)
  const whole = readBack(fileOf(log.lines))
  const each = Math.ceil((quick ? 3000 : 100_000) / ways.length)
  const rows: BenchmarkResult['rows'][number][] = []
  const checks: BenchmarkResult['checks'][number][] = []
  let widest = 0
  for (const way of ways) {
    let [found, placed] = [0, 0]
    for (let i = 0; i < each; i++) {
      const { file, first, options } = changed(way, log, random)
      const { wrong } = verifyLines(readBack(file), options)
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
  const isQuiet = verifyLines(whole, { place: log.place, heads: [auditHeadAt(log.place)] }).ok
  checks.push(atLeast('audit: the log as it is holds', Number(isQuiet), 1))
  const cut = linked(log.lines.slice(0, 60))
  const unseen = verifyLines(readBack(fileOf(cut.lines)), { place: cut.place })
  checks.push(atMost('audit: cuts without a witness that are found (control)', Number(!unseen.ok), 0))
  return { rows, checks }
}
