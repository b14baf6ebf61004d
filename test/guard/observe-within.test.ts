/** A step that is looked at before it stands. */
import { adamw } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  heldBack,
  Learner,
  observeWithin,
  reservoirReplay,
  type TokenBatch,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { expect, test } from 'vitest'

const device = openReference()

/** A batch of two rows of a text, from an experience of its own. */
function rowsOf(text: string, id: number): TokenBatch {
  const batch = batchOfTokens(new TextEncoder().encode(text.slice(0, 17)), 8, 'text')
  return {
    ...batch,
    origins: batch.domains.map(() => ({ id, source: 'a', domain: 'text', at: id, trust: 1 })),
  }
}

/** A learner that knows one sentence, rows of which it holds back. */
async function knowing(learningRate = 0.02): Promise<Learner> {
  const learner = new Learner({
    model: Gpt.create({ context: 8, embed: 16, heads: 2, layers: 1 }, { device, seed: 1 }),
    optimizer: adamw({ learningRate }),
    strategy: {
      probes: heldBack({ share: 0.3, capacity: 20 }),
      rehearsal: reservoirReplay({ capacity: 20, share: 0.1 }),
    },
    seed: 1,
  })
  for (let id = 0; id < 60; id++) await learner.observe(rowsOf('the rain falls on the town', id))
  return learner
}

/** Of an experience that is not held back. */
const learntId = 61

test('a step that spoils what is known is undone to the bit, and one that does not is a plain step', async () => {
  const [learner, plain] = [await knowing(), await knowing()]
  const before = await learner.toState()
  const noise = rowsOf('ZZZZZZZZZZZZZZZZZZ', learntId)
  const undone = await observeWithin(learner, noise, { most: 0.001 })
  expect(undone.report.updateNorm).toBeGreaterThan(0)
  expect(undone).toMatchObject({ isKept: false, worst: { domain: 'text' } })
  expect(undone.worst?.bits).toBeGreaterThan(0.001)
  expect(await learner.toState()).toEqual(before)
  const kept = await observeWithin(learner, noise, { most: 100 })
  await plain.observe(noise)
  expect(kept.isKept).toBe(true)
  expect(await learner.toState()).toEqual(await plain.toState())
})

test('where a step fails the learner is as it was, and goes on', async () => {
  const learner = await knowing()
  await expect(observeWithin(learner, 'x')).rejects.toThrow(OptionError)
  expect((await learner.observe('goes on')).step).toBe(61)
})

test('a learner that holds nothing back is refused', async () => {
  const model = Gpt.create({ context: 8, embed: 8, heads: 2, layers: 1 }, { device })
  const learner = new Learner({ model, optimizer: adamw({ learningRate: 0.1 }) })
  await expect(observeWithin(learner, 'text')).rejects.toThrow(/without probes/)
})
