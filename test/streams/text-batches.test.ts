// Reaches inside: batches of a pre-trained model's tokens are a part of `burgeon learn`, which has no entry of its own.
/** A stream of bytes in the tokens of a pre-trained model: nothing is lost, and any position is one to go on from. */
import { join } from 'node:path'
import { type TokenBatch, type Chunk, padding } from '@burgeon/continual'
import { PretrainedTokenizer } from '@burgeon/gpt'
import { tokenizerFromPretrained } from '@burgeon/gpt/node'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { textBatches } from '../../packages/burgeon/src/session/source/text-batches.ts'
import { times } from '../how-long.ts'

const withBegin = await tokenizerFromPretrained(join(import.meta.dirname, '../gold/small-llama'))
const { tokenizerJson } = withBegin.toState()
const withoutBegin = new PretrainedTokenizer({
  ...(JSON.parse(tokenizerJson) as object),
  post_processor: null,
})

interface Place {
  readonly domain: number
  readonly offset: number
}

/** Domains from a place on, in chunks of some size. */
function* chunksFrom(domains: readonly Uint8Array[], { domain, offset }: Place, size: number) {
  for (let i = domain; i < domains.length; i++) {
    for (let at = i === domain ? offset : 0; at < domains[i].length; at += size) {
      const chunk: Chunk<Place> = {
        domain: `${i}`,
        tokens: domains[i].subarray(at, at + size),
        positionAfter: (used) => ({ domain: i, offset: at + used }),
      }
      yield chunk
    }
  }
}

/** The bytes that a batch predicts. */
const predicted = (batch: TokenBatch, tokenizer: PretrainedTokenizer): Uint8Array =>
  tokenizer.decodeBytes(batch.tokens.filter((token, i) => token !== padding && i % (batch.length + 1) !== 0))

const words = fc.array(fc.constantFrom('the ', 'model ', 'é', '😀', '\n', 'zzzz', 'a', ' loss'), {
  maxLength: 300,
})
const someBytes = fc.oneof(
  { weight: 4, arbitrary: words.map((all) => new TextEncoder().encode(all.join(''))) },
  fc.uint8Array({ maxLength: 300 }),
)
const shapes = fc.record({
  domains: fc.array(someBytes, { minLength: 1, maxLength: 3 }),
  rows: fc.integer({ min: 1, max: 3 }),
  length: fc.integer({ min: 1, max: 9 }),
  size: fc.integer({ min: 1, max: 700 }),
  other: fc.integer({ min: 1, max: 700 }),
  tokenizer: fc.constantFrom(withBegin, withoutBegin),
})

test('every byte is predicted once, in order; without a first token all but the first of a domain', async () => {
  await fc.assert(
    fc.asyncProperty(shapes, async ({ domains, rows, length, size, tokenizer }) => {
      const got = domains.map((): number[] => [])
      const stream = textBatches(chunksFrom(domains, { domain: 0, offset: 0 }, size), {
        rows,
        length,
        tokenizer,
      })
      for await (const { batch } of stream) {
        expect(batch.rows).toBeLessThanOrEqual(rows)
        expect(batch.length).toBe(length)
        got[Number(batch.domains[0])].push(...predicted(batch, tokenizer))
      }
      const wanted = domains.map((bytes) => {
        const [first] = tokenizer.encodeBytes(bytes)
        const skipped = tokenizer === withBegin || first === undefined ? 0 : tokenizer.bytesOf(first).length
        return [...bytes.subarray(skipped)]
      })
      expect(got).toEqual(wanted)
    }),
    { numRuns: times(60, 600) },
  )
})

test('from the position of any batch on, the rest is the same, whatever the chunks', async () => {
  await fc.assert(
    fc.asyncProperty(shapes, async ({ domains, rows, length, size, other, tokenizer }) => {
      const options = { rows, length, tokenizer }
      const all: { batch: TokenBatch; position: Place }[] = []
      const start = { domain: 0, offset: 0 }
      for await (const one of textBatches(chunksFrom(domains, start, size), options)) all.push(one)
      for (const [i, { position }] of all.entries()) {
        const rest: TokenBatch[] = []
        for await (const { batch } of textBatches(chunksFrom(domains, position, other), options))
          rest.push(batch)
        expect(rest).toEqual(all.slice(i + 1).map(({ batch }) => batch))
      }
    }),
    { numRuns: times(20, 200) },
  )
})
