/** Reaches inside for what error feedback sees. Models with packed weights: as near as their format is, and no more than that. */
import { Gpt, type GptSizes, quantized, type QuantizedGpt, type QuantizedOptions } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import { adamw } from '@burgeon/autograd/optim'
import { evaluateText, Learner } from '@burgeon/continual'
import { type Device, NonFiniteError, OptionError, scope, UnsupportedError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { mapInputs } from '../../packages/gpt/src/quantized/map-inputs.ts'
import { drawConfig, drawFrom, modelOf } from '../growth/tiny-model.ts'

const device = openWasm()
const llama: GptSizes = {
  ...{ vocabulary: 256, context: 64, embed: 64, layers: 2, heads: 4, kvHeads: 2, mlpHidden: 160 },
  ...{ norm: 'rms', positions: 'rotary', activation: 'swiglu', biases: [], untiedHead: true },
}
const gpt2: GptSizes = {
  ...{ vocabulary: 256, context: 64, embed: 64, layers: 2, heads: 4 },
  ...{ norm: 'layer', positions: 'learned', activation: 'gelu' },
}

const text = Int32Array.from({ length: 40 }, (_, i) => (i * 37) % 256)

function logitsOf(model: Gpt | QuantizedGpt, tokens: ArrayLike<number>): Float64Array {
  return scope(() => {
    const input = model.device.tensor(tokens, { shape: [1, tokens.length], dtype: 'i32' })
    return Float64Array.from(model.forward(input).readSync())
  })
}

/** ‖a − b‖ / ‖b‖. */
function relativeDifference(a: Float64Array, b: Float64Array): number {
  const norm = (of: (i: number) => number): number => Math.sqrt(b.reduce((sum, _, i) => sum + of(i) ** 2, 0))
  return norm((i) => a[i] - b[i]) / norm((i) => b[i])
}

const withDevice = (sizes: GptSizes, on: Device = device): Gpt => Gpt.create(sizes, { device: on, seed: 5 })

describe('a quantized model', () => {
  test.each<[string, QuantizedOptions, number]>([
    ['f16', { weights: 'f16' }, 1e-3],
    ['bf16', { weights: 'bf16' }, 8e-3],
    ['int8', { weights: 'int8' }, 2e-2],
    ['int8 with int8 activations', { weights: 'int8', activations: 'int8' }, 3e-2],
    ['int8 with int7 activations', { weights: 'int8', activations: 'int7' }, 4e-2],
    ['int4', { weights: 'int4' }, 0.2],
    [
      'clipped int4 with int8 activations',
      { weights: 'int4', rounding: 'clipped', activations: 'int8' },
      0.2,
    ],
    ['int4 all over, in groups of 64', { weights: 'int4', embedding: 'int4', group: 64 }, 0.25],
  ])('in %s has the logits of its model, as near as the format is', async (_, options, bound) => {
    for (const sizes of [llama, gpt2]) {
      using cleanup = new DisposableStack()
      const model = cleanup.adopt(withDevice(sizes), (x) => x.dispose())
      const small = cleanup.adopt(await quantized(model, options), (x) => x.dispose())
      const difference = relativeDifference(logitsOf(small, text), logitsOf(model, text))
      expect(difference).toBeGreaterThan(0)
      expect(difference).toBeLessThan(bound)
    }
  })

  test('takes as many bytes on its device as its format says, and the model’s own are free again', async () => {
    for (const [weights, most] of [
      ['bf16', 0.51],
      ['f16', 0.51],
      ['int8', 0.28],
      ['int4', 0.22],
    ] as const) {
      const own = openWasm()
      const model = withDevice({ ...llama, embed: 128, mlpHidden: 384 }, own)
      const before = own.memory.bytes
      const small = await quantized(model, { weights, embedding: weights })
      model.dispose()
      expect(own.memory.bytes).toBe(small.bytes)
      expect(own.memory.bytes / before).toBeLessThan(most)
      expect(small.parameters.size).toBeGreaterThan(0)
      small.dispose()
      expect(own.memory.buffers).toBe(0)
    }
  })

  test('writes, cached, what it predicts uncached', async () => {
    const model = withDevice(llama)
    for (const options of [{ weights: 'int8' }, { weights: 'int4', activations: 'int8' }] as const) {
      const small = await quantized(model, options)
      const prompt = [...text.subarray(0, 5)]
      const { tokens } = await small.generate(prompt, { tokens: 12, temperature: 0 })
      const all = [...prompt, ...tokens]
      const logits = logitsOf(small, all)
      tokens.forEach((token, i) => {
        const at = (prompt.length + i - 1) * 256
        const row = logits.subarray(at, at + 256)
        // Of two logits that differ in the last bits either may be larger in a batch of another size.
        expect(Math.max(...row) - row[token]).toBeLessThan(1e-5)
      })
      small.dispose()
    }
    model.dispose()
  })

  test('has the losses that evaluation reports, near its model’s', async () => {
    const model = withDevice(gpt2)
    const small = await quantized(model, { weights: 'int8' })
    const long = Array.from({ length: 60 }, (_, i) => `line ${i % 7} and ${i % 5}`).join('\n')
    const [ofModel, ofSmall] = [await evaluateText(model, long), await evaluateText(small, long)]
    expect(Math.abs(ofSmall.natsPerToken - ofModel.natsPerToken)).toBeLessThan(0.01)
    small.dispose()
    model.dispose()
  })

  test('is exact where every parameter is of a kind that stays, and near where models grew', async () => {
    for (let seed = 1; seed < 12; seed++) {
      for (const on of [openReference(), device]) {
        const model = modelOf(drawConfig(drawFrom(seed)), drawFrom(seed + 100), on)
        const tokens = Int32Array.from({ length: Math.min(4, model.config.context) }, (_, i) => i % 2)
        const small = await quantized(model, { weights: 'f16' })
        expect(relativeDifference(logitsOf(small, tokens), logitsOf(model, tokens))).toBeLessThan(0.02)
        small.dispose()
        model.dispose()
      }
    }
  })

  test('keeps what its model had when that learns on', async () => {
    const model = withDevice(gpt2)
    const small = await quantized(model, { weights: 'int8' })
    const before = logitsOf(small, text)
    const learner = new Learner({ model, optimizer: adamw({ learningRate: 1e-3 }) })
    await learner.observe('some other text to learn from, again and again')
    expect(logitsOf(small, text)).toEqual(before)
    small.dispose()
    model.dispose()
  })

  test('rounded with error feedback on a text predicts that text better', async () => {
    const model = withDevice(llama)
    const kinds: QuantizedOptions[] = [
      { weights: 'int4', embedding: 'int8' },
      { weights: 'int4', embedding: 'int8', calibration: [text, text.toReversed()] },
    ]
    const wanted = logitsOf(model, text)
    const [plain, feedback] = await Promise.all(
      kinds.map(async (options) => {
        const small = await quantized(model, options)
        const difference = relativeDifference(logitsOf(small, text), wanted)
        small.dispose()
        return difference
      }),
    )
    expect(feedback).toBeLessThan(0.8 * plain)
    model.dispose()
  })

  test('has error feedback for every map that is read, and says where it cannot see one', async () => {
    const model = withDevice(llama)
    const parts = { config: model.config, device, tensors: model.parameters.tensors() }
    const maps = Object.keys(parts.tensors).filter((path) => /(query|down|head)\.weight$/.test(path))
    expect([...(await mapInputs(parts, maps, [text])).keys()].toSorted()).toEqual(maps.toSorted())
    const hidden = mapInputs(parts, [...maps, 'blocks.b0.mlp.norm.gain'], [text])
    await expect(hidden).rejects.toThrow(UnsupportedError)
    await expect(hidden).rejects.toThrow(/no matmul or linear reads blocks\.b0\.mlp\.norm\.gain/)
    model.dispose()
  })

  test('does not grow and does not learn, and says what to do', async () => {
    const model = withDevice(gpt2)
    const small = await quantized(model, { weights: 'int8' })
    const advice = /expected a Gpt \(.*packed.*\)/s
    await expect(
      grow(small as unknown as Gpt, { kind: 'addLayer', at: 1 }, {
        key: [1, 2],
        mirrors: [],
        probe: [text],
      } as never),
    ).rejects.toThrow(advice)
    const learner = (): Learner =>
      new Learner({ model: small as unknown as Gpt, optimizer: adamw({ learningRate: 1e-3 }) })
    expect(learner).toThrow(OptionError)
    expect(learner).toThrow(advice)
    await expect(quantized(small as unknown as Gpt, { weights: 'int4' })).rejects.toThrow(OptionError)
    small.dispose()
    await expect(small.generate([1], { tokens: 1 })).rejects.toThrow(/disposed/)
    model.dispose()
  })

  test('is refused for options that have nothing to act on, and for weights that are not finite', async () => {
    const model = withDevice(gpt2)
    const refused = async (options: QuantizedOptions, message: RegExp): Promise<void> => {
      await expect(quantized(model, options)).rejects.toThrow(message)
    }
    await refused({ weights: 'int8', group: 64 }, /got group 64 for weights in int8; expected none/)
    await refused({ weights: 'bf16', activations: 'int8' }, /got activations int8 .* expected 'f32'/)
    await refused({ weights: 'f16', calibration: [[1]] }, /expected none: only integers/)
    await refused({ weights: 'int4', calibration: [] }, /got no tokens as calibration/)
    const buffers = device.memory.buffers
    const [{ tensor: weight }] = [model.parameters.get('blocks.b1.mlp.down.weight')]
    const numbers = weight.readSync()
    numbers[7] = Number.NaN
    const { config } = model
    const state = await model.toState()
    const broken = Gpt.fromState(
      {
        config,
        weights: {
          ...state.weights,
          'blocks.b1.mlp.down.weight': { ...state.weights['blocks.b1.mlp.down.weight'], data: numbers },
        },
      },
      device,
    )
    await expect(quantized(broken, { weights: 'int8' })).rejects.toThrow(NonFiniteError)
    broken.dispose()
    expect(device.memory.buffers).toBe(buffers)
    model.dispose()
  })
})
