/** A sense that comes in the middle of a life: no bit of a logit of those that were there moves, and learning goes on. */
import { adamw } from '@burgeon/autograd/optim'
import { batchOfTokens, Learner, type TokenBatch } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import {
  type Codec,
  frames,
  grey,
  mel,
  rgb,
  sense,
  type SenseRequest,
  senseRequest,
  series,
} from '@burgeon/senses'
import { keyFromSeed, RandomStream, scope } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { expect, test } from 'vitest'

const front = { byteEmbed: 4, localEmbed: 16, besideEmbed: 8 }

/** A sense, and a row of it for a model that has it. */
interface Sensed {
  readonly request: SenseRequest
  readonly row: (model: Gpt) => TokenBatch
}

function sensed<Piece>(codec: Codec<Piece, unknown>, piece: Piece): Sensed {
  return {
    request: { ...senseRequest(codec, piece), ...front },
    row: ({ config }) => sense(config, codec, piece, { text: 'so' }),
  }
}

const random = new RandomStream(keyFromSeed(1))
const pixels = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => random.below(256))
const numbers = (count: number): Float64Array => Float64Array.from({ length: count }, () => random.normal())
const [picture, film, color, measured, sound] = [
  sensed(grey, { width: 8, height: 6, pixels: pixels(48) }),
  sensed(frames, { width: 4, height: 8, pixels: pixels(96) }),
  sensed(rgb, { width: 8, height: 4, pixels: pixels(96) }),
  sensed(series, { channels: [numbers(9), numbers(9)], past: [numbers(20), numbers(20)] }),
  sensed(mel, { rate: 8000, samples: Float32Array.from(numbers(600)) }),
]
const text: Pick<Sensed, 'row'> = {
  row: () => batchOfTokens([...Buffer.from('a text of some bytes')], 19, 'text'),
}

/** Logits of the bytes after each token of a row. */
function logitsOf(model: Gpt, { row }: Pick<Sensed, 'row'>): number[] {
  const { tokens, length } = row(model)
  const V = model.config.vocabulary
  const read = model.device.tensor(tokens.subarray(0, length), { shape: [1, length], dtype: 'i32' })
  const logits = scope(() => [...model.forward(read).readSync()])
  return Array.from({ length: 256 * length }, (_, i) => logits[Math.floor(i / 256) * V + (i % 256)])
}

test.for([
  ['films, whose patches are as large as those of pictures', [picture, measured], film],
  ['films, whose patches are smaller than those of sound', [picture, sound, measured], film],
  ['a series', [picture, film, sound], measured],
  ['sound, whose patches are larger', [picture, film, measured], sound],
  ['pictures in color, whose patches are larger yet', [sound, picture, film, measured], color],
] as const)('%s come', async ([, known, late]) => {
  const model = Gpt.create(
    { context: 24, embed: 16, heads: 2, layers: 1 },
    { device: openWasm({ threads: 1 }), seed: 1 },
  )
  const learner = new Learner({ model, optimizer: adamw({ learningRate: 1e-2 }) })
  for (const [i, { request }] of known.entries()) await learner.grow(request, [1, i])
  const old = [text, ...known]
  for (let step = 0; step < 12; step++) await learner.observe(old[step % old.length].row(model))
  const before = old.map((each) => logitsOf(model, each))

  const event = await learner.grow(late.request, [1, known.length])
  expect(event.kind).toBe('growth')
  expect(old.map((each) => logitsOf(model, each))).toEqual(before)

  // It is learnt, and then logits of the others do move.
  const first = await learner.observe(late.row(model))
  for (let step = 0; step < 30; step++) await learner.observe(late.row(model))
  expect((await learner.observe(late.row(model))).loss).toBeLessThan(0.9 * first.loss)
  old.forEach((each, i) => expect(logitsOf(model, each)).not.toEqual(before[i]))
})
