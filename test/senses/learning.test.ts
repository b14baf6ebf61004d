/** Pieces as rows of a learner: learnt, remembered, grown into in the middle of a life, and resumed to the bit. */
import { adamw } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  compose,
  everySteps,
  growOnSchedule,
  joinBatches,
  Learner,
  type LearnerState,
  onlineEwc,
  reservoirReplay,
  type Strategy,
  type TokenBatch,
} from '@burgeon/continual'
import { Gpt, tokensWithin } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import { grey, pcm8, type Raster, sense, senseRequest, series } from '@burgeon/senses'
import { keyFromSeed, OptionError, RandomStream } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, it } from 'vitest'
import { everyByte } from '../growth/tiny-model.ts'

const sizes = { context: 12, embed: 16, heads: 2, layers: 1 }
const front = { byteEmbed: 4, localEmbed: 16, besideEmbed: 8 }

/** Dark on the left, or on the right, with noise. */
function picture(isLeft: boolean, seed: number): Raster {
  const random = new RandomStream(keyFromSeed(seed))
  const shade = (i: number): number => (i % 8 < 4 === isLeft ? 40 : 200) + random.below(16)
  return { width: 8, height: 8, pixels: Uint8Array.from({ length: 64 }, (_, i) => shade(i)) }
}

const request = { ...senseRequest(grey, picture(true, 0)), ...front }

async function seeing(): Promise<Gpt> {
  const model = Gpt.create(sizes, { device: openWasm(), seed: 1 })
  await grow(model, request, { mirrors: [], key: [1, 1] })
  return model
}

const named = (model: Gpt, isLeft: boolean, seed: number): TokenBatch =>
  sense(model.config, grey, picture(isLeft, seed), { text: isLeft ? 'left' : 'right' })
const pair = (model: Gpt, seed: number): TokenBatch =>
  joinBatches([
    named(model, true, seed),
    named(model, false, seed),
    batchOfTokens([1, 2, 3, 4, 5], 4, 'text'),
  ])

describe('a row of a piece', () => {
  it('is its token, its bytes and its text, with one weight for each patch', async () => {
    const model = await seeing()
    const { tokens, length, domains, weights } = sense(model.config, grey, picture(true, 1), { text: 'é' })
    const { bytes } = grey.encode(picture(true, 1))
    expect([...tokens]).toEqual([256, ...bytes, 0xc3, 0xa9])
    expect([length, domains]).toEqual([66, ['grey/1 8×8']])
    expect([...weights]).toEqual([...new Array<number>(64).fill(1 / 16), 1, 1])
    const light = sense(model.config, grey, picture(true, 1), { patchWeight: 0.5, domain: 'mine' })
    expect([light.length, light.domains, light.weights[63]]).toEqual([64, ['mine'], 1 / 32])
  })

  it('of open length has its end before the text, and none without', async () => {
    const model = Gpt.create(sizes, { seed: 1 })
    const sound = { rate: 8000, samples: new Float32Array(20) }
    await grow(model, { ...senseRequest(pcm8, sound), ...front }, { mirrors: [], key: [1, 1] })
    expect([...sense(model.config, pcm8, sound, { text: 'a' }).tokens.subarray(20)]).toEqual([255, 257, 97])
    expect(sense(model.config, pcm8, sound).tokens).toHaveLength(21)
    const measured = { channels: [Float64Array.of(1, 2, 3)] }
    expect(senseRequest(series, measured)).toEqual({
      ...{
        kind: 'addSense',
        name: 'series/1 1',
        header: 16,
        patches: [1],
        columns: 1,
        besideEmbed: 64,
        mixing: 8,
      },
    })
  })

  it('of a sense or a size that the model has not, or without bytes, is refused', async () => {
    const model = await seeing()
    const other = { width: 4, height: 8, pixels: new Uint8Array(32) }
    expect(() => sense(model.config, grey, other)).toThrow(OptionError)
    expect(() => sense(model.config, grey, other)).toThrow('without the sense grey/1 8×4')
    const silent = { rate: 8000, samples: new Float32Array(0) }
    await grow(model, senseRequest(pcm8, silent), { mirrors: [], key: [1, 1] })
    expect(() => sense(model.config, pcm8, silent)).toThrow('without bytes')
  })
})

describe('a learner', () => {
  it('learns to name what it sees, beside text, and remembers it', async () => {
    const model = await seeing()
    const strategy: Strategy = { rehearsal: reservoirReplay({ capacity: 20, share: 1 }) }
    const learner = new Learner({ model, optimizer: adamw({ learningRate: 5e-3 }), strategy })
    const first = await learner.observe(pair(model, 100))
    let last = first
    for (let step = 1; step < 60; step++) last = await learner.observe(pair(model, 100 + step))
    expect(last.loss).toBeLessThan(0.75 * first.loss)
    for (const isLeft of [true, false]) {
      const { tokens, length } = named(model, isLeft, 9)
      const logits = model
        .forward(model.device.tensor(tokens.subarray(0, length), { shape: [1, length], dtype: 'i32' }))
        .readSync()
      const likeliest = [64, 65, 66, 67].map((i) => {
        const own = [...logits.subarray(257 * i, 257 * (i + 1))]
        return String.fromCharCode(own.indexOf(Math.max(...own)))
      })
      expect(likeliest.join('')).toBe(isLeft ? 'left' : 'righ')
    }
  })

  const everything = (): Strategy =>
    compose(
      {
        rehearsal: reservoirReplay({ capacity: 6, share: 1 }),
        growth: growOnSchedule([{ step: 3, request }]),
      },
      { penalties: [onlineEwc({ strength: 10 })], consolidateWhen: everySteps(2) },
    )
  const made = (): Learner =>
    new Learner({
      model: Gpt.create(sizes, { device: openWasm(), seed: 1 }),
      ...{ optimizer: adamw({ learningRate: 5e-3 }), strategy: everything(), seed: 4 },
    })
  const rowsAt = (learner: Learner, step: number): TokenBatch =>
    step < 3 ? batchOfTokens([step, 2, 3, 4, 5, 6, 7, 8, 9], 8, 'text') : pair(learner.model, step)

  it('that grows a sense in the middle of its life goes on to the same bits when it is saved at any step', async () => {
    const whole = made()
    const states: LearnerState[] = []
    const losses: number[] = []
    for (let step = 0; step < 6; step++) {
      states.push(structuredClone(await whole.toState()))
      losses.push((await whole.observe(rowsAt(whole, step))).loss)
    }
    expect(whole.journal.map(({ kind }) => kind)).toContain('growth')
    for (const from of [1, 3, 5]) {
      const options = {
        device: openWasm(),
        ...{ optimizer: adamw({ learningRate: 5e-3 }), strategy: everything(), seed: 4 },
      } as const
      const resumed = Learner.fromState(states[from], options as never)
      for (let step = from; step < 6; step++) {
        expect((await resumed.observe(rowsAt(resumed, step))).loss).toBe(losses[step])
      }
      expect(everyByte(resumed.model, [])).toEqual(everyByte(whole.model, []))
    }
  })

  it('learns the same whether blocks are computed twice or not', async () => {
    const bytes = []
    for (const checkpointBlocks of [true, false]) {
      const model = await seeing()
      const learner = new Learner({ model, optimizer: adamw({ learningRate: 5e-3 }), checkpointBlocks })
      for (let step = 0; step < 2; step++) await learner.observe(pair(model, step))
      bytes.push(everyByte(model, []))
    }
    expect(bytes[0]).toEqual(bytes[1])
  })

  it('beside a shorter row changes nothing of it, also where that fills the context', async () => {
    const model = await seeing()
    const [full, long] = [batchOfTokens(new Uint8Array(13).fill(7), 12, 'text'), named(model, true, 1)]
    const lossOf = async (batch: TokenBatch): Promise<number[]> => {
      const learner = new Learner({ model: await seeing(), optimizer: adamw({ learningRate: 0 }) })
      const { rowLosses } = await learner.observe(batch)
      return [...rowLosses]
    }
    const [[alone], [, beside]] = [await lossOf(full), await lossOf(joinBatches([long, full]))]
    expect(beside).toBeCloseTo(alone, 5)
  })

  it('refuses a row of more tokens and patches than its context, and learns nothing of it', async () => {
    const model = await seeing()
    const learner = new Learner({ model, optimizer: adamw({ learningRate: 5e-3 }) })
    const before = everyByte(model, [])
    const text = 'x'.repeat(8)
    const long = sense(model.config, grey, picture(true, 1), { text })
    expect(tokensWithin(model.config, long.tokens)).toBe(long.tokens.length)
    const longer = sense(model.config, grey, picture(true, 1), { text: `${text}x` })
    await expect(learner.observe(longer)).rejects.toThrow(OptionError)
    await expect(learner.observe(longer)).rejects.toThrow('more than 12 tokens and patches')
    await expect(learner.observe(batchOfTokens(new Uint8Array(20), 13, 'text'))).rejects.toThrow(OptionError)
    expect(everyByte(model, [])).toEqual(before)
    await learner.observe(long)
    expect(everyByte(model, [])).not.toEqual(before)
  })
})
