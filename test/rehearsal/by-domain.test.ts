/** Old rows that are wanted of some domains more than of others: who comes back how often, from every rehearsal. */
import {
  type Batch,
  darkReplay,
  type DomainFactors,
  interference,
  ownTextReplay,
  type Rehearsal,
  replay,
  reservoirReplay,
} from '@burgeon/continual'
import { expect, test } from 'vitest'
import { stepOf } from '../continual/step-of.ts'
import { tinyModel } from '../continual/tiny-learner.ts'
import { numbered, ofDomains, offer } from './offered.ts'

/** Six rows, of three domains. */
const rows = ofDomains('aaabbc')

/** Domains of what comes back over some steps of one new row each. */
async function recalled(
  rehearsal: Rehearsal,
  factors: DomainFactors | null,
  steps: number,
): Promise<string[]> {
  const context = stepOf(numbered(99, 'a'), tinyModel())
  const found: string[] = []
  for (let step = 0; step < steps; step++) {
    const old = await rehearsal.recall({ ...context, ...(factors && { domainFactors: factors }) })
    found.push(...(old?.domains ?? []))
  }
  return found
}

const shareOf = (domains: readonly string[], domain: string): number =>
  domains.filter((one) => one === domain).length / domains.length

function filledReplay(): Rehearsal {
  const rehearsal = reservoirReplay({ capacity: 6, seed: 3 })
  offer(rehearsal, rows)
  return rehearsal
}

test('a row comes with the chance that all have, times the factor of its domain', async () => {
  for (const factors of [{ a: 0.5, b: 3 }, { c: 8 }, { a: 0, b: 1, c: 1 }]) {
    const weights = { a: 3, b: 2, c: 1 }
    const weighted = Object.entries(weights).map(
      ([domain, count]) => [domain, count * ((factors as DomainFactors)[domain] ?? 1)] as const,
    )
    const total = weighted.reduce((sum, [, weight]) => sum + weight, 0)
    const found = await recalled(filledReplay(), factors, 4000)
    // The seed is fixed; four standard deviations of a share of 4,000 draws are at most 0.032.
    for (const [domain, weight] of weighted)
      expect(Math.abs(shareOf(found, domain) - weight / total)).toBeLessThan(0.032)
  }
})

test('several rows of a step are different ones, and no more than have a factor above 0', async () => {
  const rehearsal = reservoirReplay({ capacity: 6, share: 5 })
  offer(rehearsal, rows)
  const context = stepOf(numbered(99, 'a'))
  for (let step = 0; step < 50; step++) {
    const old = (await rehearsal.recall({ ...context, domainFactors: { a: 0.1, b: 7 } })) as Batch
    expect(old.rows).toBe(5)
    const tokens = [...('tokens' in old ? old.tokens : [])]
    const numbers = old.domains.map((_, i) => tokens[3 * i + 1])
    expect(new Set(numbers).size).toBe(5)
    const few = (await rehearsal.recall({ ...context, domainFactors: { a: 0, c: 0 } })) as Batch
    expect(few.domains).toEqual(['b', 'b'])
    expect(await rehearsal.recall({ ...context, domainFactors: { a: 0, b: 0, c: 0 } })).toBeNull()
  }
})

test('equal factors change no bit', async () => {
  const usual = filledReplay()
  const without = await recalled(usual, null, 40)
  for (const factors of [{}, { a: 1 }, { a: 2.5, b: 2.5, c: 2.5 }]) {
    const own = filledReplay()
    expect(await recalled(own, factors, 40)).toEqual(without)
    expect(own.toState()).toEqual(usual.toState())
  }
})

const wanted: DomainFactors = { a: 0, b: 0.01 }

test('what is hurt most is looked for among rows that are drawn so', async () => {
  const rehearsal = replay({ capacity: 6, retrieval: interference({ candidates: 1 }) })
  offer(rehearsal, rows)
  expect(shareOf(await recalled(rehearsal, wanted, 200), 'c')).toBeGreaterThan(0.9)
})

test('dark replay draws so, both times', async () => {
  const rehearsal = darkReplay({ capacity: 6 })
  for (const [i, { domain }] of rows.entries())
    rehearsal.remember({ ...stepOf(numbered(i, domain)), logits: new Float32Array(2 * 256) })
  const found = await recalled(rehearsal, wanted, 200)
  expect(found).toHaveLength(400)
  expect(shareOf(found, 'c')).toBeGreaterThan(0.9)
})

test('beside own text, whatever is of an unwanted domain stays away', async () => {
  const rehearsal = ownTextReplay({ text: numbered(7, 'own'), rows: 1, beside: filledReplay() })
  expect(new Set(await recalled(rehearsal, { own: 0, a: 0, b: 0 }, 20))).toEqual(new Set(['c']))
  expect(shareOf(await recalled(rehearsal, {}, 20), 'own')).toBe(0.5)
})
