import { Gpt, writePretrained, readPretrained } from '@burgeon/gpt'
import { arrayFromRaw, NonFiniteError, rawFromFloats, readSafetensors } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { times } from '../how-long.ts'

const device = openReference()
const born = (): Gpt =>
  Gpt.create(
    {
      ...{ vocabulary: 40, context: 16, embed: 16, heads: 2, layers: 2, mlpHidden: 24 },
      ...{ norm: 'rms', positions: 'rotary', activation: 'swiglu', biases: [] },
    },
    { device, seed: 3 },
  )

describe('a folder in the form of Hugging Face', () => {
  test.each([
    ['bf16', 'BF16', 'bfloat16', 2 ** -8],
    ['f16', 'F16', 'float16', 2 ** -11],
  ] as const)('is written in %s, each number the nearest one', async (weights, type, dtype, unit) => {
    const model = born()
    const files = await writePretrained(model, { weights })
    const config: unknown = JSON.parse(new TextDecoder().decode(files.get('config.json')))
    expect(config).toMatchObject({ torch_dtype: dtype })
    const bytes = files.get('model.safetensors') as Uint8Array
    const { tensors } = readSafetensors(bytes)
    expect([...tensors.values()].every((tensor) => tensor.type === type)).toBe(true)
    const whole = (await writePretrained(model)).get('model.safetensors') as Uint8Array
    expect(bytes.length / whole.length).toBeLessThan(0.6)
    const again = await readPretrained(
      {
        place: 'memory',
        open: (name) => {
          const file = files.get(name)
          return Promise.resolve(
            file && { size: file.length, read: (a, b) => Promise.resolve(file.slice(a, b)) },
          )
        },
      },
      { device },
    )
    for (const { path, tensor } of model.parameters) {
      const read = again.parameters.get(path).tensor.readSync()
      tensor.readSync().forEach((x, i) => {
        expect(Math.abs(read[i] - x)).toBeLessThanOrEqual(Math.abs(x) * unit + 2 ** -25)
      })
    }
  })
})

describe('half and brain floats of a file', () => {
  test('are the nearest to every number, ties to even, and read back as they are', () => {
    const any = fc.oneof(
      fc.float({ noNaN: true, min: -60000, max: 60000 }),
      fc.float({ min: -(2 ** -20), max: 2 ** -20, noNaN: true }),
    )
    fc.assert(
      fc.property(any, fc.constantFrom('F16' as const, 'BF16' as const), (x, type) => {
        const raw = rawFromFloats([x], [1], type)
        const [y] = arrayFromRaw(raw)
        const [bits] = new Uint16Array(raw.bytes.slice().buffer)
        const neighbors = [bits - 1, bits + 1]
          .filter((each) => each >= 0 && each <= 0xffff && (each & 0x8000) === (bits & 0x8000))
          .map((each) => {
            const bytes = new Uint8Array(Uint16Array.of(each).buffer)
            return [each, arrayFromRaw({ type, shape: [1], bytes })[0]] as const
          })
        for (const [other, z] of neighbors) {
          const [own, theirs] = [Math.abs(y - x), Math.abs(z - x)]
          expect(own < theirs || (own === theirs && (bits & 1) === 0) || Number.isNaN(theirs)).toBe(true)
          expect(other).not.toBe(bits)
        }
        expect(rawFromFloats([y], [1], type).bytes).toEqual(raw.bytes)
      }),
      { numRuns: times(300, 3000) },
    )
  })

  test('keep NaN and infinities, and refuse numbers that would become infinite', () => {
    const special = [Number.NaN, Infinity, -Infinity]
    for (const type of ['F16', 'BF16'] as const) {
      expect([...arrayFromRaw(rawFromFloats(special, [3], type))]).toEqual(special)
      const tooLarge = (): unknown => rawFromFloats([1, type === 'F16' ? 65520 : 3.4e38], [2], type)
      expect(tooLarge).toThrow(NonFiniteError)
      expect(tooLarge).toThrow(/at index 1; expected numbers that B?F16 can hold/)
    }
  })
})
