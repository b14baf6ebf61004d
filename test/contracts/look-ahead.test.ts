/** The contract of a look-ahead: ours keep it, and ones that are broken in one way each do not. */
import { laMaml, type LaMamlOptions, type LookAhead } from '@burgeon/continual'
import { checkLookAhead, type LookAheadExpectation } from '@burgeon/continual/testing'
import {
  assign,
  fill,
  multiply,
  negate,
  OptionError,
  type Tensor,
  type TensorsByPath,
  zeros,
} from '@burgeon/tensor'
import { expect, test } from 'vitest'

const ahead = (options: Partial<LaMamlOptions> = {}): LookAhead =>
  laMaml({ rate: 0.2, rateOfRates: 0.1, steps: 3, ...options })

test.each<[string, () => LookAhead, LookAheadExpectation]>([
  ['three inner steps', ahead, {}],
  ['one inner step', () => ahead({ steps: 1 }), {}],
  ['first order', () => ahead({ firstOrder: true }), {}],
  ['gradients of rates held to a norm', () => ahead({ clipRateGradients: 0.01 }), {}],
  ['rates that stay', () => ahead({ rateOfRates: 0 }), { learnsRates: false }],
])('La-MAML with %s keeps every statement', async (_, make, expectation) => {
  const results = await checkLookAhead(make, expectation)
  expect(results.filter(({ holds }) => !holds)).toEqual([])
  expect(results.length).toBeGreaterThanOrEqual(19)
})

const each = (tensors: TensorsByPath, of: (x: Tensor) => Tensor): TensorsByPath =>
  Object.fromEntries(Object.entries(tensors).map(([path, x]) => [path, of(x)]))
const kept: Tensor[] = []
const broken: Readonly<Record<string, (own: LookAhead) => Partial<LookAhead>>> = {
  'takes one inner step for each': (own) => ({
    gradients: (objective, tries, weights) => own.gradients(objective, tries.toReversed(), weights),
  }),
  'takes the objective of the weights after': (own) => ({
    gradients: (objective, tries, weights) => own.gradients(() => objective(weights), tries, weights),
  }),
  'returns a gradient by weight and by rate': (own) => ({
    gradients: (objective, tries, weights) => ({ ...own.gradients(objective, tries, weights), rates: {} }),
  }),
  'points downhill': (own) => ({
    gradients(objective, tries, weights) {
      const found = own.gradients(objective, tries, weights)
      return { ...found, gradient: each(found.gradient, negate) }
    },
  }),
  'changes nothing while it looks': (own) => ({
    gradients(objective, tries, weights) {
      const found = own.gradients(objective, tries, weights)
      for (const weight of Object.values(weights)) assign(weight, multiply(weight, 0.5))
      return found
    },
  }),
  'learns its rates': () => ({ learn: () => {} }),
  'leaves a rate alone': (own) => ({
    learn: (rates, context) =>
      own.learn(
        each(rates, (x) => fill(x.device, x.shape, 0.01)),
        context,
      ),
  }),
  'goes on to the bit after it was': () => ({ restore: () => {}, checkState: () => {} }),
  'looks ahead with grown weights': () => ({ mirrors: [] }),
  'refuses weights of other shapes': (own) => ({
    gradients(objective, tries, weights) {
      try {
        return own.gradients(objective, tries, weights)
      } catch {
        const none = each(weights, (x) => zeros(x.shape, x.device))
        return { gradient: none, rates: none, aux: objective(weights)[1] }
      }
    },
  }),
  'keeps no more buffers from step to step of': (own) => ({
    learn(rates, context) {
      own.learn(rates, context)
      for (const rate of Object.values(rates)) kept.push(rate.retain())
    },
  }),
}

test.each(Object.entries(broken))('one that breaks "%s" is told so', async (statement, change) => {
  const make = (): LookAhead => {
    const own = ahead()
    return { ...own, ...change(own) }
  }
  const wrong = (await checkLookAhead(make)).filter(({ holds }) => !holds)
  expect(wrong.map((result) => result.statement).join('\n')).toContain(statement)
  for (const tensor of kept.splice(0)) tensor.release()
})

test('one that is no gradient transform is told so', async () => {
  const make = (): LookAhead => ({ ...ahead(), transform: () => ({}) })
  const wrong = (await checkLookAhead(make)).filter(({ holds }) => !holds)
  expect(wrong.map(({ statement }) => statement).join('\n')).toContain('for every gradient, and no other')
})

test('every statement of its own has a look-ahead that breaks it', async () => {
  const own = (await checkLookAhead(ahead)).slice(-Object.keys(broken).length)
  expect(
    own.filter(({ statement }) => !Object.keys(broken).some((text) => statement.includes(text))),
  ).toEqual([])
})

test('what makes no look-ahead is refused', async () => {
  for (const make of [null, 3, () => null, () => ({ name: 'half' })]) {
    await expect(checkLookAhead(make as never)).rejects.toThrow(OptionError)
  }
})
