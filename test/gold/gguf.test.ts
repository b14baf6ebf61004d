/** GGUF files, their logits in plain numpy, and texts as tokens by scores. See `write-gguf.py`. Reaches inside for the blocks. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Gpt, KeyValueCache } from '@burgeon/gpt'
import { fromPretrained, openPretrained, tokenizerFromPretrained } from '@burgeon/gpt/node'
import { scope } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, it, test } from 'vitest'
import { readerOf } from '../../packages/gpt/src/pretrained/gguf/format/read-blocks.ts'
import { blockWriters, type WrittenType } from '../../packages/gpt/src/pretrained/gguf/format/write-blocks.ts'

interface Gold {
  readonly models: Readonly<Record<string, { readonly tokens: number[]; readonly logits: number[] }>>
  readonly texts: readonly { readonly text: string; readonly ids: number[] }[]
  readonly blocks: Readonly<Record<string, { readonly bytes: string; readonly numbers: number[] }>>
  readonly packed: Readonly<Record<WrittenType, string>> & { readonly numbers: number[] }
}

const gold = JSON.parse(readFileSync(join(import.meta.dirname, 'gguf.json'), 'utf8')) as Gold
const at = (name: string): string => join(import.meta.dirname, 'gguf', `${name}.gguf`)

function logitsOf(model: Gpt, tokens: readonly number[], length: number): number[] {
  return scope(() => {
    using cache = new KeyValueCache(model.config, model.device)
    const pieces = Array.from({ length: tokens.length / length }, (_, i) => i * length)
    return pieces.flatMap((from) => {
      const piece = model.device.tensor(tokens.slice(from, from + length), {
        shape: [1, length],
        dtype: 'i32',
      })
      const options = length < tokens.length ? { cache } : {}
      return [...model.forward(piece, undefined, options).readSync()]
    })
  })
}

const furthest = (ours: readonly number[], theirs: readonly number[]): number =>
  Math.max(Math.abs(ours.length - theirs.length), ...theirs.map((x, i) => Math.abs(ours[i] - x)))

describe.each([
  ['the reference', openReference],
  ['wasm', openWasm],
])('on %s', (_, open) => {
  it.each(Object.entries(gold.models))(
    '%s.gguf has the logits of numpy, cached and uncached alike',
    async (name, own) => {
      const model = await fromPretrained(at(name), { device: open() })
      expect(furthest(logitsOf(model, own.tokens, own.tokens.length), own.logits)).toBeLessThan(1e-4)
      expect(furthest(logitsOf(model, own.tokens, 3), own.logits)).toBeLessThan(1e-4)
      model.dispose()
    },
  )
})

test('texts become tokens by the best score, the leftmost of equal ones', async () => {
  const tokenizer = await tokenizerFromPretrained(at('llama'))
  for (const { text, ids } of gold.texts) expect([text, [...tokenizer.encode(text)]]).toEqual([text, ids])
  expect(tokenizer.decode(tokenizer.encode('日本 日本éa ~'), { skipSpecialTokens: true })).toBe(
    '日本 日本éa ~',
  )
  expect([...tokenizer.encode('a<user></s>')]).toEqual([1, 275 - 3, 283, 2])
})

test('a file gives model, tokenizer and chat template', async () => {
  const { model, tokenizer } = await openPretrained(at('llama'), { device: openReference() })
  expect(tokenizer?.vocabulary).toBe(model.config.vocabulary)
  expect([tokenizer?.bosTokenId, tokenizer?.eosTokenId, tokenizer?.padTokenId]).toEqual([1, 2, null])
  expect(tokenizer?.hasChatTemplate).toBe(true)
  expect(await tokenizer?.applyChatTemplate([{ role: 'user', content: 'hi' }])).toBe('[user] hi')
  model.dispose()
})

test('a folder gives model and tokenizer, or null without one', async () => {
  const folder = join(import.meta.dirname, 'pretrained', 'llama')
  const { model, tokenizer } = await openPretrained(folder, { device: openReference() })
  expect(tokenizer).toBe(null)
  model.dispose()
})

test.each(Object.entries(gold.blocks))(
  'blocks of %s are the numbers of numpy',
  (type, { bytes, numbers }) => {
    const own = new Float32Array(numbers.length)
    readerOf(type)?.(new Uint8Array(Buffer.from(bytes, 'hex')), own)
    expect([...own]).toEqual(numbers)
  },
)

test.each(Object.entries(blockWriters))('%s is written byte by byte as by numpy', (type, { write }) => {
  const bytes = new Uint8Array(gold.packed[type as WrittenType].length / 2)
  write(Float32Array.from(gold.packed.numbers), bytes)
  expect(Buffer.from(bytes).toString('hex')).toBe(gold.packed[type as WrittenType])
})
