/** Knobs: factors of what a learner is made of, for a step that is to be another than usual. */
import { type Check, type ChecksOf, checkOptions, checks, fields, optional } from '@burgeon/tensor'
import { type DomainFactors, factorOf } from '../stream/domain-factors.ts'

/** Factors, each ≥ 0. With 1 everywhere a step is what it is without them, to the bit. */
export interface Knobs {
  /** Of the old rows that are learnt beside each new one. */
  readonly rehearsalShare: number
  /** Of the change of the weights, so of the learning rate. */
  readonly rate: number
  /** Of what penalties add to the loss. */
  readonly penalty: number
  /**
   * Of the chance that an old row comes back, by its domain; 1 for each that is not named. With 0 none of
   * them does.
   */
  readonly domains?: DomainFactors
}

/** All at 1. */
export const usualKnobs: Knobs = { rehearsalShare: 1, rate: 1, penalty: 1 }

const factor = checks.number({ from: 0 })
const factors: Check<DomainFactors> = {
  expected: 'an object with a number from 0 on for each domain',
  accepts: (value): value is DomainFactors =>
    checks.object('an object').accepts(value) && Object.values(value).every((each) => factor.accepts(each)),
}

/** Knobs of a saved state. */
export const savedKnobs: Check<Knobs> = fields<Knobs>('knobs', {
  rehearsalShare: factor,
  rate: factor,
  penalty: factor,
  domains: optional(factors),
})

const knobChecks: ChecksOf<Partial<Knobs>> = {
  ...{ rehearsalShare: factor, rate: factor, penalty: factor },
  domains: factors,
}

/** The knobs with 1 for each that is not given. Throws OptionError for others, or a factor below 0. */
export function knobsOf(who: string, given: Partial<Knobs>): Knobs {
  checkOptions(who, given, knobChecks)
  const { rehearsalShare = 1, rate = 1, penalty = 1, domains } = given
  return { rehearsalShare, rate, penalty, ...(domains && { domains }) }
}

/** The factors of both at once. */
export function bothKnobs(a: Knobs, b: Knobs): Knobs {
  const named = Object.keys({ ...a.domains, ...b.domains })
  return {
    rehearsalShare: a.rehearsalShare * b.rehearsalShare,
    rate: a.rate * b.rate,
    penalty: a.penalty * b.penalty,
    ...(named.length > 0 && {
      domains: Object.fromEntries(
        named.map((domain) => [domain, factorOf(a.domains, domain) * factorOf(b.domains, domain)]),
      ),
    }),
  }
}

/** `rehearsal × 0.31, rate × 1.00, penalty × 1.37, old rows of prose × 2.50`. */
export function knobsText({ rehearsalShare, rate, penalty, domains = {} }: Knobs): string {
  const named = { rehearsal: rehearsalShare, rate, penalty }
  const ofDomains = Object.entries(domains).map(
    ([domain, value]) => [`old rows of ${domain}`, value] as const,
  )
  return [...Object.entries(named), ...ofDomains]
    .map(([what, value]) => `${what} × ${value.toFixed(2)}`)
    .join(', ')
}
