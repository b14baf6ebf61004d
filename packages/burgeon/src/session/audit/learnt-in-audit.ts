/** Which experiences an audit log says that a life has learnt. */
import type { AuditEntry, AuditPlace, InclusionProof, ReadAudit } from '@burgeon/continual'

/** Shows that a life has learnt an experience. Plain data. */
export interface LearntEntry extends InclusionProof {
  /** Later entries of kind `forget`, which may be of its text; the weights stay as they are. */
  readonly since: readonly { readonly i: number; readonly kind: string }[]
}

/**
 * The latest entry that says that an experience was learnt, and that the life has not gone back behind;
 * whether it was held back instead, and null where no entry says either.
 *
 * @param place What the checkpoint of the life holds: later entries are of nothing that it knows.
 */
export function learntIn(
  audit: ReadAudit,
  place: AuditPlace | undefined,
  id: number,
): LearntEntry | 'held back' | null {
  const standing = standingEntries(audit, place)
  const ofIt = standing.filter(({ data }) => data['id'] === id)
  const entry = ofIt.findLast(({ kind }) => kind === 'learnt')
  if (entry === undefined) return ofIt.some(({ kind }) => kind === 'held back') ? 'held back' : null
  const since = standing.filter(({ i, kind }) => i > entry.i && kind === 'forget')
  return { ...audit.proveInclusion(entry.i), since: since.map(({ i, kind }) => ({ i, kind })) }
}

/** Entries of what the checkpoint of a life knows: without those that the life went back behind. */
function standingEntries({ entries, series }: ReadAudit, place: AuditPlace | undefined): AuditEntry[] {
  let standing: AuditEntry[] = []
  const upTo = (from: Pick<AuditPlace, 'series' | 'size'>): AuditEntry[] =>
    standing.filter(({ i }) => from.series === series && i < from.size)
  for (const entry of entries) {
    if (entry.kind === 'resumed') standing = upTo((entry.data as { readonly from: AuditPlace }).from)
    standing.push(entry)
  }
  return place === undefined ? standing : upTo(place)
}
