/** What is remembered and held back: whether there is anything, and room for it. */
import type { HealthFinding } from '../journal/sleep/health-finding.ts'
import type { Probes } from '../probes/probes.ts'
import type { Rehearsal } from '../rehearsal/rehearsal.ts'

/** Changes nothing, though a rehearsal draws what it gives. */
export function storeFindings(rehearsal: Rehearsal | undefined, probes: Probes | undefined): HealthFinding[] {
  const found: HealthFinding[] = []
  if (rehearsal !== undefined) {
    const before = structuredClone(rehearsal.toState())
    const seen = rehearsal.sample(1)?.rows ?? 0
    rehearsal.restore(before)
    const { name: where, room } = rehearsal
    found.push({ name: 'remembered rows', ok: seen > 0, seen, expected: 'some', where })
    if (room !== undefined) {
      const { used, most } = room
      found.push({ name: 'room in memory', ok: used <= most, seen: used, expected: `at most ${most}`, where })
    }
  }
  if (probes !== undefined) {
    const { name: where, rows: seen } = probes
    found.push({ name: 'rows that are held back', ok: seen > 0, seen, expected: 'some', where })
  }
  return found
}
