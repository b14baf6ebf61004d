/** Bytes that are told of single bytes beside them: what they learn by it, and where it begins. */
import { adamw } from '@burgeon/autograd/optim'
import { joinBatches, Learner } from '@burgeon/continual'
import { Gpt, parameterSpecs } from '@burgeon/gpt'
import { type AddSense, grow } from '@burgeon/gpt/growth'
import { grey, type Raster, sense, senseRequest } from '@burgeon/senses'
import { keyFromSeed, OptionError, RandomStream } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, it } from 'vitest'

/** Noise above, and the same once more below it: two patches. */
function twice(random: RandomStream): Raster {
  const half = Array.from({ length: 16 }, () => 16 * random.below(16))
  return { width: 4, height: 8, pixels: Uint8Array.from([...half, ...half]) }
}

/** Bits of a byte, of pictures that a model has just met, after some steps. */
async function bitsAfter(steps: number, front: Partial<AddSense>): Promise<number> {
  const random = new RandomStream(keyFromSeed(3)).named('pictures')
  const model = Gpt.create({ context: 4, embed: 16, heads: 2, layers: 1 }, { device: openWasm(), seed: 1 })
  const request = {
    ...senseRequest(grey, twice(random)),
    localEmbed: 32,
    besideEmbed: 0,
    byteEmbed: 8,
    ...front,
  }
  await grow(model, request, { mirrors: [], key: [1, 1] })
  const learner = new Learner({ model, optimizer: adamw({ learningRate: 1e-2 }) })
  let late = 0
  for (let step = 0; step < steps; step++) {
    const rows = Array.from({ length: 8 }, () => sense(model.config, grey, twice(random)))
    const { bitsPerByte } = await learner.observe(joinBatches(rows))
    if (step >= steps - 10) late += bitsPerByte / 10
  }
  model.dispose()
  return late
}

describe('a local decoder with mixing', () => {
  it('finds the byte beside each of its own, where one without does not', async () => {
    // Sixteen shades above: 4 bits; what lies below can be known.
    const [without, mixed] = [await bitsAfter(500, { mixing: 0 }), await bitsAfter(500, { mixing: 8 })]
    // All of it costs 4 bits a byte where nothing of that is found, and 2 where all is.
    expect(mixed).toBeLessThan(2.3)
    expect(without).toBeGreaterThan(3.7)
  })

  it('reads bytes from the first step on as what they look like, and has a matrix of its own to write them', async () => {
    const model = Gpt.create({ context: 4, embed: 16, heads: 2, layers: 1 }, { device: openWasm(), seed: 1 })
    const request = senseRequest(grey, twice(new RandomStream(keyFromSeed(1))))
    await grow(model, request, { mirrors: [], key: [1, 1] })
    const table = model.parameters.get('local.embed.token.weight').tensor.readSync()
    const apart = (a: number, b: number): number =>
      Math.hypot(...Array.from({ length: 64 }, (_, k) => table[64 * a + k] - table[64 * b + k]))
    expect(apart(100, 101)).toBeLessThan(apart(100, 110))
    expect(apart(100, 110)).toBeLessThan(apart(100, 200))
    const paths = parameterSpecs(model.config).map(({ path }) => path)
    expect(paths).toContain('local.head.weight')
    expect(paths.filter((path) => path.startsWith('local.mixing.'))).toHaveLength(5)
  })

  it('that is none is refused', async () => {
    const model = Gpt.create({ context: 4, embed: 16, heads: 2, layers: 1 }, { device: openWasm(), seed: 1 })
    const request = senseRequest(grey, twice(new RandomStream(keyFromSeed(1))))
    for (const mixing of [-1, 1.5, 1e9]) {
      await expect(grow(model, { ...request, mixing }, { mirrors: [], key: [1, 1] })).rejects.toThrow(
        OptionError,
      )
    }
    expect(model.config.patches).toBeUndefined()
  })
})
