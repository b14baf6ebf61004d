/** Bits per byte of a text in windows that overlap, against the definition; and with a pre-trained tokenizer. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bitsPerByteOf, evaluateText, meanLoss } from '@burgeon/continual'
import { Gpt, type GrowingTokenizer } from '@burgeon/gpt'
import { fromPretrained, tokenizerFromPretrained } from '@burgeon/gpt/node'
import { OptionError } from '@burgeon/tensor'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { times } from '../how-long.ts'

const folder = join(import.meta.dirname, '../gold/small-llama')
const model = await fromPretrained(folder)
const tokenizer = await tokenizerFromPretrained(folder)
const prose = readFileSync(join(import.meta.dirname, '../../docs/growing.md'), 'utf8').slice(0, 700)
const { context } = model.config

/** Loss of each token after the first, in nats, each predicted from all tokens before it in its window. */
function lossesByHand(of: Gpt, tokens: readonly number[], from: (i: number) => number, begin?: number) {
  return tokens.slice(1).map((target, at) => {
    const seen = tokens.slice(from(at + 1), at + 1)
    const read = begin === undefined ? seen : [begin, ...seen]
    const row = of.device.tensor(read, { shape: [1, read.length], dtype: 'i32' })
    const logits = [...of.forward(row).readSync()].slice(-of.config.vocabulary)
    const top = Math.max(...logits)
    return top + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0)) - logits[target]
  })
}
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

test('every token is predicted once, from as much as its window holds', async () => {
  const bytes = Gpt.create({ context: 12, embed: 8, heads: 2, layers: 1, mlpHidden: 8 }, { seed: 5 })
  const shape = fc
    .tuple(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 1, max: 12 }))
    .chain(([length, window]) =>
      fc.record({
        text: fc.uint8Array({ minLength: length, maxLength: length }),
        window: fc.constant(window),
        stride: fc.integer({ min: 1, max: window }),
        rows: fc.integer({ min: 1, max: 4 }),
      }),
    )
  await fc.assert(
    fc.asyncProperty(shape, async ({ text, window, stride, rows }) => {
      const result = await evaluateText(bytes, text, { window, stride, rows })
      // Token i + 1 is the i-th prediction; its window is the first that reaches it.
      const start = (i: number): number => Math.max(0, Math.ceil((i - window) / stride)) * stride
      const total = sum(lossesByHand(bytes, [...text], (i) => start(i)))
      expect(result.natsPerToken).toBeCloseTo(total / (text.length - 1), 4)
      expect(result.bitsPerByte).toBeCloseTo(total / Math.LN2 / (text.length - 1), 4)
      expect(result.perplexity).toBeCloseTo(Math.exp(result.natsPerToken), 6)
      expect(result).toMatchObject({ tokens: text.length - 1, bytes: text.length - 1, window, stride })
    }),
    { numRuns: times(20, 200) },
  )
})

test('with a pre-trained tokenizer each window begins with its special token, and all bytes count', async () => {
  const [begin, ...own] = tokenizer.encode(prose)
  expect(begin).toBe(tokenizer.bosTokenId)
  const [window, stride] = [20, 7]
  const result = await evaluateText(model, prose, { tokenizer, window, stride })
  const start = (i: number): number => Math.max(0, Math.ceil((i - window) / stride)) * stride
  const losses = lossesByHand(model, [begin, ...own], (i) => start(i) + 1, begin)
  expect(result.tokens).toBe(own.length)
  expect(result.bytes).toBe(new TextEncoder().encode(prose).length)
  expect(result.natsPerToken).toBeCloseTo(sum(losses) / own.length, 4)
  // It was trained on such text, so it does far better than one that knows nothing.
  expect(result.bitsPerByte).toBeLessThan(4)
})

test('by default a window is the context and half of it is new', async () => {
  const whole = await evaluateText(model, prose, { tokenizer })
  expect(whole).toEqual(await evaluateText(model, prose, { tokenizer, window: context, stride: context / 2 }))
})

test('bits per byte of a learner are of the tokens of its own tokenizer', async () => {
  const tokens = tokenizer.encode(prose)
  const bytes = new TextEncoder().encode(prose).length
  const nats = (await meanLoss(model, tokens)) * (tokens.length - 1)
  expect(await bitsPerByteOf(model, prose, tokenizer)).toBeCloseTo(nats / Math.LN2 / bytes, 6)
  const encoded = new TextEncoder().encode(prose)
  expect(await bitsPerByteOf(model, encoded, tokenizer)).toBe(await bitsPerByteOf(model, prose, tokenizer))
})

test('bytes that are no text are evaluated as they are', async () => {
  const broken = Uint8Array.of(72, 101, 255, 254, 108, 128, 111)
  const { bytes, tokens } = await evaluateText(model, broken, { tokenizer })
  // Nothing stands before bytes: the first token is only read.
  expect([bytes, tokens]).toEqual([6, tokenizer.encodeBytes(broken).length - 1])
})

test.each<[string, string | Uint8Array, object]>([
  ['an empty text', '', {}],
  ['a text with nothing to predict', Uint8Array.of(255), {}],
  ['a stride beyond the window', prose, { window: 8, stride: 9 }],
  ['a window beyond the context', prose, { window: context + 1 }],
])('refuses %s', async (_, text, options) => {
  await expect(evaluateText(model, text, { tokenizer, ...options })).rejects.toThrow(OptionError)
})

test("refuses a tokenizer that is not the model's", async () => {
  const other: GrowingTokenizer = Object.create(tokenizer, { vocabulary: { value: 9999 } }) as never
  await expect(evaluateText(model, prose, { tokenizer: other })).rejects.toThrow('9999 tokens')
})
