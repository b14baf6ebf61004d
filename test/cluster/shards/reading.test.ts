/** A model in stages writes what the whole model writes, and reads with the weights of one moment. */
import { sgd } from '@burgeon/autograd/optim'
import { type StageLink, ShardedModel, stagesOf, StageWorker } from '@burgeon/cluster'
import { byteTokenizer, generate, type GenerateOptions, Gpt, gptConfig } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, test } from 'vitest'
import { drawConfig, drawFrom, modelOf } from '../../growth/tiny-model.ts'
import { times } from '../../how-long.ts'
import { rowsOf, sharded } from './sharded.ts'

const device = openReference()
const optimizer = () => sgd({ learningRate: 0.5 })
const config = gptConfig({ vocabulary: 13, context: 8, embed: 12, heads: 2, layers: 4 })

describe('a model in stages writes what the whole one writes', () => {
  test('in models of every form, from prompts of several lengths, beyond the context', async () => {
    for (let seed = 1; seed <= times(10, 60); seed++) {
      const random = drawFrom(seed)
      const drawn = drawConfig(random)
      const blocks = drawn.blocks.flatMap((block) => [block, { ...block, id: `${block.id}x` }])
      const model = modelOf({ ...drawn, blocks }, random, device)
      const shards = await sharded(model, Math.min(blocks.length, 1 + (seed % 4)), optimizer)
      const prompts = [1, 3, 3, model.config.context + 1].map((n) =>
        Array.from({ length: n }, () => random.below(model.config.vocabulary)),
      )
      const options: GenerateOptions = {
        ...{ tokens: 2 * model.config.context, seed, logProbabilities: 2 },
        ...(seed % 3 === 0 && { cacheFormat: 'int8' as const }),
        // Rows that end before the others.
        ...(seed % 2 === 0 && { stopTokens: [0, 1] }),
      }
      expect(await generate(shards.model, prompts, options)).toEqual(await generate(model, prompts, options))
      shards.dispose()
      model.dispose()
    }
  })
  test('as text, piece by piece', async () => {
    const model = Gpt.create(
      { vocabulary: 256, context: 16, embed: 16, heads: 2, layers: 2 },
      { device, seed: 2 },
    )
    const shards = await sharded(model, 2, optimizer)
    const options = { tokens: 12, tokenizer: byteTokenizer, temperature: 0.7, seed: 4 }
    const pieces: string[] = []
    for await (const piece of shards.model.generate('To be', options)) pieces.push(piece)
    expect(pieces.join('')).toBe((await model.generate('To be', options)).text)
    expect((await shards.model.generate('To be', options)).text).toBe(pieces.join(''))
  })
  test('and refuses what only a model that is here can do', async () => {
    const model = modelOf(config, drawFrom(1), device)
    const { model: shards } = await sharded(model, 2, optimizer)
    for (const more of [{ weights: 'live' }, { draft: model }, { adapters: [null] }] as const) {
      expect(() => shards.generate([1, 2], { tokens: 2, ...more })).toThrow(OptionError)
      expect(() => shards.generate([1, 2], { tokens: 2, ...more })).toThrow(Object.keys(more)[0])
    }
    await expect(
      Promise.resolve(shards.generate([1, 2], { tokens: 9, onContextFull: 'error' })),
    ).rejects.toThrow('context')
  })
})

describe('a reading', () => {
  test('has the weights of its first token in all stages, whatever is learnt meanwhile', async () => {
    const [model, same] = [modelOf(config, drawFrom(1), device), modelOf(config, drawFrom(1), device)]
    const shards = await sharded(model, 2, optimizer)
    const options = { tokens: 6, temperature: 0 }
    const written: number[] = []
    for await (const token of shards.model.generate([1, 2], options)) {
      written.push(token)
      await shards.model.learn(rowsOf(model, drawFrom(written.length), 2))
    }
    expect(written).toEqual((await same.generate([1, 2], options)).tokens)
    // The control: what was learnt is seen by who begins now.
    const after = await generate(shards.model, [1, 2], { ...options, logProbabilities: 0 })
    const before = await generate(same, [1, 2], { ...options, logProbabilities: 0 })
    expect(after.logProbabilities).not.toEqual(before.logProbabilities)
  })
  test('frees what it held, also when it is left early or fails', async () => {
    const model = modelOf(config, drawFrom(1), device)
    const shards = await sharded(model, 2, optimizer)
    const held = device.memory.buffers
    await shards.model.generate([1, 2], { tokens: 3 })
    for await (const _ of shards.model.generate([1, 2], { tokens: 3 })) break
    const failing = shards.model.generate([1, 2], { tokens: 9, onContextFull: 'error' })
    await expect(Promise.resolve(failing)).rejects.toThrow('context')
    expect(device.memory.buffers).toBe(held)
  })
  test('of a leader that was replaced is ended', async () => {
    const workers = stagesOf(modelOf(config, drawFrom(1), device), 2).map((stage) => new StageWorker(stage))
    const links = workers.map((worker): StageLink => ({ ask: (payload) => worker.answer(payload) }))
    const first = await ShardedModel.connect(links)
    const held = device.memory.buffers
    const reading = await first.beginReading([1], 'f32')
    await reading.read({ group: 0, rows: null, from: 0, tokens: Int32Array.of(1, 2) })
    expect(device.memory.buffers).toBeGreaterThan(held)
    const second = await ShardedModel.connect(links)
    expect(device.memory.buffers).toBe(held)
    await expect(reading.read({ group: 0, rows: null, from: 2, tokens: Int32Array.of(1) })).rejects.toThrow(
      'another has taken',
    )
    const next = await second.beginReading([1], 'f32')
    await expect(next.read({ group: 0, rows: null, from: 5, tokens: Int32Array.of(1) })).rejects.toThrow(
      'Read those first',
    )
    await expect(next.read({ group: 3, rows: null, from: 0, tokens: Int32Array.of(1) })).rejects.toThrow(
      'group 3 of 1',
    )
  })
})
