/** A policy as a guard. */
import type { Guard, GuardDecision } from '../guard.ts'
import { guards } from '../guards.ts'
import { outputFilter } from '../output/output-filter.ts'
import { personalData } from '../personal/personal-data.ts'
import { ownSource } from '../../stream/origin.ts'
import type { LearnRules, NameRules, Policy } from './policy.ts'
import { checkPolicy } from './read-policy.ts'

const reasons = {
  source: 'a source that the policy does not allow',
  domain: 'a domain that the policy does not allow',
  text: 'a phrase or pattern that the policy does not allow',
} as const

/**
 * Refuses what a policy does not allow to be learnt, and does with personal data what it says. What the model
 * wrote itself has no source to judge.
 *
 * @throws PolicyError for what is no policy.
 * @example
 * ```ts
 * const guard = policyGuard({ learn: { sources: { allow: ['nats://*'] }, personalData: 'redact' } })
 * ```
 */
export function policyGuard(policy: Policy): Guard {
  const { learn = {} } = checkPolicy(policy)
  const own = byRules(learn)
  return learn.personalData === undefined ? own : guards(own, personalData(learn.personalData))
}

function byRules({ sources, domains, phrases = [], patterns = [] }: LearnRules): Guard {
  const filter = outputFilter({ phrases, patterns })
  const refuse = (reason: string): GuardDecision => ({ verdict: 'refuse', reasons: [reason] })
  return {
    name: 'policy',
    reasons: Object.values(reasons),
    admit({ text, source, domain, key = '' }) {
      if (source !== ownSource && !isAllowed(source, sources)) return refuse(reasons.source)
      if (!isAllowed(domain, domains)) return refuse(reasons.domain)
      const isClean = [text, key].every((one) => filter.clean(one) === one)
      return isClean ? { verdict: 'learn' } : refuse(reasons.text)
    },
  }
}

const fits = (name: string, rule: string): boolean =>
  rule.endsWith('*') ? name.startsWith(rule.slice(0, -1)) : name === rule

/** Whether rules allow a name. */
function isAllowed(name: string, { allow, refuse = [] }: NameRules = {}): boolean {
  if (refuse.some((rule) => fits(name, rule))) return false
  return allow === undefined || allow.some((rule) => fits(name, rule))
}
