/** Pretrained folders that are read, grown and written back, and folders that are refused. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Gpt, generate, PretrainedError, readPretrained, writePretrained } from '@burgeon/gpt'
import { fromPretrained, savePretrained } from '@burgeon/gpt/node'
import { grow, type GrowthRequest } from '@burgeon/gpt/growth'
import { makeOwned, slice } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, onTestFinished, test } from 'vitest'
import { drawFrom, logitsOf, relativeDifference, tokensFor } from '../growth/tiny-model.ts'
import { type Files, folderOf, goldFiles, withJson } from './memory-folder.ts'

const device = openReference()
const read = (files: Files): Promise<Gpt> => readPretrained(folderOf(files), { device })
const growBy = async (model: Gpt, ...requests: readonly GrowthRequest[]): Promise<void> => {
  using probe = tokensFor(model, drawFrom(1))
  for (const request of requests) await grow(model, request, { mirrors: [], probe, key: [1, 2] })
}

describe('a grown model', () => {
  test.each<[string, readonly GrowthRequest[]]>([
    [
      'llama',
      [
        { kind: 'widenEmbed', to: 20 },
        { kind: 'addLayer', at: 1 },
      ],
    ],
    ['llama', ['b0', 'b1', 'b2'].map((block) => ({ kind: 'widenMlp', block, to: 30 }) as const)],
    ['llama-yarn', ['b0', 'b1', 'b2'].map((block) => ({ kind: 'addHeads', block, to: 4 }) as const)],
    [
      'qwen3',
      [
        { kind: 'widenEmbed', to: 24 },
        { kind: 'growContext', to: 40 },
      ],
    ],
    ['qwen2-window', [{ kind: 'addLayer', at: 3, how: 'copy' }]],
    ['smollm3', [{ kind: 'addLayer', at: 0 }]],
    [
      'gpt2',
      [
        { kind: 'addLayer', at: 0 },
        { kind: 'growContext', to: 20 },
      ],
    ],
    [
      'gpt2',
      [
        { kind: 'widenEmbed', to: 15 },
        ...['b0', 'b1'].map((block) => ({ kind: 'widenHeads', block, to: 5 }) as const),
      ],
    ],
  ])('of %s is folded into the weights of its class: %j', async (name, requests) => {
    const model = await read(goldFiles(name))
    await growBy(model, ...requests)
    const again = await read((await writePretrained(model)) as Files)
    using all = tokensFor(model, drawFrom(2))
    // On a context of hundreds the reference takes its time.
    using tokens = makeOwned(() => slice(all, [0, 0], [2, Math.min(model.config.context, 24)]))
    expect(relativeDifference(logitsOf(model, tokens), logitsOf(again, tokens))).toBeLessThan(1e-5)
    expect(again.config.normWidth).toBe(undefined)
  })

  test.each<[string, GrowthRequest, string]>([
    ['llama', { kind: 'widenMlp', block: 'b0', to: 30 }, 'mlpHidden 30 in block b0 and 24 in block b1'],
    ['llama', { kind: 'addHeads', block: 'b1', to: 8 }, 'addHeads'],
    ['llama', { kind: 'addAdapter', block: 'b1', to: 2 }, 'addAdapter'],
    ['llama', { kind: 'addExperts', block: 'b2', to: 2 }, 'addExperts'],
    ['llama', { kind: 'growVocabulary', tokens: [{ parts: [1, 2] }] }, 'growVocabulary'],
    ['llama', { kind: 'growContext', to: 64, how: 'stretched' }, 'growContext'],
    ['llama', { kind: 'widenEmbed', to: 17 }, 'widenEmbed'],
    ['gpt2', { kind: 'widenEmbed', to: 15 }, 'widenEmbed'],
    ['qwen3', { kind: 'widenHeads', block: 'b0', to: 8 }, 'widenHeads'],
  ])('of %s that no class has is refused, and the growth named: %j', async (name, request, message) => {
    const model = await read(goldFiles(name))
    await growBy(model, request)
    await expect(writePretrained(model)).rejects.toThrow(PretrainedError)
    await expect(writePretrained(model)).rejects.toThrow(message)
  })
})

test.each([
  ['a GPT-2', { norm: 'layer' }, 'gpt2'],
  ['a Llama', { positions: 'rotary', activation: 'swiglu', biases: [] }, 'llama'],
  ['a Qwen2', { positions: 'rotary', activation: 'swiglu', biases: ['qkv'], window: 2 }, 'qwen2'],
  [
    'a Qwen3',
    { positions: 'rotary', activation: 'swiglu', biases: [], queryKeyNorm: true, untiedHead: true },
    'qwen3',
  ],
] as const)('a model that was born as %s is written as one', async (_, choices, type) => {
  const sizes = { vocabulary: 11, context: 8, embed: 12, heads: 2, layers: 2 }
  const model = Gpt.create({ ...sizes, ...choices }, { device, seed: 1 })
  const again = await read((await writePretrained(model)) as Files)
  expect(again.config.pretrained?.config['model_type']).toBe(type)
  using tokens = tokensFor(model, drawFrom(2))
  expect(relativeDifference(logitsOf(model, tokens), logitsOf(again, tokens))).toBeLessThan(1e-6)
})

test('keys that mean nothing here, and the configuration of generation, are written back', async () => {
  const files = withJson(goldFiles('llama'), 'config.json', { 'a key of its own': { deep: [1, null] } })
  files.set('generation_config.json', new TextEncoder().encode('{"eos_token_id":[1,2],"top_k":50}'))
  const written = await writePretrained(await read(files))
  const json = (name: string): unknown => JSON.parse(new TextDecoder().decode(written.get(name)))
  expect(json('config.json')).toMatchObject({ 'a key of its own': { deep: [1, null] } })
  expect(json('generation_config.json')).toEqual({ eos_token_id: [1, 2], top_k: 50 })
})

test('a checkpoint of a pretrained model is one, too', async () => {
  const model = await read(goldFiles('qwen3'))
  const again = Gpt.fromState(structuredClone(await model.toState()), device)
  expect(again.config).toEqual(model.config)
})

describe('a folder is refused, and what is wrong is named, where', () => {
  test.each<[string, Readonly<Record<string, unknown>>]>([
    ['model_type', { model_type: 'gemma2' }],
    ['model_type', { model_type: undefined }],
    ['hidden_size', { hidden_size: -4 }],
    ['hidden_size', { hidden_size: 1e9 }],
    ['num_hidden_layers', { num_hidden_layers: 1e9 }],
    ['num_attention_heads', { num_attention_heads: 2.5 }],
    ['hidden_act', { hidden_act: 'gelu' }],
    ['quantization_config', { quantization_config: { bits: 4 } }],
    ['num_local_experts', { num_local_experts: 8 }],
    ['auto_map', { auto_map: { AutoModel: 'x' } }],
    ['partial_rotary_factor', { partial_rotary_factor: 0.5 }],
    ['rope_type', { rope_scaling: { rope_type: 'proportional' } }],
    ['factor', { rope_scaling: { type: 'linear' } }],
    ['layer_types', { layer_types: ['linear_attention', 'full_attention', 'full_attention'] }],
    ['layer_types', { layer_types: ['sliding_attention', 'full_attention', 'full_attention'] }],
    ['embed_tokens.weight', { vocab_size: 20 }],
    ['lm_head.weight', { tie_word_embeddings: false }],
    ['q_proj.bias', { attention_bias: false }],
  ])('config.json says something else: %s', async (key, keys) => {
    const files = withJson(goldFiles('llama'), 'config.json', keys)
    await expect(read(files)).rejects.toThrow(PretrainedError)
    await expect(read(files)).rejects.toThrow(key)
  })

  const index = 'model.safetensors.index.json'
  test.each([
    ['../model.safetensors'],
    ['/etc/passwd'],
    ['a/b.safetensors'],
    ['a\\b.safetensors'],
    ['..'],
    ['pytorch_model.bin'],
    [{}],
  ])('the index names %j', async (name) => {
    const files = withJson(goldFiles('mistral-bf16-shards'), index, { weight_map: { 'norm.weight': name } })
    await expect(read(files)).rejects.toThrow(/index\.json: got .* for tensor 'norm\.weight'/)
  })

  test('a file of the index is missing, cut, or has a tensor that another has', async () => {
    const files = goldFiles('mistral-bf16-shards')
    const [first, second] = ['model-00001-of-00003.safetensors', 'model-00002-of-00003.safetensors']
    const whole = files.get(first) as Uint8Array
    const without = new Map(files)
    without.delete(first)
    await expect(read(without)).rejects.toThrow(`${first}: got there is no such file`)
    await expect(read(new Map(files).set(first, whole.slice(0, -2)))).rejects.toThrow(first)
    await expect(read(new Map(files).set(second, whole))).rejects.toThrow(/which model-00001.* has, too/)
  })

  test('there are no weights, or only a pickle', async () => {
    const files = goldFiles('llama')
    files.delete('model.safetensors')
    await expect(read(files)).rejects.toThrow('got neither model.safetensors nor')
    await expect(read(files.set('pytorch_model.bin', new Uint8Array()))).rejects.toThrow('is a pickle')
    await expect(read(new Map())).rejects.toThrow('got no config.json')
  })
})

const place = [1, 2, 3]
  .map((levels) => join(import.meta.dirname, '../..', '../'.repeat(levels), 'shared/models/stories260K'))
  .find((at) => existsSync(at))

describe.skipIf(place === undefined)(`stories260K (left out where shared/models is not there)`, () => {
  test('has the logits of PyTorch, and the same 100 greedy tokens', async () => {
    const model = await fromPretrained(place as string, { device: openWasm() })
    const file = join(import.meta.dirname, '../gold/stories260k.json')
    const gold = JSON.parse(readFileSync(file, 'utf8')) as Record<'ids' | 'logits', readonly number[]>
    const ids = [1]
    for await (const id of generate(model, [1], { tokens: 100, temperature: 0 })) ids.push(id)
    expect(ids).toEqual(gold.ids)
    using tokens = model.device.tensor(ids.slice(0, 50), { shape: [1, 50], dtype: 'i32' })
    const last = logitsOf(model, tokens).slice(-gold.logits.length)
    expect(Math.max(...gold.logits.map((x, i) => Math.abs(last[i] - x)))).toBeLessThan(1e-4)
    model.dispose()
  })

  test('goes on greedily as llama2.c does', async () => {
    const model = await fromPretrained(place as string, { device: openWasm() })
    const {
      model: { vocab },
    } = JSON.parse(readFileSync(join(place as string, 'tokenizer.json'), 'utf8')) as {
      model: { vocab: Readonly<Record<string, number>> }
    }
    const pieces = new Map(Object.entries(vocab).map(([piece, id]) => [id, piece]))
    const ids: number[] = []
    for await (const id of generate(model, [1], { tokens: 100, temperature: 0 })) ids.push(id)
    const text = ids
      .map((id) => pieces.get(id))
      .join('')
      .replaceAll('▁', ' ')
      .trim()
    expect(text).toMatch(
      /^Once upon a time, there was a little girl named Lily\. She loved to play outside in the park\. One day, she saw a big, red ball\./,
    )
    model.dispose()
  })
})

test('a folder is replaced as a whole: where one file cannot be written, all stay as they were', async () => {
  const place = mkdtempSync(join(tmpdir(), 'burgeon-pretrained-'))
  onTestFinished(() => rmSync(place, { recursive: true, force: true }))
  const born = (layers: number): Gpt =>
    Gpt.create(
      { context: 8, embed: 8, heads: 2, layers, mlpHidden: 8, norm: 'layer' },
      { device, seed: layers },
    )
  await savePretrained(born(1), place)
  const names = readdirSync(place)
  const before = names.map((name) => readFileSync(join(place, name)))
  // Something is in the way of the last file.
  mkdirSync(join(place, 'model.safetensors.part'))
  await expect(savePretrained(born(2), place)).rejects.toThrow('EISDIR')
  expect(names.map((name) => readFileSync(join(place, name)))).toEqual(before)
  expect(readdirSync(place).toSorted()).toEqual([...names, 'model.safetensors.part'].toSorted())
  rmSync(join(place, 'model.safetensors.part'), { recursive: true })
  await savePretrained(born(2), place)
  const read = await fromPretrained(place, { device })
  expect(read.config.blocks.length).toBe(2)
})
