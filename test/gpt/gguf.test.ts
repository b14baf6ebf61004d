/** GGUF files that are written and read again, and those that are refused. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Gpt,
  type GgufFile,
  openGguf,
  PretrainedError,
  writeGguf,
  type WriteGgufOptions,
} from '@burgeon/gpt'
import { grow, type GrowthRequest } from '@burgeon/gpt/growth'
import { fromPretrained, saveGguf } from '@burgeon/gpt/node'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, onTestFinished, test } from 'vitest'
import { drawFrom, logitsOf, relativeDifference, tokensFor } from '../growth/tiny-model.ts'

const device = openReference()
const gold = join(import.meta.dirname, '../gold')
const open = (bytes: Uint8Array): Promise<GgufFile> =>
  openGguf({ size: bytes.length, read: (a, b) => Promise.resolve(bytes.slice(a, b)) }, { place: 'memory' })
const again = async (model: Gpt, options?: WriteGgufOptions): Promise<Gpt> =>
  (await open(await writeGguf(model, options))).model({ device })
const gguf = (name: string): Uint8Array => new Uint8Array(readFileSync(join(gold, 'gguf', `${name}.gguf`)))
const difference = (a: Gpt, b: Gpt): number => {
  using tokens = tokensFor(a, drawFrom(3))
  return relativeDifference(logitsOf(a, tokens), logitsOf(b, tokens))
}

/** What stands in the way of a folder, by its name; the others are written. */
const refused: Readonly<Record<string, RegExp>> = {
  'mistral-window': /window/,
  'qwen2-window': /window/,
  'qwen3-windows': /window/,
  smollm3: /rotary frequencies of their own|rotary frequencies of 0/,
  'smollm3-list': /rotary frequencies of their own|rotary frequencies of 0/,
}

describe('a folder of Hugging Face', () => {
  test.each(readdirSync(join(gold, 'pretrained')))(
    '%s has the logits of PyTorch after GGUF, or is refused',
    async (name) => {
      const model = await fromPretrained(join(gold, 'pretrained', name), { device })
      const { tokens, logits } = JSON.parse(
        readFileSync(join(gold, 'pretrained', name, 'gold.json'), 'utf8'),
      ) as {
        tokens: number[]
        logits: number[]
      }
      const written = writeGguf(model)
      const isExact = !JSON.stringify(model.config.pretrained).includes('"gelu"')
      if (Object.hasOwn(refused, name) || !isExact) {
        await expect(written).rejects.toThrow(refused[name] ?? /tanh form/)
        await expect(written).rejects.toThrow(/^writeGguf: /)
        await expect(written).rejects.toThrow(PretrainedError)
        return
      }
      const read = await (await open(await written)).model({ device })
      using input = device.tensor(tokens, { shape: [1, tokens.length], dtype: 'i32' })
      const ours = logitsOf(read, input)
      expect(Math.max(...logits.map((x, i) => Math.abs(x - ours[i])))).toBeLessThan(1e-4)
    },
  )
})

test.each(readdirSync(join(gold, 'gguf')))('%s is written back with the numbers it had', async (name) => {
  const bytes = gguf(name.replace('.gguf', ''))
  const model = await (await open(bytes)).model({ device })
  expect(difference(model, await again(model))).toBeLessThan(1e-6)
})

test('types of matrices: half floats and integers in blocks, vectors as they are', async () => {
  const model = await (await open(gguf('llama-q8_0'))).model({ device })
  for (const type of ['F16', 'Q8_0', 'Q4_0'] as const) {
    const file = await open(await writeGguf(model, { type, name: 'a model' }))
    expect(file.tensors.get('blk.1.ffn_down.weight')?.type).toBe(type)
    expect(file.tensors.get('blk.1.ffn_norm.weight')?.type).toBe('F32')
    expect(file.metadata.get('general.name')).toBe('a model')
    const read = await file.model({ device })
    const [before, after] = [model, read].map((own) => [
      ...own.parameters.get('blocks.b1.mlp.down.weight').tensor.readSync(),
    ])
    const largest = Math.max(...before.map(Math.abs))
    const furthest = Math.max(...before.map((x, i) => Math.abs(x - after[i])))
    // Of a number's own size, of 127 steps half a one, of 8 steps a whole one: what is opposite is cut off.
    expect(furthest / largest).toBeLessThan({ F16: 2 ** -10, Q8_0: 1 / 250, Q4_0: 1 / 7.9 }[type])
    // What was rounded once is not rounded again.
    if (type !== 'Q4_0') expect(difference(read, await again(read, { type }))).toBeLessThan(1e-3)
  }
  const narrow = await (await open(gguf('llama'))).model({ device })
  const file = await open(await writeGguf(narrow, { type: 'Q4_0' }))
  expect(file.tensors.get('blk.0.attn_q.weight')?.type).toBe('F16')
})

test.each<[string, readonly GrowthRequest[]]>([
  [
    'llama',
    [
      { kind: 'widenEmbed', to: 20 },
      { kind: 'addLayer', at: 1 },
    ],
  ],
  ['llama-divisors-bf16', ['b0', 'b1'].map((block) => ({ kind: 'addHeads', block, to: 4 }) as const)],
  [
    'gpt2',
    [
      { kind: 'widenEmbed', to: 32 },
      ...['b0', 'b1'].map((block) => ({ kind: 'addHeads', block, to: 4 }) as const),
    ],
  ],
  ['qwen3', [{ kind: 'widenEmbed', to: 24 }]],
])('a grown %s computes the same after GGUF', async (name, requests) => {
  const model = await (await open(gguf(name))).model({ device })
  using probe = tokensFor(model, drawFrom(1))
  for (const request of requests) await grow(model, request, { mirrors: [], probe, key: [1, 2] })
  expect(difference(model, await again(model))).toBeLessThan(1e-4)
})

test('a file on disk is replaced only by a whole one', async () => {
  const place = mkdtempSync(join(tmpdir(), 'burgeon-gguf-'))
  onTestFinished(() => rmSync(place, { recursive: true }))
  const at = join(place, 'a.gguf')
  const model = await (await open(gguf('llama'))).model({ device })
  await saveGguf(model, at)
  const before = readFileSync(at)
  using probe = tokensFor(model, drawFrom(1))
  await grow(model, { kind: 'widenMlp', block: 'b0', to: 30 }, { mirrors: [], probe, key: [1, 2] })
  await expect(saveGguf(model, at)).rejects.toThrow(/^writeGguf: got mlpHidden.*widenMlp/)
  expect(readFileSync(at)).toEqual(before)
  expect(readdirSync(place)).toEqual(['a.gguf'])
  expect(
    difference(await fromPretrained(at, { device }), await (await open(gguf('llama'))).model({ device })),
  ).toBe(0)
})

/** A file with a key more or another, or none of that name. */
async function withKeys(name: string, from: string, to: string): Promise<Uint8Array> {
  const bytes = gguf(name)
  const text = Buffer.from(bytes).toString('latin1').replace(from, to)
  return Promise.resolve(new Uint8Array(Buffer.from(text, 'latin1')))
}

test.each([
  [
    'general.architecture',
    'llama',
    'general.architecture\x08\0\0\0\x05\0\0\0\0\0\0\0llama',
    'general.architecture\x08\0\0\0\x05\0\0\0\0\0\0\0gemma',
    /general\.architecture 'gemma'/,
  ],
  ['an unknown key', 'llama', 'llama.context_length', 'llama.context_lengtt', /context_length undefined/],
  [
    'a missing tensor',
    'llama',
    'blk.1.ffn_up.weight',
    'blk.1.ffn_uq.weight',
    /no tensor blk\.1\.ffn_up\.weight/,
  ],
  [
    'a key that is not known',
    'llama',
    'llama.attention.value_length',
    'llama.attention.values_count',
    /llama\.attention\.values_count 4; expected none/,
  ],
  [
    'two tensors of a name',
    'llama',
    'blk.1.ffn_up.weight',
    'blk.0.ffn_up.weight',
    /blk\.0\.ffn_up\.weight' twice/,
  ],
])('refused: %s', async (_, name, from, to, message) => {
  const attempt = withKeys(name, from, to)
    .then(open)
    .then((file) => file.model({ device }))
  await expect(attempt).rejects.toThrow(message)
  await expect(attempt).rejects.toThrow(PretrainedError)
})

test('refused: nothing there, a file that is none, one that is cut', async () => {
  const place = mkdtempSync(join(tmpdir(), 'burgeon-gguf-'))
  onTestFinished(() => rmSync(place, { recursive: true }))
  await expect(fromPretrained(join(place, 'a.gguf'))).rejects.toThrow(/got nothing there/)
  writeFileSync(join(place, 'b.gguf'), 'not what it says it is')
  await expect(fromPretrained(join(place, 'b.gguf'))).rejects.toThrow(
    /b\.gguf: got other first bytes; expected GGUF/,
  )
  writeFileSync(join(place, 'c.gguf'), gguf('gpt2').subarray(0, 20_000))
  await expect(fromPretrained(join(place, 'c.gguf'))).rejects.toThrow(/c\.gguf: got tensor '.*' from byte/)
})
