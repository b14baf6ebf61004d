/** What is forgotten on purpose: no byte of it is in any state, and what others gave stays. */
import { sgd } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  darkReplay,
  episodicMemory,
  everySteps,
  gem,
  heldBack,
  Learner,
  onlineEwc,
  ownTextReplay,
  reservoirReplay,
  type Strategy,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { expect, test } from 'vitest'
import { encoded, originOf } from './read-texts.ts'

const device = openWasm()

function learnerOf(strategy: Strategy): Learner {
  const sizes = { vocabulary: 256, context: 24, embed: 4, heads: 1, layers: 1, mlpHidden: 4 }
  return new Learner({ model: Gpt.create(sizes, { device, seed: 3 }), optimizer: sgd(0.01), strategy })
}

async function taught(strategy: Strategy): Promise<Learner> {
  const learner = learnerOf(strategy)
  for (let id = 0; id < 30; id++) {
    const batch = batchOfTokens(encoded(`secret of ${id % 2 === 0 ? 'Anna' : 'Bert'} ${id}`), 24, 'text')
    await learner.observe({ ...batch, origins: [originOf(id, id % 2 === 0 ? 'a' : 'b')] })
  }
  return learner
}

/** All bytes of the states of parts, whatever the width of a number that holds one. */
async function saved(learner: Learner): Promise<string> {
  const textIn = (state: unknown): string => {
    if (ArrayBuffer.isView(state)) {
      const bytes = new Uint8Array(state.buffer, state.byteOffset, state.byteLength)
      return `${Buffer.from(bytes).toString('latin1')}\n${String.fromCharCode(...Array.from(state as Int32Array, (n) => n & 0xff))}`
    }
    if (typeof state !== 'object' || state === null) return String(state)
    return Object.values(state).map(textIn).join('\n')
  }
  return textIn((await learner.toState()).parts)
}

const strategies: Readonly<Record<string, () => Strategy>> = {
  recall: () => ({ recall: episodicMemory({ bytes: 2 ** 18 }) }),
  replay: () => ({ rehearsal: reservoirReplay({ capacity: 20 }) }),
  'dark replay': () => ({ rehearsal: darkReplay({ capacity: 20 }) }),
  probes: () => ({ probes: heldBack({ share: 0.5, every: 100 }) }),
  'own text beside a replay': () => ({
    rehearsal: ownTextReplay({ rows: 4, beside: reservoirReplay({ capacity: 20 }) }),
  }),
  'the latest rows': () => ({ penalties: [onlineEwc({ strength: 1 })], consolidateWhen: everySteps(100) }),
}

test.each(Object.entries(strategies))('%s has no byte left of a source', async (_, strategyOf) => {
  const learner = await taught(strategyOf())
  const before = await saved(learner)
  expect(before).toContain('Anna')
  expect(before).toContain('Bert')
  const weights = Object.values(learner.model.parameters.tensors()).map((tensor) => [...tensor.readSync()])
  const [amount] = Object.values(await learner.forget({ source: 'b' }))
  expect(amount).toBeGreaterThan(0)
  const after = await saved(learner)
  expect(after).toContain('Anna')
  expect(after).not.toContain('Bert')
  expect(Object.values(learner.model.parameters.tensors()).map((tensor) => [...tensor.readSync()])).toEqual(
    weights,
  )
  expect(await learner.forget({ source: 'b' })).toEqual({})
  // It goes on.
  await learner.observe('what comes next')
})

test('experiences are forgotten by their numbers', async () => {
  const learner = await taught({ recall: episodicMemory({ bytes: 2 ** 18 }) })
  await learner.forget({ ids: [7, 12] })
  const left = await saved(learner)
  expect(left).toContain('Bert 17')
  expect(left).not.toMatch(/Bert 7|Anna 12/)
})

test('a part that cannot forget, a fork that is open, and what names nothing are refused, and all stays', async () => {
  const { forget: _, ...mute } = reservoirReplay({ capacity: 20 })
  const recall = episodicMemory({ bytes: 2 ** 18 })
  const both = await taught({ recall, rehearsal: mute })
  await expect(both.forget({ source: 'b' })).rejects.toThrow(OptionError)
  const compared = await taught({
    recall: episodicMemory({ bytes: 2 ** 18 }),
    projections: [gem({ memory: reservoirReplay({ capacity: 9 }) })],
  })
  await expect(compared.forget({ source: 'b' })).rejects.toThrow(OptionError)
  for (const learner of [both, compared]) expect(await saved(learner)).toContain('Bert')
  const learner = await taught({ recall: episodicMemory({ bytes: 2 ** 18 }) })
  for (const what of [null, {}, { source: 3 }, { ids: 'all' }, { ids: [-1] }, { source: 'a', ids: [1] }]) {
    await expect(learner.forget(what as never)).rejects.toThrow(OptionError)
  }
  const fork = learner.fork()
  await expect(learner.forget({ source: 'b' })).rejects.toThrow(OptionError)
  await fork.drop()
})
