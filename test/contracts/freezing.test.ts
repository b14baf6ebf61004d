/** The contract of a freezing: ours keeps it, and ones that are broken in one way each do not. */
import { freezeConverged, type Freezing } from '@burgeon/continual'
import { checkFreezing } from '@burgeon/continual/testing'
import { OptionError } from '@burgeon/tensor'
import { expect, test } from 'vitest'

const freezing = (): Freezing => freezeConverged({ every: 2, patience: 2, settle: 4, maxShare: 0.5 })

test('ours keeps every statement', async () => {
  const results = await checkFreezing(freezing, 30)
  expect(results.filter(({ holds }) => !holds)).toEqual([])
  expect(results).toHaveLength(6)
})

const broken: Readonly<Record<string, (own: Freezing) => Partial<Freezing>>> = {
  'asks for shares from 0 to 1': (own) => ({ sharesAt: (step) => own.sharesAt(step).map((x) => x - 1) }),
  'freezes something': () => ({ sharesAt: () => [] }),
  'wakes every block': (own) => ({ afterStep: (context) => own.afterStep({ ...context, events: [] }) }),
  'goes on the same': (own) => {
    let steps = 0
    return {
      sharesAt: (step) => (steps > 20 ? own.sharesAt(step) : []),
      afterStep(context) {
        steps++
        return own.afterStep(context)
      },
    }
  },
  'says of its events': (own) => ({
    afterStep: async (context) => (await own.afterStep(context)).map((event) => ({ ...event, step: 0 })),
  }),
  'refuses a state that is not its own': () => ({ restore: () => {} }),
}

test.each(Object.entries(broken))('one that breaks "%s" is told so', async (statement, change) => {
  const make = (): Freezing => {
    const own = freezing()
    return { ...own, ...change(own) }
  }
  const wrong = (await checkFreezing(make, 30)).filter(({ holds }) => !holds)
  expect(wrong.some((result) => result.statement.includes(statement))).toBe(true)
})

test('what makes no freezing is refused', async () => {
  for (const make of [null, 3, () => null, () => ({ name: 'half' })]) {
    await expect(checkFreezing(make as never)).rejects.toThrow(OptionError)
  }
})
