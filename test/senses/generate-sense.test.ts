/** Pieces that a model writes: drawn when they are named, cut as the codec says, or refused. */
import { adamw } from '@burgeon/autograd/optim'
import { joinBatches, Learner } from '@burgeon/continual'
import { byteTokenizer, ContextFullError, Gpt } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import {
  generateSense,
  grey,
  pcm8,
  type Raster,
  sense,
  SenseError,
  senseRequest,
  series,
} from '@burgeon/senses'
import { OptionError } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, it } from 'vitest'

const front = { byteEmbed: 4, localEmbed: 16, besideEmbed: 8 }

/** A picture with one light half. */
const picture = (isAbove: boolean): Raster => ({
  ...{ width: 6, height: 6 },
  pixels: Uint8Array.from({ length: 36 }, (_, i) => (i < 18 === isAbove ? 220 : 30)),
})

async function drawing(share?: number): Promise<Gpt> {
  const model = Gpt.create({ context: 16, embed: 16, heads: 2, layers: 1 }, { device: openWasm(), seed: 1 })
  const request = senseRequest(grey, picture(true), share === undefined ? {} : { share })
  await grow(model, { ...request, ...front }, { mirrors: [], key: [1, 1] })
  return model
}

describe('a piece', () => {
  it('is drawn by its name when that stood before such pieces', async () => {
    const model = await drawing(0.01)
    const learner = new Learner({ model, optimizer: adamw({ learningRate: 1e-2 }) })
    const row = (isAbove: boolean) =>
      sense(model.config, grey, picture(isAbove), { before: isAbove ? 'above' : 'below' })
    const [first] = [await learner.observe(joinBatches([row(true), row(false)]))]
    for (let step = 0; step < 150; step++) await learner.observe(joinBatches([row(true), row(false)]))
    // No token of infinite loss stands among them.
    expect(first.loss).toBeLessThan(10)
    for (const isAbove of [true, false]) {
      const before = isAbove ? 'above' : 'below'
      expect(await generateSense(model, grey, [6, 6], { before, temperature: 0 })).toEqual(picture(isAbove))
      const begin = Uint8Array.of(1, 2, 3)
      const drawn = await generateSense(model, grey, [6, 6], { before, begin, temperature: 0 })
      expect(grey.encode(drawn).bytes.subarray(0, 3)).toEqual(begin)
    }
  })

  it('is never begun by a text, also where nothing else is as likely', async () => {
    const model = await drawing(0.01)
    const learner = new Learner({ model, optimizer: adamw({ learningRate: 1e-2 }) })
    const row = sense(model.config, grey, picture(true), { before: 'above' })
    for (let step = 0; step < 80; step++) await learner.observe(row)
    const how = { tokens: 3, temperature: 0, logProbabilities: 3 }
    const { tokens } = await model.generate([...new TextEncoder().encode('above')], how)
    expect(tokens[0]).toBe(256)
    const text = await model.generate('above', { ...how, tokenizer: byteTokenizer })
    expect(text.tokens).toHaveLength(3)
    const named = (text.logProbabilities ?? []).flatMap(({ token, alternatives = [] }) => [
      token ?? 0,
      ...alternatives.map((other) => other.token),
    ])
    expect(Math.max(...named)).toBeLessThan(256)
    // Of the model, in which the token has its share.
    expect(text.logProbabilities?.[0].logProbability).toBeLessThan(Math.log(0.1))
  })

  it('is another with another seed, and the same with the same', async () => {
    const model = await drawing()
    const of = async (seed: number) => [...(await generateSense(model, grey, [6, 6], { seed })).pixels]
    const [one, again, other] = [await of(1), await of(1), await of(2)]
    expect(one).toEqual(again)
    expect(one).not.toEqual(other)
    const colder = await generateSense(model, grey, [6, 6], { seed: 1, topK: 1 })
    expect(colder).toEqual(await generateSense(model, grey, [6, 6], { temperature: 0 }))
  })

  it('of open length is as long as it is asked for', async () => {
    const model = await drawing()
    const sound = { rate: 8000, samples: new Float32Array(32) }
    await grow(model, { ...senseRequest(pcm8, sound), ...front }, { mirrors: [], key: [1, 2] })
    const { rate, samples } = await generateSense(model, pcm8, [], { frames: 3 })
    expect([rate, samples.length]).toEqual([8000, 48])
    const measured = { channels: [Float64Array.of(1, 2, 4, 3)] }
    await grow(model, { ...senseRequest(series, measured), ...front }, { mirrors: [], key: [1, 3] })
    const begin = series.encode(measured).bytes
    const { channels } = await generateSense(model, series, [1], { begin, frames: 6 })
    expect(channels[0]).toHaveLength(6)
    expect(channels[0].subarray(0, 4)).toEqual(series.decode({ bytes: begin, size: [1] }).channels[0])
    await expect(generateSense(model, pcm8, [], { frames: 99 })).rejects.toThrow(ContextFullError)
  })

  it('that cannot be is refused', async () => {
    const model = await drawing()
    const refused: readonly [Promise<unknown>, string][] = [
      [generateSense(model, grey, [5, 6]), 'without the sense grey/1 5×6'],
      [generateSense(model, grey, [6]), 'expected 2'],
      [generateSense(model, grey, [6, 6], { before: 'a' }), 'token is never predicted'],
      [generateSense(model, grey, [6, 6], { frames: 2 }), 'expected none: it has 1'],
      [generateSense(model, pcm8, []), 'how many to write'],
      [generateSense(model, grey, [6, 6], { begin: new Uint8Array(37) }), '37 first bytes of a piece of 36'],
      [generateSense(model, grey, [6, 6], { signal: AbortSignal.abort() }), '0 bytes of 36'],
    ]
    for (const [attempt, message] of refused) await expect(attempt).rejects.toThrow(message)
    await expect(generateSense(model, grey, [6])).rejects.toThrow(SenseError)
    await expect(generateSense(model, grey, [5, 6])).rejects.toThrow(OptionError)
    expect(() => sense(model.config, grey, picture(true), { before: 'a' })).toThrow('never predicted')
    expect(() => senseRequest(grey, picture(true), { share: 0 })).toThrow(OptionError)
  })

  it('with text before it weighs each patch as much as a letter, and no letter as a patch', async () => {
    const model = await drawing(0.5)
    const { tokens, weights } = sense(model.config, grey, picture(true), { before: 'ab', text: 'c' })
    expect([...tokens.subarray(0, 3)]).toEqual([97, 98, 256])
    const each = [16, 8, 8, 4].flatMap((bytes) => new Array<number>(bytes).fill(1 / bytes))
    expect([...weights]).toEqual([1, 1, ...each.map(Math.fround), 1])
  })
})
