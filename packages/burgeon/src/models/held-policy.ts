/** The policy that a life is held to, with its digest. */
import { createHash } from 'node:crypto'
import { checkPolicy, type Policy } from '@burgeon/continual'
import { BurgeonError, type Check } from '@burgeon/tensor'

/** A policy in the settings of a life. Plain data. */
export interface HeldPolicy {
  /** SHA-256 of the rules in canonical JSON, 64 hexadecimal digits. */
  readonly digest: string
  readonly rules: Policy
}

/** Fields in the order of their names, at every depth, so that the same rules have the same digest. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([name, own]) => `${JSON.stringify(name)}:${canonical(own)}`).join(',')}}`
}

/** The digest of a policy: of the same rules the same, however they were written. */
const policyDigest = (policy: Policy): string => createHash('sha256').update(canonical(policy)).digest('hex')

/** A policy with its digest. Throws PolicyError for what is none. */
export function heldPolicy(rules: Policy): HeldPolicy {
  return { digest: policyDigest(checkPolicy(rules)), rules }
}

/** A policy whose digest is that of its rules. */
export const aHeldPolicy: Check<HeldPolicy> = {
  expected: 'a policy { digest, rules } whose digest is that of its rules',
  accepts: (value): value is HeldPolicy => {
    if (typeof value !== 'object' || value === null) return false
    const { digest, rules } = value as Partial<HeldPolicy>
    try {
      return digest === policyDigest(checkPolicy(rules))
    } catch (error) {
      if (error instanceof BurgeonError) return false
      throw error
    }
  },
}
