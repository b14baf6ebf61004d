import { attributionPatch, patch, type PatchQuestion } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { drawConfig, drawFrom, modelOf } from '../growth/tiny-model.ts'

const device = openWasm()
const seeds = Array.from({ length: 8 }, (_, i) => i + 1)

function drawn(seed: number): {
  model: Gpt
  question: PatchQuestion & { prompt: number[]; corrupt: number[] }
} {
  const model = modelOf(drawConfig(drawFrom(seed)), drawFrom(seed + 100), device)
  const { vocabulary, context } = model.config
  const random = drawFrom(seed + 7)
  const some = (count: number): number[] => Array.from({ length: count }, () => random.below(vocabulary))
  const prompt = some(context - 1)
  const corrupt = prompt.map((token, i) => (i === 0 ? (token + 1) % vocabulary : token))
  return { model, question: { prompt, corrupt, answer: some(2) } }
}

const scoreAfter = async (model: Gpt, { answer }: PatchQuestion, prompt: number[]): Promise<number> =>
  (await patch(model, { prompt, answer, corrupt: prompt }, { activations: [] })).cleanScore

describe.each(['denoise', 'noise'] as const)('patching, direction %s', (direction) => {
  test('tells the scores of both runs, and the effect of each head and MLP, the largest first', async () => {
    for (const seed of seeds) {
      const { model, question } = drawn(seed)
      const { cleanScore, corruptScore, effects } = await patch(model, question, { direction })
      expect(cleanScore).toBe(await scoreAfter(model, question, question.prompt))
      expect(corruptScore).toBe(await scoreAfter(model, question, question.corrupt))
      const parts = model.config.blocks.reduce((count, { heads }) => count + heads + 1, 0)
      expect(effects.length).toBe(parts)
      const values = effects.map(({ effect }) => effect)
      expect(values).toEqual(values.toSorted((a, b) => b - a))
      for (const { effect, share } of effects) {
        if (cleanScore !== corruptScore) expect(share).toBe(effect / (cleanScore - corruptScore))
      }
      model.dispose()
    }
  })

  test('of the embeddings alone carries everything, for they are all that differs', async () => {
    for (const seed of seeds) {
      const { model, question } = drawn(seed)
      const activations = [{ block: 'embed', part: 'embedding' }] as const
      const { cleanScore, corruptScore, effects } = await patch(model, question, { direction, activations })
      expect(effects[0].effect).toBe(cleanScore - corruptScore)
      model.dispose()
    }
  })

  test('of a head is what the same pass gives with its output replaced by hand', async () => {
    for (const seed of seeds) {
      const { model, question } = drawn(seed)
      const [{ id }] = model.config.blocks
      const { cleanScore, corruptScore, effects } = await patch(model, question, {
        direction,
        activations: [{ block: id, part: 'head', head: 0 }],
      })
      const [into, from] =
        direction === 'denoise' ? [question.corrupt, question.prompt] : [question.prompt, question.corrupt]
      const byHand = headReplaced(model, question, { into, from, block: id })
      const effect = direction === 'denoise' ? byHand - corruptScore : cleanScore - byHand
      expect(Math.abs(effects[0].effect - effect)).toBeLessThan(1e-5)
      model.dispose()
    }
  })
})

/** The score with the output of head 0 taken from another prompt, computed with plain numbers. */
function headReplaced(
  model: Gpt,
  { answer }: PatchQuestion,
  { into, from, block }: { readonly into: number[]; readonly from: number[]; readonly block: string },
): number {
  const own = answer as number[]
  const tokensOf = (prompt: number[]) =>
    device.tensor([...prompt, own[0]], { shape: [1, prompt.length + 1], dtype: 'i32' })
  let other: Float32Array = new Float32Array()
  using a = tokensOf(from)
  using b = tokensOf(into)
  const isIt = (at: string, what: string): boolean => at === block && what === 'headOutput'
  model
    .forward(a, undefined, {
      observe: (at, what, x) => isIt(at, what) && (other = Float32Array.from(x.readSync())),
    })
    .dispose()
  using logits = model.forward(b, undefined, {
    replace: (at, what, x) => {
      if (!isIt(at, what)) return undefined
      const [, , H, D] = x.shape
      const mixed = Float32Array.from(x.readSync(), (value, i) =>
        Math.floor(i / D) % H === 0 ? other[i] : value,
      )
      return device.tensor(mixed, { shape: x.shape, dtype: 'f32' })
    },
  })
  const [numbers, V] = [logits.readSync(), model.config.vocabulary]
  return own.reduce((score, token, i) => {
    const row = Array.from({ length: V }, (_, v) => numbers[(into.length - 1 + i) * V + v])
    return score + row[token] - row.reduce((x, y) => x + y, 0) / V
  }, 0)
}

test('without a corrupt prompt the other run knows nothing of the text', async () => {
  const { model, question } = drawn(2)
  const { prompt, answer } = question
  const once = await patch(model, { prompt, answer })
  const again = await patch(model, { prompt: question.corrupt, answer })
  expect(once.corruptScore).not.toBe(once.cleanScore)
  expect(again.cleanScore).toBe(await scoreAfter(model, question, question.corrupt))
  // Where each place has the mean embedding, the text does not matter but for rounding.
  expect(Math.abs(again.corruptScore - once.corruptScore)).toBeLessThan(1e-4)
  model.dispose()
})

test('two equal prompts leave no part an effect', async () => {
  const { model, question } = drawn(3)
  const { effects } = await patch(model, { ...question, corrupt: question.prompt })
  expect(effects.every(({ effect, share }) => effect === 0 && share === null)).toBe(true)
  model.dispose()
})

test('patching refuses a corrupt prompt of another length, and parts that there are none', async () => {
  const { model, question } = drawn(1)
  await expect(patch(model, { ...question, corrupt: [0] })).rejects.toThrow(OptionError)
  const activations = [{ block: 'b0', part: 'head', head: 99 }] as const
  await expect(patch(model, question, { activations })).rejects.toThrow(/parts of the model/)
  model.dispose()
})

describe('attribution patching', () => {
  test('is what patching measures where the corrupt prompt hardly differs', async () => {
    for (const seed of seeds) {
      const { model } = drawn(seed)
      // Two tokens whose embeddings are close: first order is all there is.
      const state = await model.toState()
      const table = state.weights['embed.token.weight']
      const C = model.config.embed
      const data = Float32Array.from(table.data)
      for (let c = 0; c < C; c++) data[C + c] = data[c] + 0.01 * (c % 2 === 0 ? 1 : -1)
      const weights = { ...state.weights, 'embed.token.weight': { shape: table.shape, data } }
      const close = Gpt.fromState({ ...state, weights }, device)
      const question = { prompt: [0, 2, 3], corrupt: [1, 2, 3], answer: [4] }
      const { estimates, gap } = await attributionPatch(close, question, { measured: 100 })
      const { effects } = await patch(close, question)
      const exact = new Map(
        effects.map(({ block, part, head, effect }) => [`${block} ${part} ${head}`, effect]),
      )
      const largest = Math.max(...effects.map(({ effect }) => Math.abs(effect)))
      for (const { block, part, head, estimate, effect } of estimates) {
        expect(effect).toBe(exact.get(`${block} ${part} ${head}`))
        expect(Math.abs(estimate - (effect ?? NaN)), `${seed}`).toBeLessThan(0.15 * largest + 1e-5)
      }
      expect(gap).toBe(
        Math.max(...estimates.map(({ estimate, effect = NaN }) => Math.abs(estimate - effect))),
      )
      model.dispose()
      close.dispose()
    }
  })

  test('measures the five largest, or as many as are asked for', async () => {
    const { model, question } = drawn(4)
    const measured = async (count?: number): Promise<number> => {
      const { estimates } = await attributionPatch(
        model,
        question,
        count === undefined ? {} : { measured: count },
      )
      const sizes = estimates.map(({ estimate }) => Math.abs(estimate))
      expect(sizes).toEqual(sizes.toSorted((a, b) => b - a))
      return estimates.findIndex(({ effect }) => effect === undefined)
    }
    const parts = model.config.blocks.reduce((count, { heads }) => count + heads + 1, 0)
    expect(await measured()).toBe(parts > 5 ? 5 : -1)
    expect(await measured(1)).toBe(1)
    expect((await attributionPatch(model, question, { measured: 0 })).gap).toBeNull()
    model.dispose()
  })
})
