/** Longer sequences: where the new positions come, and what that does to the old ones. */
import { adamw } from '@burgeon/autograd/optim'
import { gptConfig } from '@burgeon/gpt'
import { grow, planGrowth, ungrow } from '@burgeon/gpt/growth'
import { scope, TensorMirror } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { drawConfig, drawFrom, everyByte, learn, logitsOf, modelOf, tokensFor } from './tiny-model.ts'

const device = openReference()
const sizes = { vocabulary: 7, context: 6, embed: 4, heads: 1, layers: 2 }
const learned = gptConfig(sizes)
const rotary = gptConfig({ ...sizes, headDim: 8, positions: 'rotary' })

/** Contexts before and after. */
const lengths = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 20 }))
  .map(([from, more]) => [from, from + more] as const)

describe('learned positions', () => {
  test('that are stretched keep their rows and order, and what lies between is on the line from one to the other', async () => {
    await fc.assert(
      fc.asyncProperty(lengths, async ([from, to]) => {
        const model = modelOf({ ...learned, context: from }, drawFrom(from), device)
        const table = (): number[] => [...model.parameters.get('embed.position.weight').tensor.readSync()]
        const rowsOf = (all: readonly number[]): number[][] =>
          Array.from({ length: all.length / 4 }, (_, i) => all.slice(4 * i, 4 * i + 4))
        const before = rowsOf(table())
        using probe = tokensFor(model, drawFrom(1))
        await grow(model, { kind: 'growContext', to, how: 'stretched' }, { mirrors: [], probe, key: [1, 2] })
        const after = rowsOf(table())
        expect(after).toHaveLength(to)
        for (const [j, row] of after.entries()) {
          // The old position that this one lies at or after, the next, and how far it is on the way.
          const below = before.findLastIndex((_, i) => Math.round((i * to) / from) <= j)
          const above = Math.min(below + 1, from - 1)
          const [at, next] = [below, below + 1].map((i) => Math.round((i * to) / from))
          const way = (j - at) / (next - at)
          row.forEach((x, c) =>
            expect(x).toBeCloseTo(before[below][c] * (1 - way) + before[above][c] * way, 6),
          )
        }
        model.dispose()
      }),
    )
  })
  test('that are repeated are the old ones in turn', async () => {
    await fc.assert(
      fc.asyncProperty(lengths, async ([from, to]) => {
        const model = modelOf({ ...learned, context: from }, drawFrom(from), device)
        const table = (): number[] => [...model.parameters.get('embed.position.weight').tensor.readSync()]
        const before = table()
        using probe = tokensFor(model, drawFrom(1))
        await grow(model, { kind: 'growContext', to, how: 'repeated' }, { mirrors: [], probe, key: [1, 2] })
        expect(table()).toEqual(Array.from({ length: 4 * to }, (_, i) => before[i % (4 * from)]))
        model.dispose()
      }),
    )
  })
})

describe('rotary positions', () => {
  const frequenciesAfter = (how: 'appended' | 'stretched' | 'byParts', from: number, to: number): number[] =>
    planGrowth({ ...rotary, context: from }, { kind: 'growContext', to, how }, [1, 2]).config.blocks.flatMap(
      ({ frequencies = [] }) => frequencies,
    )
  const before = rotary.blocks.flatMap(({ frequencies = [] }) => frequencies)

  test('that are appended turn as before', () => {
    expect(frequenciesAfter('appended', 6, 9)).toEqual(before)
  })
  test('that are stretched turn as far in the whole new context as they did in the old one', () => {
    fc.assert(
      fc.property(lengths, ([from, to]) => {
        const after = frequenciesAfter('stretched', from, to)
        after.forEach((f, i) => expect(f * to).toBeCloseTo(before[i] * from, 12))
      }),
    )
  })
  test('that are stretched by parts keep what turns often, and stretch what never turns once', () => {
    const [from, to] = [1024, 4096]
    const after = frequenciesAfter('byParts', from, to)
    const turns = before.map((f) => (f * from) / (2 * Math.PI))
    const shares = after.map((f, i) => f / before[i])
    expect(turns.filter((n) => n > 32)).not.toHaveLength(0)
    expect(turns.filter((n) => n < 1)).not.toHaveLength(0)
    turns.forEach((n, i) => {
      if (n >= 32) expect(shares[i]).toBe(1)
      else if (n <= 1) expect(shares[i]).toBeCloseTo(from / to, 12)
      else expect(shares[i]).toBeCloseTo((n - 1 + (32 - n) * (from / to)) / 31, 12)
    })
  })
})

test('appended and repeated positions leave every logit, the others say how far they moved, and all are taken back to the byte', async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = drawFrom(seed)
    const model = modelOf(drawConfig(random), random, device)
    using probe = tokensFor(model, random)
    const optimizer = adamw({ learningRate: 0.01 })
    learn(model, optimizer, probe, 0)
    const anchor = new TensorMirror('anchor', 'value')
    scope(() => {
      for (const { path, tensor } of model.parameters)
        anchor.set(path, device.tensor(tensor.readSync(), tensor))
    })
    const mirrors = [...optimizer.mirrors, anchor]
    const { context, positions } = model.config
    for (const how of ['appended', 'stretched', positions === 'rotary' ? 'byParts' : 'repeated'] as const) {
      const [bytes, logits] = [everyByte(model, mirrors), logitsOf(model, probe)]
      const to = context + 1 + random.below(6)
      const record = await grow(model, { kind: 'growContext', to, how }, { mirrors, probe, key: [seed, 1] })
      expect(model.config.context).toBe(to)
      expect(record.logitsMoved > 0).toBe(how !== 'appended' && how !== 'repeated')
      expect(everyByte(model, [anchor])).toMatchObject({ mirrors: [['anchor', { ...valuesOf(model) }]] })
      ungrow(model, record, mirrors)
      expect(everyByte(model, mirrors)).toEqual(bytes)
      expect(logitsOf(model, probe)).toEqual(logits)
    }
    model.dispose()
  }
})

const valuesOf = (model: ReturnType<typeof modelOf>): Record<string, number[]> =>
  Object.fromEntries([...model.parameters].map(({ path, tensor }) => [path, [...tensor.readSync()]]))
