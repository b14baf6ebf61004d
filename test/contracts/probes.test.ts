/** The contract of probes: ours keep it, and ones that are broken in one way each do not. */
import { heldBack, type Probes } from '@burgeon/continual'
import { checkProbes } from '@burgeon/continual/testing'
import { OptionError } from '@burgeon/tensor'
import { expect, test } from 'vitest'

test.each<[string, () => Probes]>([
  ['probes as they are by default', () => heldBack()],
  ['probes of places', () => heldBack({ share: 0.1, by: 'place' })],
  ['probes of a few rows', () => heldBack({ share: 0.1, capacity: 6, every: 7, rows: 2, seed: 3 })],
])('%s keep every statement', async (_, make) => {
  const results = await checkProbes(make)
  expect(results.filter(({ holds }) => !holds)).toEqual([])
  expect(results).toHaveLength(9)
})

const broken: Readonly<Record<string, (own: Probes) => Partial<Probes>>> = {
  'whatever it has seen': (own) => ({ isHeldBack: (row) => own.rows < 9 && own.isHeldBack(row) }),
  'holds some rows back': () => ({ isHeldBack: () => true }),
  'and no others': (own) => ({
    afterStep: (tokens, measureRows) =>
      own.afterStep(tokens, (batch) => measureRows({ ...batch, origins: batch.domains.map(() => null) })),
  }),
  'is not changed by that': (own) => ({
    async measure(measureRows) {
      const measured = await own.measure(measureRows)
      await own.afterStep(0, measureRows)
      return measured
    },
  }),
  'tells as forgotten': (own) => ({
    async afterStep(tokens, measureRows) {
      const found = await own.afterStep(tokens, measureRows)
      if (found === null) return null
      return Object.fromEntries(
        Object.entries(found).map(([domain, loss]) => [domain, { ...loss, forgotten: loss.bits }]),
      )
    },
  }),
  'whichever others come or go': (own) => {
    const lowest = new Map<string, number>()
    return {
      async afterStep(tokens, measureRows) {
        const found = await own.afterStep(tokens, measureRows)
        if (found === null) return null
        const told = Object.entries(found).map(([domain, loss]) => {
          const least = Math.min(loss.bits, lowest.get(domain) ?? Infinity)
          lowest.set(domain, least)
          return [domain, { ...loss, forgotten: loss.bits - least }]
        })
        return Object.fromEntries(told)
      },
    }
  },
  'goes on to the bit': (own) => {
    let steps = 0
    return {
      afterStep: async (tokens, measureRows) =>
        steps++ % 50 === 7 ? null : own.afterStep(tokens, measureRows),
    }
  },
  'refuses a state': (own) => ({
    restore(state) {
      try {
        own.restore(state)
      } catch {
        // As if nothing had happened.
      }
    },
  }),
  'puts another row': () => ({ recode: () => {} }),
}

test.each(Object.entries(broken))('one that breaks "%s" is told so', async (statement, change) => {
  const make = (): Probes => {
    const own = heldBack({ share: 0.1, every: 1 })
    const changed = Object.create(own, Object.getOwnPropertyDescriptors(change(own))) as Probes
    return changed
  }
  const wrong = (await checkProbes(make)).filter(({ holds }) => !holds)
  expect(wrong.map((result) => result.statement)).toContainEqual(expect.stringContaining(statement))
})

test('what makes no probes is refused', async () => {
  for (const make of [null, 3, () => null, () => ({ name: 'half' })])
    await expect(checkProbes(make as never)).rejects.toThrow(OptionError)
})
