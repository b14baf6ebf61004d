import { adamw } from '@burgeon/autograd/optim'
import type { Gpt } from '@burgeon/gpt'
import { grow, GrowthRefusedError, planGrowth, ungrow } from '@burgeon/gpt/growth'
import { multiply, OptionError, scope, type Tensor } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, test } from 'vitest'
import {
  drawConfig,
  drawFrom,
  everyByte,
  isTensorMirror,
  learn,
  logitsOf,
  modelOf,
  type Numbers,
  numbersOf,
  relativeDifference,
  tokensFor,
} from './tiny-model.ts'

const device = openReference()
const config = drawConfig(drawFrom(3))
const three = {
  ...config,
  nextBlock: 3,
  blocks: ['b0', 'b1', 'b2'].map((id, i) => ({ ...config.blocks[0], id, mlpHidden: 2 + i })),
}
const model = (): Gpt => modelOf(three, drawFrom(5), device)
const idsAfter = (request: object): string[] =>
  planGrowth(three, { kind: 'copyLayers', ...request }, [1, 2]).config.blocks.map(({ id }) => id)

describe('stacking', () => {
  test('puts copies on top, in order, or each beside its original', () => {
    expect(idsAfter({})).toEqual(['b0', 'b1', 'b2', 'b3', 'b4', 'b5'])
    expect(idsAfter({ order: 'beside' })).toEqual(['b0', 'b3', 'b1', 'b4', 'b2', 'b5'])
    expect(idsAfter({ copies: 3 })).toHaveLength(12)
    expect(idsAfter({ of: ['b1', 'b2'] })).toEqual(['b0', 'b1', 'b2', 'b3', 'b4'])
    expect(idsAfter({ of: ['b0'], copies: 2 })).toEqual(['b0', 'b3', 'b4', 'b1', 'b2'])
  })
  test('copies every number and size of a block', async () => {
    const small = model()
    using probe = tokensFor(small, drawFrom(1))
    const before = numbersOf(small.parameters.tensors())
    const record = await grow(small, { kind: 'copyLayers', of: ['b1'] }, { mirrors: [], probe, key: [1, 2] })
    const after = numbersOf(small.parameters.tensors())
    const copied = Object.keys(after).filter((path) => path.startsWith('blocks.b3.'))
    expect(copied.length).toBeGreaterThan(8)
    for (const path of copied) expect(after[path], path).toEqual(before[path.replace('b3', 'b1')])
    expect(small.config.blocks[2]).toEqual({ ...three.blocks[1], id: 'b3' })
    expect(record.parametersAfter - record.parametersBefore).toBe(
      planGrowth(three, record.request, [1, 2]).parameters,
    )
  })
  test('changes what the model says, and can be taken back to the byte', async () => {
    const small = model()
    using probe = tokensFor(small, drawFrom(1))
    const optimizer = adamw({ learningRate: 0.01 })
    learn(small, optimizer, probe, 0)
    const before = everyByte(small, optimizer.mirrors)
    const record = await grow(
      small,
      { kind: 'copyLayers' },
      { mirrors: optimizer.mirrors, probe, key: [1, 2] },
    )
    expect(record.logitsMoved).toBeGreaterThan(0)
    ungrow(small, record, optimizer.mirrors)
    expect(everyByte(small, optimizer.mirrors)).toEqual(before)
  })
  test.each(['top', 'beside'] as const)(
    'copies on %s that write nothing yet leave the logits',
    async (order) => {
      const small = model()
      using probe = tokensFor(small, drawFrom(1))
      const [before, logits] = [numbersOf(small.parameters.tensors()), logitsOf(small, probe)]
      const record = await grow(
        small,
        { kind: 'copyLayers', order, copies: 2, writes: 'nothing' },
        { mirrors: [], probe, key: [1, 2] },
      )
      expect(record.logitsMoved).toBeLessThanOrEqual(1e-12)
      expect(relativeDifference(logits, logitsOf(small, probe))).toBeLessThanOrEqual(1e-12)
      const after = numbersOf(small.parameters.tensors())
      const copied = Object.keys(after).filter((path) => !Object.hasOwn(before, path))
      expect(copied.length).toBeGreaterThan(48)
      for (const path of copied) {
        if (/\.(output|down)\./.test(path)) expect(new Set(after[path]), path).toEqual(new Set([0]))
        else expect(Object.values(before), path).toContainEqual(after[path])
      }
      for (const path of Object.keys(before)) expect(after[path], path).toEqual(before[path])
    },
  )
  test.each([1, 2, 3])('%i copies that share make up what the original wrote', async (copies) => {
    const small = model()
    using probe = tokensFor(small, drawFrom(1))
    const before = numbersOf(small.parameters.tensors())
    await grow(
      small,
      { kind: 'copyLayers', of: ['b1'], copies, writes: 'shared' },
      { mirrors: [], probe, key: [1, 2] },
    )
    const after = numbersOf(small.parameters.tensors())
    const ids = ['b1', ...Array.from({ length: copies }, (_, i) => `b${3 + i}`)]
    for (const path of Object.keys(before).filter((name) => name.startsWith('blocks.b1.'))) {
      const parts = ids.map((id) => after[path.replace('b1', id)])
      if (!/\.(output|down)\./.test(path)) for (const part of parts) expect(part, path).toEqual(before[path])
      else
        before[path].forEach((value, i) => {
          expect(parts.reduce((sum, part) => sum + part[i], 0)).toBeCloseTo(value, 12)
        })
    }
  })
  test.each([1, 2])('%i copies that share move logits by the square of what is written', async (copies) => {
    const movedBy = async (writes: 'whole' | 'shared', written: number): Promise<number> => {
      const small = model()
      using probe = tokensFor(small, drawFrom(1))
      for (const { path, tensor } of small.parameters)
        if (/\.(output|down)\./.test(path))
          scope(() => small.parameters.replace(path, multiply(tensor, written)))
      const options = { mirrors: [], probe, key: [1, 2] } as const
      return (await grow(small, { kind: 'copyLayers', copies, order: 'beside', writes }, options)).logitsMoved
    }
    const fourTimes = async (writes: 'whole' | 'shared'): Promise<number> =>
      (await movedBy(writes, 1 / 256)) / (await movedBy(writes, 1 / 1024))
    expect(await fourTimes('whole')).toBeCloseTo(4, 0)
    expect(await fourTimes('shared')).toBeCloseTo(16, -1)
    expect(await movedBy('shared', 1 / 1024)).toBeLessThan((await movedBy('whole', 1 / 1024)) / 100)
  })
  test('copies that share are taken back to the byte, with moments, whatever is in a block', async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = drawFrom(seed)
      const small = modelOf(drawConfig(random), random, device)
      using probe = tokensFor(small, random)
      const optimizer = adamw({ learningRate: 0.01 })
      learn(small, optimizer, probe, 0)
      const before = everyByte(small, optimizer.mirrors)
      const request = {
        kind: 'copyLayers',
        copies: 1 + random.below(3),
        order: 'beside',
        writes: 'shared',
      } as const
      const record = await grow(small, request, { mirrors: optimizer.mirrors, probe, key: [seed, 2] })
      expect(everyByte(small, optimizer.mirrors)).not.toEqual(before)
      ungrow(small, record, optimizer.mirrors)
      expect(everyByte(small, optimizer.mirrors), `seed ${seed}`).toEqual(before)
      small.dispose()
    }
  })
  test('moments of an original that shares are those of what it is now a part of', async () => {
    const small = model()
    using probe = tokensFor(small, drawFrom(1))
    const optimizer = adamw({ learningRate: 0.01 })
    learn(small, optimizer, probe, 0)
    const momentsOf = (): Numbers => {
      const first = optimizer.mirrors.filter(isTensorMirror).find(({ role }) => role === 'gradient')
      if (first === undefined) throw new Error('adamw has no first moment')
      return numbersOf(Object.fromEntries(first.paths.map((path) => [path, first.get(path) as Tensor])))
    }
    const before = momentsOf()
    await grow(
      small,
      { kind: 'copyLayers', of: ['b1'], order: 'beside', writes: 'shared' },
      { mirrors: optimizer.mirrors, probe, key: [1, 2] },
    )
    const after = momentsOf()
    for (const path of Object.keys(before).filter((name) => name.startsWith('blocks.b1.'))) {
      const factor = /\.(output|down)\./.test(path) ? 1 : 1 / 2
      expect(after[path], path).toEqual(before[path].map((value) => value * factor))
    }
  })
  test('is refused where exactness is asked for, and the model is as it was', async () => {
    const small = model()
    using probe = tokensFor(small, drawFrom(1))
    const before = everyByte(small, [])
    const options = { mirrors: [], probe, key: [1, 2], tolerance: 1e-5 } as const
    await expect(grow(small, { kind: 'copyLayers' }, options)).rejects.toThrow(GrowthRefusedError)
    expect(everyByte(small, [])).toEqual(before)
  })
  test.each([{ of: [] }, { of: ['b7'] }, { of: ['b0', 'b0'] }, { copies: 0 }, { copies: 1.5 }])(
    '%j is refused',
    (request) => {
      expect(() => idsAfter(request)).toThrow(OptionError)
    },
  )
})
