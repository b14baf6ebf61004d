/** A text that is being written goes on through growth without being read again where the growth is exact, and is read again elsewhere. */
import { type Gpt, gptConfig } from '@burgeon/gpt'
import { grow, type GrowthRequest, planGrowth, ungrow } from '@burgeon/gpt/growth'
import { assign, type Device, scope } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { times } from '../how-long.ts'
import { drawConfig, drawFrom, drawRequest, modelOf, relativeDifference } from './tiny-model.ts'

const device = openReference()
const aSeed = fc.integer({ min: 1, max: 2 ** 31 })
const prompt = [1, 2]

interface Written {
  readonly tokens: number[]
  /** Log-probability of each. */
  readonly certainty: number[]
}

/** Writes by live weights; `between` runs before the token of each number from 1 on. */
async function written(
  model: Gpt,
  count: number,
  between: (at: number) => Promise<void> | void,
  cacheFormat: 'f32' | 'f16' | 'int8' = 'f32',
): Promise<Written> {
  const options = {
    tokens: count,
    temperature: 1,
    seed: 5,
    weights: 'live',
    logProbabilities: 0,
    cacheFormat,
  } as const
  const made: Written = { tokens: [], certainty: [] }
  for await (const { token = -1, logProbability = Number.NaN } of model.generate(prompt, options).steps()) {
    made.tokens.push(token)
    made.certainty.push(logProbability)
    await between(made.tokens.length)
  }
  return made
}

/** Changes what a token that stands in the text says to whoever reads it again. */
function unsay(model: Gpt, token: number): void {
  scope(() => {
    const { tensor } = model.parameters.get('embed.token.weight')
    const [, C] = tensor.shape
    const numbers = [...tensor.readSync()].map((x, i) => (Math.floor(i / C) === token ? -3 * x : x))
    assign(tensor, model.device.tensor(numbers, { shape: tensor.shape, dtype: 'f32' }))
  })
}

/** A drawn model whose head is a matrix of its own: what a token says when it is read is no logit. */
function modelFor(seed: number, on: Device = device, context = 12): Gpt {
  const config = { ...drawConfig(drawFrom(seed)), context, untiedHead: true }
  return modelOf(config, drawFrom(seed + 100), on)
}

/** Up to three exact requests, one after the other. */
async function growExactly(model: Gpt, seed: number): Promise<GrowthRequest[]> {
  const random = drawFrom(seed + 200)
  const made: GrowthRequest[] = []
  while (made.length < 1 + (seed % 3)) {
    const request = drawRequest(model.config, random)
    if (!planGrowth(model.config, request, [seed % 99, 0]).isExact) continue
    await grow(model, request, { mirrors: [], key: [seed % 99, made.length] })
    made.push(request)
  }
  return made
}

describe.each([
  ['the reference', device, 1e-10],
  ['wasm', openWasm({ threads: 1 }), 1e-4],
] as const)('on %s', (_, on, tolerance) => {
  test('exact growth reads nothing again: what was read is remembered as it was understood then', async () => {
    await fc.assert(
      fc.asyncProperty(aSeed, async (seed) => {
        const [still, growing] = [modelFor(seed, on), modelFor(seed, on)]
        // Tokens of the prompt, if they are not written again; from then on they mean something else.
        const expected = await written(still, 7, () => {})
        const silenced = prompt.filter((token) => !expected.tokens.includes(token))
        const kinds: GrowthRequest[] = []
        const text = await written(growing, 7, async (at) => {
          if (at !== 3) return
          kinds.push(...(await growExactly(growing, seed)))
          for (const token of silenced) unsay(growing, token)
        })
        expect(text.tokens, JSON.stringify(kinds)).toEqual(expected.tokens)
        expect(relativeDifference(expected.certainty, text.certainty)).toBeLessThan(tolerance)
        for (const model of [still, growing]) model.dispose()
      }),
      { numRuns: times(12, 80) },
    )
  })
})

test.each(['f16', 'int8'] as const)('packed as %s, too', async (format) => {
  await fc.assert(
    fc.asyncProperty(aSeed, async (seed) => {
      const [still, growing] = [modelFor(seed), modelFor(seed)]
      const expected = await written(still, 6, () => {}, format)
      const text = await written(
        growing,
        6,
        async (at) => {
          if (at === 2) await growExactly(growing, seed)
        },
        format,
      )
      // What is packed again may be rounded again, by less than it was.
      expect(relativeDifference(expected.certainty, text.certainty)).toBeLessThan(1e-2)
    }),
    { numRuns: times(6, 40) },
  )
})

const stacked: GrowthRequest = { kind: 'copyLayers' }

test('growth that is not exact has everything read again', async () => {
  const expected = modelFor(3)
  await grow(expected, stacked, { mirrors: [], key: [1, 2] })
  const model = modelFor(3)
  const { tokens, certainty } = await written(model, 5, async (at) => {
    if (at === 2) await grow(model, stacked, { mirrors: [], key: [1, 2] })
  })
  const text = [...prompt, ...tokens]
  for (const at of [2, 3, 4]) {
    const read = device.tensor(text.slice(0, 2 + at), { shape: [1, 2 + at], dtype: 'i32' })
    const logits = scope(() => [...expected.forward(read).readSync()]).slice(-expected.config.vocabulary)
    const most = Math.max(...logits)
    const all = most + Math.log(logits.reduce((sum, x) => sum + Math.exp(x - most), 0))
    expect(certainty[at]).toBeCloseTo(logits[tokens[at]] - all, 9)
    read.dispose()
  }
})

test('so has growth that was taken back, and a growth before the log knows of it', async () => {
  const model = modelFor(4)
  const { id, mlpHidden } = model.config.blocks[0]
  const still = await written(modelFor(4), 8, () => {})
  const text = await written(model, 8, async (at) => {
    if (at === 2) {
      const wider: GrowthRequest = { kind: 'widenMlp', block: id, to: mlpHidden + 2 }
      const record = await grow(model, wider, { mirrors: [], key: [1, 2] })
      ungrow(model, record, [])
    }
    if (at === 5)
      await grow(model, { kind: 'widenMlp', block: id, to: mlpHidden + 1 }, { mirrors: [], key: [1, 2] })
  })
  expect(text.tokens).toEqual(still.tokens)
  expect(relativeDifference(still.certainty, text.certainty)).toBeLessThan(1e-10)
})

test('rows of several lengths, of which one ends, go on side by side', async () => {
  const prompts = [[1], [2, 3, 1], [3, 2, 1]]
  const options = { tokens: 8, temperature: 1, seed: 2, weights: 'live' } as const
  const longer = async (model: Gpt, grows: boolean): Promise<unknown> => {
    let count = 0
    const generation = model.generate(prompts, { ...options, stopTokens: [0] })
    for await (const _step of generation.steps()) {
      if (++count % 5 !== 0 || !grows) continue
      const { id, heads, kvHeads } = model.config.blocks[0]
      const to = heads + (kvHeads < heads ? kvHeads : 1)
      await grow(model, { kind: 'addHeads', block: id, to }, { mirrors: [], key: [1, count] })
    }
    return generation
  }
  for (const seed of [1, 2, 3, 4])
    expect(await longer(modelFor(seed), true)).toEqual(await longer(modelFor(seed), false))
})

test('a new head finds nothing in what was read before it came', async () => {
  const config = gptConfig({
    vocabulary: 9,
    context: 12,
    embed: 8,
    heads: 2,
    layers: 1,
    mlpHidden: 4,
    untiedHead: true,
  })
  const learnt = async (rereads: boolean): Promise<Written> => {
    const model = modelOf(config, drawFrom(8), device)
    return written(model, 5, async (at) => {
      if (at !== 2) return
      const request: GrowthRequest = { kind: 'addHeads', block: 'b0', to: 3 }
      const record = await grow(model, request, { mirrors: [], key: [1, 2] })
      if (rereads) {
        ungrow(model, record, [])
        await grow(model, request, { mirrors: [], key: [1, 2] })
      }
      // The new head writes from now on.
      scope(() => {
        const { tensor } = model.parameters.get('blocks.b0.attention.output.weight')
        const numbers = [...tensor.readSync()].map((x, i) =>
          i < (2 * tensor.size) / 3 ? x : 0.5 * Math.cos(i),
        )
        assign(tensor, device.tensor(numbers, { shape: tensor.shape, dtype: 'f32' }))
      })
    })
  }
  const [remembered, readAgain] = [await learnt(false), await learnt(true)]
  expect(remembered.certainty.slice(0, 2)).toEqual(readAgain.certainty.slice(0, 2))
  expect(Math.abs(remembered.certainty[2] - readAgain.certainty[2])).toBeGreaterThan(1e-3)
})

test('no buffer is left behind', async () => {
  const model = modelFor(5)
  const before = device.memory.buffers - [...model.parameters].length
  await written(model, 6, async (at) => {
    if (at < 4) await growExactly(model, at)
  })
  expect(device.memory.buffers - [...model.parameters].length).toBe(before)
})
