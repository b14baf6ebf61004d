/** Right calls of what finds personal data and keeps it in, of `@burgeon/continual`. */
import * as api from '@burgeon/continual'
import type { CallsOf } from './call.ts'

/** By export. */
export const personalCalls = {
  findPersonalData: [() => ({ args: { text: 'anna@example.org' }, run: api.findPersonalData })],
  redactPersonalData: [() => ({ args: { text: 'anna@example.org' }, run: api.redactPersonalData })],
  personalData: [() => ({ args: { verdict: 'redact' as const }, run: api.personalData })],
  personalStream: [() => ({ args: {}, run: api.personalStream })],
} as const satisfies Partial<CallsOf<typeof api>>
