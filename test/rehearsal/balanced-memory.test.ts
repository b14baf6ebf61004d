/** The balanced reservoir keeps as many rows of every domain, and of each a uniform sample, by a test of χ². */
import { balancedMemory, type Memory, replay, reservoirMemory } from '@burgeon/continual'
import { describe, expect, test } from 'vitest'
import { filled, keptBy, offer, ofDomains } from './offered.ts'

const capacity = 12
const runs = 2000
/** Rows of a come first and in plenty, then some of b, a few of c, and all of them mixed. */
const stream = 'a'.repeat(20) + 'ab'.repeat(10) + 'cab'.repeat(5) + 'aab'.repeat(5)
const domainsOf = stream.split('')

/** How often each row of the stream is kept. */
function keptCounts(memory: () => Memory): number[] {
  const counts = new Array<number>(stream.length).fill(0)
  for (let seed = 0; seed < runs; seed++) {
    for (const number of keptBy(filled(memory(), capacity, ofDomains(stream), seed))) counts[number]++
  }
  return counts
}

/**
 * χ² of how evenly the rows of a domain are kept. Of each run a fixed share of them is, hence the factors, as
 * for a sample that is drawn without putting any back.
 */
function unevenness(counts: readonly number[], domain: string): { chi: number; rows: number; kept: number } {
  const own = counts.filter((_, i) => domainsOf[i] === domain)
  const total = own.reduce((a, b) => a + b, 0)
  const expected = total / own.length
  const share = expected / runs
  const sum = own.reduce((chi, count) => chi + (count - expected) ** 2, 0)
  const chi = (sum / expected / (1 - share)) * (1 - 1 / own.length)
  return { chi, rows: own.length, kept: total / runs }
}

/** 99.9 % quantile of χ² by degrees of freedom (Wilson & Hilferty 1931). */
const limit = (degrees: number): number =>
  degrees * (1 - 2 / (9 * degrees) + 3.0902 * Math.sqrt(2 / (9 * degrees))) ** 3

describe('a balanced memory', () => {
  const counts = keptCounts(balancedMemory)
  test('keeps as many rows of each domain as of any other', () => {
    for (const domain of 'abc') expect(unevenness(counts, domain).kept).toBeCloseTo(4, 1)
  })
  test('keeps every row of a domain with the same chance, whenever it came', () => {
    for (const domain of 'ab') {
      const { chi, rows } = unevenness(counts, domain)
      expect(chi).toBeLessThan(limit(rows - 1))
    }
  })
  test('would not if a domain that has given way took in every row, and this test would notice', () => {
    const hungry = (): Memory => {
      const own = balancedMemory()
      return {
        ...own,
        offer: (row, view) => own.offer(row, { ...view, draw: (max) => view.draw(Math.min(max, 4)) }),
      }
    }
    const { chi, rows } = unevenness(keptCounts(hungry), 'a')
    expect(chi).toBeGreaterThan(4 * limit(rows - 1))
  })
  test('is what a plain reservoir is not: that keeps a domain by how often it came', () => {
    const plain = keptCounts(reservoirMemory)
    expect(unevenness(plain, 'a').kept / unevenness(plain, 'c').kept).toBeGreaterThan(5)
  })
  test('goes on to the bit after a save in the middle', () => {
    const whole = filled(balancedMemory(), capacity, ofDomains(stream), 3)
    const first = filled(balancedMemory(), capacity, ofDomains(stream.slice(0, 30)), 3)
    const second = replay({ capacity, memory: balancedMemory(), seed: 9 })
    second.restore(structuredClone(first.toState()))
    offer(second, ofDomains(stream.slice(30)), 30)
    expect(keptBy(second)).toEqual(keptBy(whole))
  })
})
