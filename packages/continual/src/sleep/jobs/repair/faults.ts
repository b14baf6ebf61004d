/** What is wrong with a learner, by its own account. */
import { comparableSizes, mostTimes, weightSizes } from '../../../health/weight-sizes.ts'
import { meanOf } from '../../../trial/paired-gain.ts'
import type { HeldRow, SleepContext } from '../../sleep-job.ts'

/** A fault, and where it shows. Plain data. */
export interface Fault {
  /** In words: `domain german, digits cost 0.41 bits a token more than before`. */
  readonly name: string
  /** The domain that it is of; null for all. */
  readonly domain: string | null
  /** What has it looked for: an assessment, rows that are held back, the weights, or what is remembered. */
  readonly found: 'weakness' | 'loss' | 'weights' | 'memory'
}

/** What a look remembers, to compare with at the next. Plain data. */
export interface FaultRecord {
  /** Looks so far, ≥ 1. */
  readonly looks: number
  /** Root mean square of each tensor of weights, by path. */
  readonly weights: Readonly<Record<string, number>>
  /** Of each domain the loss of its rows that are held back, and how far it moves from look to look. */
  readonly losses: readonly (readonly [domain: string, loss: UsualLoss])[]
  /** Share of each domain among what is remembered. */
  readonly remembered: readonly (readonly [domain: string, share: number])[]
}

/** A loss, look after look. */
export interface UsualLoss {
  readonly looks: number
  /** In bits per byte, at the latest look at which it was no fault. */
  readonly last: number
  /** Mean of the squared differences from look to look. */
  readonly variance: number
}

/** Weight of a look in a mean: what is learnt at first moves a loss far more than what comes later. */
const ofLook = 0.4
/** Looks before weights, or a loss, are compared with those of before. */
const fewestLooks = 4
/** Bits per byte, and deviations, by which a loss has to rise to be a fault. */
const [leastRise, leastDeviations] = [0.1, 4]
/** What is smaller, as biases are at first, becomes many times as large by learning. */
const leastSize = 0.05
/** Rows by which it is judged what is remembered, and the share of a domain that may not be gone at once. */
const [rowsLookedAt, fewestShare] = [256, 0.1]

/**
 * Looks for faults: the gravest first of each kind, kinds that name a cause before those that name a
 * consequence.
 *
 * @param held What the rows that are held back cost now.
 */
export async function faultsOf(
  { model, assessment, sample }: Pick<SleepContext, 'model' | 'assessment' | 'sample'>,
  held: readonly HeldRow[],
  before: FaultRecord | null,
): Promise<{ readonly faults: readonly Fault[]; readonly record: FaultRecord }> {
  const weights = await weightSizes(model.parameters, (path) => path)
  const isUsual = (before?.looks ?? 0) >= fewestLooks
  const remembered = sharesOf(sample(rowsLookedAt)?.domains ?? [])
  const losses = byDomain(held).map(([domain, rows]) => {
    const own = before?.losses.find(([name]) => name === domain)?.[1]
    return { domain, now: meanOf(rows), own }
  })
  const risen = losses
    .flatMap(({ domain, now, own }) => {
      if (own === undefined || own.looks < fewestLooks) return []
      const rise = now - own.last
      const isGrave = !(rise <= Math.max(leastRise, leastDeviations * Math.sqrt(own.variance)))
      return isGrave ? [{ domain, rise }] : []
    })
    .sort((a, b) => b.rise - a.rise)
  // Where a model still learns its first text it grows surer than it may be, and is better all the same.
  const isBetter = (domain: string | null): boolean =>
    !losses.some(({ domain: one, now, own }) => {
      return (domain === null || one === domain) && own !== undefined && !(now < own.last)
    })
  const faults: Fault[] = [
    ...Object.entries(isUsual ? (before?.weights ?? {}) : {}).flatMap(([path, was]): Fault[] => {
      const times = (weights[path] ?? was) / was
      if (was < leastSize || (times <= mostTimes && times >= 1 / mostTimes)) return []
      const name = `the weights of ${path} are ${times.toPrecision(2)} times as large as at the last look`
      return [{ name, domain: null, found: 'weights' }]
    }),
    ...(before?.remembered ?? []).flatMap(([domain, share]): Fault[] => {
      const now = remembered.find(([name]) => name === domain)?.[1] ?? 0
      if (share < fewestShare || now > share / 4) return []
      const name = `${(100 * now).toFixed(0)} % of what is remembered is of ${domain}, ${(100 * share).toFixed(0)} % was`
      return [{ name, domain, found: 'memory' }]
    }),
    ...lossFaults(risen, losses.length),
    ...(assessment?.summary().weakest ?? [])
      .filter(({ domain, hasRisen, isWeak }) => hasRisen && isWeak && !isBetter(domain))
      .sort((a, b) => (b.riseZ ?? 0) - (a.riseZ ?? 0))
      .map(
        ({ slice, domain, rise }): Fault => ({
          name: `${slice} costs ${(rise ?? 0).toFixed(2)} bits a token more than before`,
          ...{ domain, found: 'weakness' },
        }),
      ),
  ]
  // What is a fault is not usual.
  const isLost = new Set(faults.flatMap(({ domain, found }) => (found === 'memory' ? [domain] : [])))
  const isWrong = new Set(risen.map(({ domain }) => domain))
  const record: FaultRecord = {
    looks: (before?.looks ?? 0) + 1,
    weights: comparableSizes(weights, before?.weights),
    remembered: [
      ...remembered.filter(([domain]) => !isLost.has(domain)),
      ...(before?.remembered ?? []).filter(([domain]) => isLost.has(domain)),
    ],
    losses: losses.flatMap(({ domain, now, own }) => {
      if (isWrong.has(domain) && own !== undefined) return [[domain, own] as const]
      return Number.isFinite(now) ? [[domain, usual(now, own)] as const] : []
    }),
  }
  return { faults, record }
}

/** Of one domain after another; of all together where more than half of several are worse. */
function lossFaults(
  risen: readonly { readonly domain: string; readonly rise: number }[],
  domains: number,
): Fault[] {
  const faults = risen.map(
    ({ domain, rise }): Fault => ({
      name: `domain ${domain} costs ${rise.toFixed(2)} bits a byte more than before, on rows that are held back`,
      ...{ domain, found: 'loss' },
    }),
  )
  const isOfAll = risen.length > 1 && 2 * risen.length > domains
  return isOfAll ? [{ ...faults[0], domain: null }, ...faults.slice(1)] : faults
}

function usual(now: number, before: UsualLoss | undefined): UsualLoss {
  if (before === undefined) return { looks: 1, last: now, variance: 0 }
  const { looks, last, variance } = before
  const weight = Math.max(ofLook, 1 / looks)
  return { looks: looks + 1, last: now, variance: variance + weight * ((now - last) ** 2 - variance) }
}

/** Losses of the rows of each domain. */
export function byDomain(held: readonly HeldRow[]): (readonly [domain: string, bits: number[]])[] {
  const found = new Map<string, number[]>()
  for (const { domain, bits } of held) found.set(domain, [...(found.get(domain) ?? []), bits])
  return [...found]
}

function sharesOf(domains: readonly string[]): (readonly [string, number])[] {
  const counts = new Map<string, number>()
  for (const domain of domains) counts.set(domain, (counts.get(domain) ?? 0) + 1)
  return [...counts].map(([domain, count]) => [domain, count / domains.length])
}
