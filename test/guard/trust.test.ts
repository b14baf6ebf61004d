/** Trust acts by the share of the batch and by the update, never by the weight of a loss alone. Reaches inside for the weights of rows. */
import {
  batchOfTokens,
  guards,
  Learner,
  type Origin,
  provenance,
  reservoirReplay,
  type Strategy,
  type TokenBatch,
} from '@burgeon/continual'
import { adamw } from '@burgeon/autograd/optim'
import { Gpt } from '@burgeon/gpt'
import { openReference } from '@burgeon/tensor/reference'
import { expect, test } from 'vitest'
import { byTrust, dilution, mostUntrusted } from '../../packages/continual/src/learning/by-trust.ts'

const device = openReference()

function learnerWith(strategy: Strategy): Learner {
  const model = Gpt.create({ context: 8, embed: 8, heads: 2, layers: 1 }, { device, seed: 1 })
  return new Learner({ model, optimizer: adamw({ learningRate: 0.01 }), strategy, seed: 1 })
}

const originOf = (trust: number): Origin => ({ id: 7, source: 'a', domain: 'text', at: 0, trust })

/** Rows of 8 predictions, of these trusts. */
function rowsOf(...trusts: readonly number[]): TokenBatch {
  const tokens = Uint8Array.from({ length: 8 * trusts.length + 1 }, (_, i) => 97 + ((i * 7) % 23))
  return { ...batchOfTokens(tokens, 8, 'text'), origins: trusts.map(originOf) }
}

/** How far the weights are from where they began. */
async function moved(learner: Learner, steps: number, batch: TokenBatch): Promise<number> {
  const before = learner.model.parameters.tensors()
  const start = new Map(
    await Promise.all(
      Object.entries(before).map(async ([path, one]) => [path, [...(await one.read())]] as const),
    ),
  )
  for (let i = 0; i < steps; i++) await learner.observe(batch)
  let sum = 0
  for (const [path, one] of Object.entries(learner.model.parameters.tensors())) {
    const now = await one.read()
    sum += (start.get(path) ?? []).reduce((total, value, i) => total + (now[i] - value) ** 2, 0)
  }
  return Math.sqrt(sum)
}

test('rows that are not trusted weigh their trust, and together a quarter at most beside rows that are', () => {
  const { fresh, factor } = byTrust(rowsOf(1, 0.5), null, true)
  expect(factor).toBe(1)
  const weights = fresh.weights ?? []
  expect([weights[0], weights[8]]).toEqual([1, expect.closeTo(mostUntrusted / (1 - mostUntrusted), 6)])
  // Little of it is not scaled beyond its trust.
  const few = byTrust(rowsOf(1, 1, 1, 0.5), null, true)
  expect([few.fresh.weights?.[0], few.fresh.weights?.[24]]).toEqual([1, 0.5])
})

test('where nothing is trusted the update is as small as the trust', () => {
  expect(byTrust(rowsOf(0.2, 0.4), null, true).factor).toBeCloseTo(0.3, 10)
  expect(byTrust(rowsOf(0.2), rowsOf(1), true).factor).toBe(1)
  // Old rows with a loss of their own outweigh nothing.
  expect(byTrust(rowsOf(0.2), rowsOf(1), false).factor).toBe(0.2)
  expect(byTrust(rowsOf(0), null, true).factor).toBe(0)
})

test('trusted rows are what they were', () => {
  const [fresh, old] = [rowsOf(1, 1), rowsOf(1)]
  expect(byTrust(fresh, old, true)).toEqual({ fresh, old, factor: 1 })
  expect(byTrust(fresh, old, true).fresh).toBe(fresh)
})

test('old rows are weighed by their own trust', () => {
  const { old } = byTrust(rowsOf(1, 1), rowsOf(0.5), true)
  expect(old?.weights?.[0]).toBe(0.5)
})

test('more old rows are asked for as fresh ones are trusted less, and never fewer', () => {
  expect([
    dilution(rowsOf(1)),
    dilution(rowsOf(0.2)),
    dilution(rowsOf(0.5)),
    dilution(rowsOf(1, 1, 0.5)),
  ]).toEqual([...[1, 1, 1.5, 1]])
})

test('a stream of untrusted text alone moves the weights as far as its trust says, under Adam as well', async () => {
  const whole = await moved(learnerWith({}), 30, rowsOf(1, 1))
  const fifth = await moved(learnerWith({}), 30, rowsOf(0.2, 0.2))
  expect(fifth / whole).toBeLessThan(0.3)
  expect(fifth / whole).toBeGreaterThan(0.1)
  // A weight of the loss does nothing: why trust is none.
  const batch = rowsOf(1, 1)
  const weighted = { ...batch, weights: new Float32Array(16).fill(0.2) }
  expect((await moved(learnerWith({}), 30, weighted)) / whole).toBeGreaterThan(0.9)
})

test('text that is not trusted at all changes no weight', async () => {
  expect(await moved(learnerWith({}), 3, rowsOf(0))).toBe(0)
})

test('a text of an unknown source is learnt as little as it is trusted, and remembered with its trust', async () => {
  const rehearsal = reservoirReplay({ capacity: 20 })
  const learner = learnerWith({ guard: guards(provenance({ unknown: 0.2 })), rehearsal })
  await learner.observe('somebody says this')
  const { origins } = rehearsal.sample(9) as TokenBatch
  expect(origins?.map((origin) => [origin?.source, origin?.trust])).toEqual([
    ['unknown', 0.2],
    ['unknown', 0.2],
    ['unknown', 0.2],
  ])
})

test('trusted memory is asked for beside untrusted rows, as much as outweighs them', async () => {
  const rehearsal = reservoirReplay({ capacity: 100 })
  const learner = learnerWith({ rehearsal })
  for (let i = 0; i < 10; i++) await learner.observe(rowsOf(1, 1))
  expect((await learner.observe(rowsOf(1, 1))).rehearsedRows).toBe(2)
  expect((await learner.observe(rowsOf(0.8, 0.8))).rehearsedRows).toBe(4)
  expect((await learner.observe(rowsOf(0.2, 0.2))).rehearsedRows).toBe(2)
})
