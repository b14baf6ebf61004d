/** Rows with patches, read piece by piece into a cache: every logit is that of the whole row. */
import { type Gpt, KeyValueCache, quantized } from '@burgeon/gpt'
import { type Device, keyFromSeed, OptionError, RandomStream, scope } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, it } from 'vitest'
import { bytesOf, someRows, tinyModel } from './tiny-senses.ts'

const draw = (seed: number): RandomStream => new RandomStream(keyFromSeed(seed))
const reference = openReference()

type Rows = readonly (readonly number[])[]

/** The logits after each token of equally long rows, row by row. */
function logitsOf(
  { device, config, forward }: Pick<Gpt, 'device' | 'config' | 'forward'>,
  rows: Rows,
  options: { readonly cache?: KeyValueCache | readonly KeyValueCache[]; readonly lastOnly?: boolean } = {},
): number[][] {
  const [B, T, V] = [rows.length, rows[0].length, config.vocabulary]
  const all = scope(() => [
    ...forward(device.tensor(rows.flat(), { shape: [B, T], dtype: 'i32' }), undefined, options).readSync(),
  ])
  return Array.from({ length: all.length / V }, (_, i) => all.slice(i * V, (i + 1) * V))
}

const reading = (model: Gpt): Pick<Gpt, 'device' | 'config' | 'forward'> => ({
  device: model.device,
  config: model.config,
  forward: model.forward.bind(model),
})

const apart = (a: Rows, b: Rows): number =>
  Math.max(...a.flatMap((row, i) => row.map((x, j) => Math.abs(x - b[i][j]))))

/** Ends of parts of a row, drawn, the last one being that of the row. */
function cutsOf(random: RandomStream, length: number): number[] {
  const cuts: number[] = []
  for (let at = 1 + random.below(4); at < length; at += 1 + random.below(7)) cuts.push(at)
  return [...cuts, length]
}

/** Whether a row goes on with a byte where the parts are cut: an end alone tells where a piece ends. */
const isTold = (row: readonly number[], cut: number): boolean => cut === row.length || row[cut] < 256

describe('a row that is read in parts', () => {
  it.each<[string, () => Device, number]>([
    ['the reference', () => reference, 1e-12],
    ['WASM', openWasm, 1e-4],
  ])('has the logits of the whole, wherever it is cut, on %s', async (_, open, bound) => {
    const model = reading(await tinyModel(open()))
    const random = draw(1)
    for (const row of someRows(draw(2))) {
      const whole = logitsOf(model, [row])
      const bytewise = row.map((_, i) => i + 1).filter((cut) => isTold(row, cut))
      for (const cuts of [bytewise, cutsOf(random, row.length).filter((cut) => isTold(row, cut))]) {
        using cache = new KeyValueCache(model.config, model.device)
        let from = 0
        for (const to of cuts) {
          const part = logitsOf(model, [row.slice(from, to)], { cache })
          expect(apart(part, whole.slice(from, to)), `${String(row)} from ${from} to ${to}`).toBeLessThan(
            bound,
          )
          from = to
        }
        expect(cache.tokens).toBe(row.length)
      }
    }
  })

  it('takes a position for each token and each patch, when the patch is whole', async () => {
    const model = reading(await tinyModel(reference))
    using cache = new KeyValueCache(model.config, reference)
    const [picture] = someRows(draw(3))
    const held = picture.map((byte) => {
      logitsOf(model, [[byte]], { cache })
      return cache.length
    })
    expect([0, 1, 15, 16, 24, 28, 30, 31].map((i) => held[i])).toEqual([1, 1, 1, 2, 3, 4, 5, 6])
  })

  it('has the last logits alone where they are asked for', async () => {
    const model = reading(await tinyModel(reference))
    for (const row of someRows(draw(4))) {
      const whole = logitsOf(model, [row])
      expect(apart(logitsOf(model, [row], { lastOnly: true }), whole.slice(-1))).toBeLessThan(1e-12)
      using cache = new KeyValueCache(model.config, reference)
      logitsOf(model, [row.slice(0, 4)], { cache })
      const last = logitsOf(model, [row.slice(4)], { cache, lastOnly: true })
      expect(apart(last, whole.slice(-1))).toBeLessThan(1e-12)
    }
  })

  it('goes on from any earlier place', async () => {
    const model = reading(await tinyModel(reference))
    for (const row of someRows(draw(5))) {
      const whole = logitsOf(model, [row])
      for (const place of [0, 1, 5, 9, row.length - 1].filter((cut) => isTold(row, cut))) {
        using cache = new KeyValueCache(model.config, reference)
        const other = row.map((token, i) => (i >= place && token < 256 ? (token + 99) % 256 : token))
        logitsOf(model, [other], { cache })
        cache.rewind(place)
        cache.rewind(row.length)
        expect(cache.tokens).toBe(place)
        const again = logitsOf(model, [row.slice(place)], { cache })
        expect(apart(again, whole.slice(place)), `${String(row)} from ${place}`).toBeLessThan(1e-12)
      }
    }
  })

  it('is read beside rows of its form, and of other forms with a cache for each', async () => {
    const model = reading(await tinyModel(reference))
    const random = draw(6)
    const pair = [0, 1].map(() => [256, ...bytesOf(random, 21)])
    using together = new KeyValueCache(model.config, reference, 2)
    const whole = pair.map((row) => logitsOf(model, [row]))
    const parts = [
      [0, 5],
      [5, 18],
      [18, 22],
    ].map(([from, to]) => {
      const own = pair.map((row) => row.slice(from, to))
      const logits = logitsOf(model, own, { cache: together })
      return { from, to, logits }
    })
    for (const { from, to, logits } of parts)
      for (const b of [0, 1]) {
        const own = logits.slice(b * (to - from), (b + 1) * (to - from))
        expect(apart(own, whole[b].slice(from, to))).toBeLessThan(1e-12)
      }
    together.select([1])
    const next = logitsOf(model, [[7, 8]], { cache: together })
    expect(apart(next, logitsOf(model, [[...pair[1], 7, 8]]).slice(-2))).toBeLessThan(1e-12)

    const others = [
      [257, 1, 2, 3, 4],
      [10, 11, 12, 13, 14],
    ]
    using one = new KeyValueCache(model.config, reference)
    using other = new KeyValueCache(model.config, reference)
    const apiece = logitsOf(model, others, { cache: [one, other] })
    expect(apart(apiece.slice(0, 5), logitsOf(model, [others[0]]))).toBeLessThan(1e-12)
    expect(apart(apiece.slice(5), logitsOf(model, [others[1]]))).toBeLessThan(1e-12)
  })

  it('of another form than its cache has, or too long, is refused, and nothing is lost', async () => {
    const model = reading(await tinyModel(reference))
    using cache = new KeyValueCache(model.config, reference, 2)
    const rows = [
      [1, 2, 3],
      [4, 5, 6],
    ]
    logitsOf(model, rows, { cache })
    const apartForms = [
      [256, 1],
      [7, 1],
    ]
    expect(() => logitsOf(model, apartForms, { cache })).toThrow(OptionError)
    expect(() => logitsOf(model, apartForms, { cache })).toThrow('a cache for each form of rows')
    expect(() => logitsOf(model, [[1], [2], [3]], { cache })).toThrow('3 sequences and caches of 2')
    const long = rows.map((row) => [...row, ...new Array<number>(22).fill(1)])
    expect(() => logitsOf(model, long, { cache })).toThrow('at most the context, 24')
    expect(() => cache.rewind(-1)).toThrow(OptionError)
    expect([cache.tokens, cache.length]).toEqual([3, 3])
    const next = logitsOf(model, [[8], [9]], { cache })
    expect(apart(next.slice(0, 1), logitsOf(model, [[1, 2, 3, 8]]).slice(-1))).toBeLessThan(1e-12)
  })

  it('is read by packed weights, into small caches, and by text alone as it always was', async () => {
    const tiny = await tinyModel(reference)
    const model = reading(tiny)
    const [row] = someRows(draw(7))
    const whole = logitsOf(model, [row])
    using small = new KeyValueCache(model.config, reference, 1, 'f16')
    logitsOf(model, [row.slice(0, 20)], { cache: small })
    const close = logitsOf(model, [row.slice(20)], { cache: small })
    expect(apart(close, whole.slice(20))).toBeLessThan(0.01)
    expect(apart(close, whole.slice(20))).toBeGreaterThan(0)
    const packed = await quantized(tiny, { weights: 'f16' })
    const packedOnes = { device: reference, config: packed.config, forward: packed.forward.bind(packed) }
    using cache = new KeyValueCache(packed.config, reference)
    const expected = logitsOf(packedOnes, [row])
    logitsOf(packedOnes, [row.slice(0, 9)], { cache })
    const rest = logitsOf(packedOnes, [row.slice(9)], { cache })
    expect(apart(rest, expected.slice(9))).toBeLessThan(1e-9)
  })
})
