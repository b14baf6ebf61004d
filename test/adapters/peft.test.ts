/** Folders in the form of peft: what is written is read, what cannot be is refused by file, key and tensor. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  AdapterError,
  Gpt,
  type LoraAdapter,
  PretrainedError,
  readAdapter,
  readPretrained,
  writeAdapter,
} from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import { BurgeonError, readSafetensors, type RawTensor, scope, writeSafetensors } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, test } from 'vitest'
import { type Files, folderOf, goldFiles, withJson } from '../gpt/memory-folder.ts'
import { drawFrom, tokensFor } from '../growth/tiny-model.ts'
import { times } from '../how-long.ts'
import { drawAdapter, drawModel, farthest, logitsWith } from './drawn-adapter.ts'
import { changed, damaged, pick } from '../gpt/damage.ts'

const device = openReference()
const place = join(import.meta.dirname, '../gold/adapters')
const [configFile, weightFile] = ['adapter_config.json', 'adapter_model.safetensors']

const filesOf = (name: string): Files =>
  new Map(
    [configFile, weightFile].map((file) => [file, new Uint8Array(readFileSync(join(place, name, file)))]),
  )
const baseOf = (name: string): string =>
  (JSON.parse(readFileSync(join(place, name, 'gold.json'), 'utf8')) as { readonly base: string }).base

const model = await readPretrained(folderOf(goldFiles('llama')), { device })
const files = filesOf('llama-usual')
const read = (own: Files, of = model): Promise<LoraAdapter> => readAdapter(folderOf(own), of)

/** The same files, with other tensors. */
function withTensors(own: Files, change: (tensors: Map<string, RawTensor>) => void): Files {
  const { tensors } = readSafetensors(own.get(weightFile) as Uint8Array)
  const changed = new Map(tensors)
  change(changed)
  return new Map(own).set(weightFile, writeSafetensors(changed, { format: 'pt' }))
}

const first = 'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight'

describe('any adapter', () => {
  test('of any model but experts is written and read again as the same function', async () => {
    let [written, refused] = [0, 0]
    for (let seed = 1; seed <= times(40, 400); seed++) {
      const drawn = drawModel(seed, device)
      const adapter = await drawAdapter(drawn, drawFrom(seed))
      const tokens = tokensFor(drawn, drawFrom(seed))
      try {
        const again = await readAdapter(folderOf(await writeAdapter(adapter, drawn)), drawn)
        const [before, after] = [logitsWith(drawn, tokens, adapter), logitsWith(drawn, tokens, again)]
        expect(farthest(before, after)).toBeLessThan(1e-5)
        written++
      } catch (error) {
        if (!(error instanceof AdapterError)) throw error
        expect(error.message).toContain('which experts are not')
        refused++
      }
    }
    expect(Math.min(written, refused)).toBeGreaterThan(2)
  })

  test('of query and value of GPT-2 becomes one of the fused map', async () => {
    const gpt2 = Gpt.create({ context: 4, embed: 6, heads: 2, layers: 1, norm: 'layer' }, { device })
    const adapter = await drawAdapter(gpt2, drawFrom(1), { rank: 2, targets: ['query', 'value'] })
    const again = await readAdapter(folderOf(await writeAdapter(adapter, gpt2)), gpt2)
    expect(again.config.modules.map(({ path, rank }) => [path, rank])).toEqual([
      ['blocks.b0.attention.qkv', 4],
    ])
    const tokens = tokensFor(gpt2, drawFrom(2))
    expect(farthest(logitsWith(gpt2, tokens, again), logitsWith(gpt2, tokens, adapter))).toBeLessThan(1e-6)
  })

  test('of a model that has grown is written for the files of the grown one', async () => {
    const grown = await readPretrained(folderOf(goldFiles('llama')), { device })
    await grow(
      grown,
      { kind: 'widenEmbed', to: grown.config.embed + 4 },
      {
        ...{ mirrors: [], probe: tokensFor(grown, drawFrom(1)), key: [1, 2] },
      },
    )
    const adapter = await drawAdapter(grown, drawFrom(1), { rank: 2, targets: ['qkv', 'up', 'down'] })
    const again = await readAdapter(folderOf(await writeAdapter(adapter, grown)), grown)
    const tokens = tokensFor(grown, drawFrom(2))
    expect(farthest(logitsWith(grown, tokens, again), logitsWith(grown, tokens, adapter))).toBeLessThan(1e-4)
  })
})

describe('is refused by name', () => {
  test.each(
    Object.entries({
      peft_type: 'IA3',
      task_type: 'SEQ_CLS',
      bias: 'lora_only',
      use_dora: true,
      modules_to_save: ['lm_head'],
      trainable_token_indices: [1],
      layer_replication: [[0, 1]],
      init_lora_weights: 'pissa',
      target_parameters: ['x'],
      lora_dropout: 1,
      lora_alpha: 'much',
      r: 0,
      rank_pattern: { '(a+)+$': 2 },
      alpha_pattern: { q_proj: 0 },
      layers_to_transform: [1],
      exclude_modules: ['q_proj'],
      use_rslora: 'yes',
    }),
  )('the key %s', async (key, value) => {
    const reading = read(withJson(files, configFile, { [key]: value }))
    await expect(reading).rejects.toThrow(PretrainedError)
    await expect(read(withJson(files, configFile, { [key]: value }))).rejects.toThrow(
      new RegExp(`memory: adapter_config\\.json: .*${key === 'alpha_pattern' ? 'q_proj' : key}`),
    )
  })

  test('a module that target_modules does not name, and one that it names and that has no tensors', async () => {
    const without = withJson(files, configFile, { target_modules: ['q_proj'] })
    await expect(read(without)).rejects.toThrow(/got target_modules.*self_attn\.v_proj among them/)
    const more = withJson(files, configFile, { target_modules: ['q_proj', 'v_proj', 'up_proj'] })
    await expect(read(more)).rejects.toThrow('got no tensor model.layers.0.mlp.up_proj.lora_A.weight')
  })

  test.each(['lm_head.lora_A.weight', 'base_model.model.model.layers.9.self_attn.q_proj.lora_A.weight', 'x'])(
    'the tensor %s',
    async (name) => {
      const more = withTensors(files, (tensors) => tensors.set(name, tensors.get(first) as RawTensor))
      await expect(read(more)).rejects.toThrow(`memory: ${weightFile}: got the tensor "${name}"`)
    },
  )

  test('one half of a product, two of one name, another shape or dtype', async () => {
    const half = withTensors(files, (tensors) => tensors.delete(first))
    await expect(read(half)).rejects.toThrow('got no tensor model.layers.0.self_attn.q_proj.lora_A.weight')
    const twice = withTensors(files, (tensors) =>
      tensors.set('layers.0.self_attn.q_proj.lora_A.default.weight', tensors.get(first) as RawTensor),
    )
    await expect(read(twice)).rejects.toThrow('for one place')
    await expect(read(withJson(files, configFile, { r: 3 }))).rejects.toThrow(
      `memory: ${weightFile}: got tensor "${first}" of shape [4, 16]; expected [3, 16]`,
    )
    const whole = withTensors(files, (tensors) => {
      const { shape, bytes } = tensors.get(first) as RawTensor
      tensors.set(first, { type: 'I32', shape, bytes })
    })
    await expect(read(whole)).rejects.toThrow(`got tensor "${first}" of dtype I32`)
  })

  test('a folder without its files, and a pickle', async () => {
    const bare = (...names: string[]): Files =>
      new Map(names.map((name) => [name, files.get(name) ?? new Uint8Array()]))
    await expect(read(bare(weightFile))).rejects.toThrow('memory: got no adapter_config.json')
    await expect(read(bare(configFile))).rejects.toThrow(
      'memory: got no adapter_model.safetensors; expected one.',
    )
    await expect(read(bare(configFile, 'adapter_model.bin'))).rejects.toThrow('is a pickle')
    await expect(read(withTensors(files, (tensors) => tensors.clear()))).rejects.toThrow(PretrainedError)
  })

  test('an adapter of another model', async () => {
    const gpt2 = await readPretrained(folderOf(goldFiles('gpt2')), { device })
    await expect(read(files, gpt2)).rejects.toThrow('Is it an adapter of this model?')
  })
})

const odd: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    -1,
    1,
    2,
    3,
    0.5,
    1e9,
    2 ** 53,
    -0,
    1e-300,
    1e300,
    '',
    'LORA',
    'all-linear',
    '(a*)*b',
  ],
  ...[[], {}, [1], [null], ['q_proj'], { q_proj: 2 }, { '': 1 }, '__proto__', [0, 1]],
]
test('a damaged folder is an adapter that can be used, or a typed error; no buffer is left behind', async () => {
  const random = drawFrom(2027)
  const cases = await Promise.all(
    readdirSync(place).map(async (name) => {
      const of = await readPretrained(folderOf(goldFiles(baseOf(name))), { device })
      return { own: filesOf(name), of, tokens: tokensFor(of, drawFrom(1), 1) }
    }),
  )
  const buffers = device.memory.buffers
  let refused = 0
  for (let i = 0; i < times(1500, 200_000); i++) {
    const { own, of, tokens } = cases[i % cases.length]
    const name = pick(random, [configFile, weightFile])
    const bytes = own.get(name) as Uint8Array
    const isJson = name === configFile && random.below(4) > 0
    const broken = isJson
      ? new TextEncoder().encode(
          JSON.stringify(changed(JSON.parse(new TextDecoder().decode(bytes)), odd, random)),
        )
      : damaged(bytes, 600, random)
    try {
      const adapter = await read(new Map(own).set(name, broken), of)
      if (i % 50 === 0) scope(() => logitsWith(of, tokens, adapter))
      adapter.dispose()
    } catch (error) {
      if (!(error instanceof BurgeonError)) throw new Error(`case ${i}`, { cause: error })
      refused++
    }
  }
  expect(refused).toBeGreaterThan(times(500, 60_000))
  expect(device.memory.buffers).toBe(buffers)
})
