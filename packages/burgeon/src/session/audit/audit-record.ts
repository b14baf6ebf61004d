/** What a life notes for its audit log until it is saved, and how it names what it must not show. */
import {
  anAuditNote,
  anAuditPlace,
  auditBeginning,
  type AuditHead,
  auditHeadAt,
  type AuditNote,
  type AuditPlace,
  type Experience,
  type LearnerEvent,
} from '@burgeon/continual'
import { type Check, checks, fields, optional } from '@burgeon/tensor'
import type { SourceRead } from '../../sources/source-read.ts'
import { newSalt, saltedDigest } from '../../sources/records/salted-digest.ts'

/** Where the audit log of a life stands. Plain data for the checkpoint. */
export interface AuditRecord {
  /** The place behind all that was written. */
  place: AuditPlace
  /** Hexadecimal digits of the secret that digests of this life begin with; another one once it has forgotten. */
  salt: string
  /** The limits that the log said last, as JSON; none unless given. */
  limits?: string | undefined
  /** What is to be written when the life is saved next: nothing in a checkpoint. */
  pending: AuditNote[]
}

/** A record that may have one; a life of before had none. */
export interface Audited {
  audit?: AuditRecord
}

/** Any. */
export const anAuditRecord: Check<AuditRecord> = fields<Required<AuditRecord>>(
  'where an audit log stands { place, salt, pending }',
  {
    place: anAuditPlace,
    salt: checks.text,
    limits: optional(checks.text) as Check<string>,
    pending: checks.list('notes', anAuditNote) as Check<AuditNote[]>,
  },
)

/** Where the log of a life stands; at its beginning unless it has one. */
export function auditOf(record: Audited): AuditRecord {
  record.audit ??= { place: auditBeginning, salt: newSalt(), pending: [] }
  return record.audit
}

/** The head of what was written for a life; null where nothing was. */
export function auditHeadOf({ audit }: Audited): AuditHead | null {
  return audit === undefined || audit.place.size === 0 ? null : auditHeadAt(audit.place)
}

/** Notes something, to be written with the next checkpoint. */
export function noteAudit(record: Audited, step: number, kind: string, data: AuditNote['data']): void {
  auditOf(record).pending.push({ kind, step, data })
}

/** The digest of an experience, by the salt that the journal keeps beside its text. */
export const experienceDigest = (
  salt: string,
  { source, domain, text }: Pick<Experience, 'source' | 'domain' | 'text'>,
): string => saltedDigest(salt, [source, domain, text])

/** Notes how far a source was read, unless that is what was noted last. Returns what names it. */
export function auditRead(
  record: Audited,
  step: number,
  { label, read, before }: { readonly label: string; readonly read: SourceRead; readonly before: string },
): string {
  const { files, pass } = read
  const digest = saltedDigest(auditOf(record).salt, [label, files])
  if (digest !== before && files.length > 0) {
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
    noteAudit(record, step, 'read', { files: files.length, bytes, pass, digest })
  }
  return digest
}

/** Events that change no weight and decide nothing about one. */
const unaudited: ReadonlySet<string> = new Set([
  ...['drift', 'overflow', 'growth considered', 'probed', 'control', 'control refused'],
  ...['weakness', 'freezing', 'consolidation'],
])
/** Characters of JSON up to which an event is written with its data. */
const maxData = 1024

/** Notes what happened to a learner, as far as it matters to where its weights come from. */
export function auditEvents(record: Audited, events: readonly LearnerEvent[], parameters: number): void {
  for (const { kind, step, part, summary, data } of events) {
    if (unaudited.has(kind)) continue
    const isShort = JSON.stringify(data).length <= maxData
    const shown = withoutSource(auditOf(record).salt, { summary, ...(isShort && { data }) })
    noteAudit(record, step, kind, { part, ...shown, parameters })
  }
}

/** An event that names a source names it by its digest, and tells no line that does. */
function withoutSource(
  salt: string,
  event: { readonly summary: string; readonly data?: object },
): AuditNote['data'] {
  const { source, ...data } = (event.data ?? {}) as { readonly source?: unknown }
  return typeof source === 'string' ? { data: { ...data, source: saltedDigest(salt, [source]) } } : event
}
