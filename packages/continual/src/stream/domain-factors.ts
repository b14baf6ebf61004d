/** Factors by domain. */

/** A factor ≥ 0 for each domain that is named; 1 for every other. */
export type DomainFactors = Readonly<Record<string, number>>

/** Factor of a domain. */
export const factorOf = (factors: DomainFactors | undefined, domain: string): number =>
  factors !== undefined && Object.hasOwn(factors, domain) ? factors[domain] : 1
