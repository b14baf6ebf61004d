/** Detectors that are not moved by anything. */
import type { HealthFinding, HealthRecord } from '../journal/sleep/health-finding.ts'
import type { PartState } from '../learner-state.ts'
import { cyclicChecksum } from '../stream/cyclic-checksum.ts'

const roles = ['detector', 'signal', 'watch']
const checksumOf = cyclicChecksum(0xedb88320)

/** A number for the state of each detector that has one, by its place and name. */
export function detectorSums(states: readonly PartState[]): Record<string, number> {
  const own = states.filter(({ role, state }) => roles.includes(role) && state !== null)
  return Object.fromEntries(
    own.map(({ role, name, state }, i) => {
      const text = JSON.stringify(state, (_, value: unknown) =>
        ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<number>) : value,
      )
      return [`${role} ${i}: ${name}`, checksumOf(new TextEncoder().encode(text))]
    }),
  )
}

/** One finding for each that was there the last time, where steps were made since. */
export function detectorFindings(
  now: Readonly<Record<string, number>>,
  step: number,
  before: HealthRecord | null,
): HealthFinding[] {
  if (before === null || before.step === step) return []
  return Object.entries(before.detectors).flatMap(([where, was]): HealthFinding[] => {
    if (now[where] === undefined) return []
    const hasMoved = now[where] !== was
    return [
      {
        ...{ name: 'detector', where, ok: hasMoved, seen: hasMoved ? step - before.step : 0 },
        expected: 'another state than the last time, for steps were made since',
      },
    ]
  })
}
