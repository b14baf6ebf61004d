/** What comes next in a series, and bands that hold what they promise. */
import { adamw } from '@burgeon/autograd/optim'
import { joinBatches, Learner } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import {
  adaptiveBand,
  forecast,
  type Forecast,
  sense,
  SenseError,
  senseRequest,
  series,
  type WritingModel,
} from '@burgeon/senses'
import { keyFromSeed, OptionError, RandomStream } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

/** A model that writes what it is given, row by row, and keeps what it was asked. */
function writing(rows: (prompt: readonly number[], row: number) => readonly number[], context = 64) {
  const asked: { prompts: readonly (readonly number[])[]; options: object }[] = []
  const model: WritingModel = {
    config: {
      context,
      patches: {
        senses: [
          { name: 'series/1 1', token: 300, end: 301 },
          { name: 'series/1 2', token: 302, end: 303 },
        ],
      },
    },
    generate(prompts, options) {
      asked.push({ prompts, options })
      return Promise.resolve(prompts.map((prompt, i) => ({ tokens: rows(prompt, i) })))
    },
  }
  return { model, asked }
}

const far = (values: readonly number[]): Float64Array => Float64Array.from(values)

describe('a forecast', () => {
  it('is the median of what is written, between the edges of its quantiles', async () => {
    // 101 continuations: levels 77 to 177 at the first moment, all the same at the second.
    const { model, asked } = writing((_, row) => [77 + row, 127])
    const piece = { channels: [far([1, 2, 3])], past: [far([0, 10, 20])] }
    const found = await forecast(model, piece, { steps: 2, samples: 101, level: 0.8, seed: 4 })
    const { bytes } = series.encode(piece)
    expect(asked[0].prompts[100]).toEqual([300, ...bytes])
    expect(asked[0].options).toEqual({ seed: 4, tokens: 2, onContextFull: 'error' })
    const value = (level: number): number => 10 + 10 * Math.sinh(((level - 127) * 6) / 127)
    const near = (values: readonly Float64Array[], expected: readonly number[]): void =>
      expected.forEach((x, i) => expect(values[0][i]).toBeCloseTo(x, 9))
    near(found.median, [value(127), value(127)])
    near(found.lower, [value(86.5), value(126.5)])
    near(found.upper, [value(167.5), value(127.5)])
  })

  it('is of each channel its own, and of what is not missing', async () => {
    const { model } = writing((_, row) => [100, row === 0 ? 90 : 255, 255, 200])
    const piece = { channels: [far([1, 2]), far([5, 6])] }
    const { median, lower, upper } = await forecast(model, piece, { steps: 2, samples: 5 })
    const { channels } = series.decode({
      bytes: Uint8Array.of(...series.encode(piece).bytes.subarray(0, 32), 100, 90, 255, 200),
      size: [2],
    })
    expect(median[0][0]).toBeCloseTo(channels[0][0], 9)
    expect(median[1][0]).toBeCloseTo(channels[1][0], 9)
    expect([median[0][1], lower[0][1], upper[0][1]]).toEqual([NaN, NaN, NaN])
    expect(median[1][1]).toBeCloseTo(channels[1][1], 9)
  })

  it('reads what fits and measures it by what came before', async () => {
    const { model, asked } = writing(() => [1, 2, 3], 10)
    const values = Float64Array.from({ length: 40 }, (_, i) => i * i)
    await forecast(model, { channels: [values], past: [far([7, 8])] }, { steps: 3, samples: 2, past: 20 })
    const expected = series.encode({ channels: [values.slice(35)], past: [values.slice(15, 35)] })
    expect(asked[0].prompts[0]).toEqual([300, ...expected.bytes])
    await forecast(model, { channels: [values], past: [far([7, 8])] }, { steps: 3, samples: 2 })
    const all = series.encode({ channels: [values.slice(35)], past: [far([7, 8, ...values.slice(0, 35)])] })
    expect(asked[1].prompts[0]).toEqual([300, ...all.bytes])
    await forecast(model, { channels: [values] }, { steps: 3, samples: 2, past: 0 })
    expect(asked[2].prompts[0]).toEqual([300, ...series.encode({ channels: [values.slice(35)] }).bytes])
  })

  it('that cannot be is refused', async () => {
    const { model } = writing(() => [1], 4)
    const piece = { channels: [far([1, 2])] }
    await expect(forecast(model, piece, { steps: 2 })).rejects.toThrow(SenseError)
    await expect(forecast(model, piece, { steps: 2 })).rejects.toThrow('Ask for fewer steps.')
    await expect(forecast(model, { channels: [] }, { steps: 1 })).rejects.toThrow(SenseError)
    const three = { channels: [1, 2, 3].map((x) => far([x])) }
    await expect(forecast(model, three, { steps: 1 })).rejects.toThrow('without the sense series/1 3')
    await expect(forecast(model, piece, { steps: 1, level: 1 })).rejects.toThrow(OptionError)
  })

  it('of what was learnt holds what comes, where a model that has learnt nothing does not', async () => {
    const model = Gpt.create({ context: 40, embed: 16, heads: 2, layers: 1 }, { device: openWasm(), seed: 1 })
    const wave = (from: number, length: number): Float64Array =>
      Float64Array.from({ length }, (_, i) => 10 + 3 * Math.sin(((from + i) * Math.PI) / 4))
    const piece = (from: number, length = 24) => ({ channels: [wave(from, length)], past: [wave(0, 16)] })
    const request = { ...senseRequest(series, piece(0)), localEmbed: 16, byteEmbed: 8, besideEmbed: 16 }
    await grow(model, request, { mirrors: [], key: [1, 1] })
    const learner = new Learner({ model, optimizer: adamw({ learningRate: 1e-2 }) })
    const errorOf = async (): Promise<number> => {
      const { median } = await forecast(learner.model, piece(3), { steps: 6, samples: 9 })
      const came = wave(27, 6)
      return median[0].reduce((sum, x, i) => sum + Math.abs(x - came[i]) / 6, 0)
    }
    const before = await errorOf()
    for (let step = 0; step < 200; step++) {
      const rows = [0, 1, 2, 3].map((i) => sense(model.config, series, piece((step + 2 * i) % 8, 30)))
      await learner.observe(joinBatches(rows))
    }
    const after = await errorOf()
    expect(before).toBeGreaterThan(2)
    expect(after).toBeLessThan(0.5)
  })
})

describe('an adaptive band', () => {
  const of = (median: number, lower: number, upper: number): Forecast => ({
    median: [Float64Array.of(median)],
    lower: [Float64Array.of(lower)],
    upper: [Float64Array.of(upper)],
  })

  it('holds its share through a change that makes another miss', () => {
    const random = new RandomStream(keyFromSeed(1))
    const band = adaptiveBand({ level: 0.9 })
    const held = { adaptive: 0, fixed: 0 }
    for (let t = 0; t < 2000; t++) {
      const [value, forecasts] = [random.normal() * (t < 700 ? 0.3 : 3), of(0, -1.645, 1.645)]
      const [[holds]] = band.update(forecasts, [[value]])
      if (holds) held.adaptive++
      if (Math.abs(value) <= 1.645) held.fixed++
    }
    expect(Math.abs(held.adaptive / 2000 - 0.9)).toBeLessThan(0.02)
    expect(Math.abs(held.fixed / 2000 - 0.9)).toBeGreaterThan(0.1)
    // Each side by its own width: three times as wide as what was drawn.
    const { lower, upper } = band.around(of(5, 4, 7))
    expect((upper[0][0] - 5) / (5 - lower[0][0])).toBeCloseTo(2, 9)
  })

  it('holds it of any sequence, within what the theory says', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 1e-4, max: 1e4, noNaN: true }), { minLength: 200, maxLength: 600 }),
        fc.double({ min: 0.05, max: 0.95, noNaN: true }),
        (values, level) => {
          const band = adaptiveBand({ level, rate: 0.5 })
          const misses = values.filter((value) => band.update(of(0, -1, 1), [[value]])[0][0] === false).length
          const bound = (Math.log(1e12) + 0.5) / (0.5 * values.length)
          expect(Math.abs(misses / values.length - (1 - level))).toBeLessThanOrEqual(bound)
        },
      ),
      { numRuns: 50 },
    )
  })

  it('learns of each channel and step, of those that came and are not missing', () => {
    const band = adaptiveBand({ level: 0.5, rate: 1 })
    const two: Forecast = {
      median: [far([0, 0, 0]), far([0, 0, 0])],
      lower: [far([-1, -1, -1]), far([-1, -1, NaN])],
      upper: [far([1, 1, 1]), far([1, 1, NaN])],
    }
    expect(
      band.update(two, [
        [0, NaN],
        [9, 0, 0],
      ]),
    ).toEqual([
      [true, null],
      [false, true, null],
    ])
    const { upper } = band.around(two)
    const [wider, narrower] = [Math.exp(0.5), Math.exp(-0.5)]
    expect([...upper[0]]).toEqual([narrower, 1, 1])
    expect([...upper[1].subarray(0, 2)]).toEqual([wider, narrower])
    for (const came of [[[0]], [[0], [0, 0, 0, 0]]]) {
      expect(() => band.update(two, came)).toThrow(OptionError)
      expect(band.around(two)).toEqual(band.around(two))
    }
    expect([...band.around(two).upper[0]]).toEqual([narrower, 1, 1])
  })

  it('goes on from its state, and refuses that of another level', () => {
    const band = adaptiveBand({ level: 0.8 })
    band.update(of(0, -1, 1), [[5]])
    const state = JSON.parse(JSON.stringify(band.toState())) as ReturnType<typeof band.toState>
    const again = adaptiveBand({ level: 0.8 })
    again.restore(state)
    expect(again.around(of(0, -1, 1))).toEqual(band.around(of(0, -1, 1)))
    expect(again.around(of(0, -1, 1)).upper[0][0]).toBeGreaterThan(1)
    expect(() => adaptiveBand({ level: 0.9 }).restore(state)).toThrow('level 0.8')
    expect(() => again.restore({ level: 0.8, factors: [[-1]] })).toThrow(OptionError)
  })
})
