/** NaN never becomes an answer: it stays NaN, has the index that NumPy gives it, or is an error. */
import { generate, Gpt, sampleToken } from '@burgeon/gpt'
import {
  argmax,
  assign,
  type Device,
  fill,
  keyFromSeed,
  max,
  min,
  NonFiniteError,
  type OpDefinition,
  type OpName,
  opTable,
  RandomStream,
  runOp,
  scope,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { type OpCase, type OpCases, opCases } from '@burgeon/tensor/testing'
import { openWasm } from '@burgeon/tensor/wasm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const { NaN: nan } = Number
const stream = (): RandomStream => new RandomStream(keyFromSeed(4))

/**
 * Inputs whose NaN has a meaning instead: it is skipped (the gradient of AdamW), it decides nothing (formulas choose), it is written
 * over, or only the derivative is returned and does not depend on it.
 */
const exceptions: Readonly<Record<string, readonly number[]>> = {
  elementwise: [0, 1, 2],
  argmax: [0],
  assign: [0],
  adamw: [1],
}

describe.each([openReference(), openWasm()].map((device) => [device.name, device] as const))(
  'on %s',
  (_, device: Device) => {
    test.each((Object.keys(opTable) as OpName[]).filter((op) => opTable[op].takes !== undefined))(
      '%s passes NaN on',
      (op) => {
        const random = stream()
        const cases = opCases[op] as OpCases<OpName>
        const some: readonly OpCase<OpName>[] = Array.from({ length: 12 }, () => cases.draw(random))
        const { mutates = [] } = opTable[op] as OpDefinition<unknown>
        // Nothing depends on a number where there are no others.
        for (const { inputs, attrs } of some.filter((one) => !one.inputs.some((x) => x.shape.includes(0)))) {
          inputs.forEach(({ dtype }, k) => {
            if (dtype !== 'f32' || exceptions[op]?.includes(k)) return
            scope(() => {
              const given = inputs.map((input, i) =>
                device.tensor(i === k ? Array.from(input.data, () => nan) : input.data, input),
              )
              const outputs = runOp(op, given, { ...attrs, device })
              const results = [...outputs, ...mutates.map((i) => given[i])].filter((x) => x.dtype === 'f32')
              if (results.every((x) => x.size === 0)) return
              const isSeen = results.some((x) => x.readSync().some(Number.isNaN))
              expect(isSeen, `${op}: NaN in input ${k} ${JSON.stringify(attrs)}`).toBe(true)
            })
          })
        }
      },
    )

    test('argmax returns the index of the first NaN, as NumPy, PyTorch and JAX do', () => {
      const indices = (rows: readonly (readonly number[])[]): number[] =>
        scope(() => [
          ...argmax(
            device.tensor(rows.flat(), { shape: [rows.length, rows[0].length], dtype: 'f32' }),
          ).readSync(),
        ])
      expect(
        indices([
          [3, nan, 1, 5],
          [nan, 3, nan, 5],
          [Infinity, 1, nan, nan],
          [nan, nan, nan, nan],
          [-Infinity, -Infinity, -Infinity, nan],
          [1, 2, 3, 2],
        ]),
      ).toEqual([1, 0, 2, 0, 3, 2])
    })

    test('max and min are NaN wherever one element is', () => {
      const number = fc.oneof(fc.constantFrom(nan, Infinity, -Infinity, 0), fc.integer({ min: -9, max: 9 }))
      fc.assert(
        fc.property(fc.array(number, { minLength: 1, maxLength: 70 }), (numbers) => {
          scope(() => {
            const x = device.tensor(numbers, { shape: [numbers.length], dtype: 'f32' })
            expect(max(x).item() + 0).toBe(Math.max(...numbers) + 0)
            expect(min(x).item() + 0).toBe(Math.min(...numbers) + 0)
          })
        }),
      )
    })

    test('generation stops with an error when the weights of a model are ruined', async () => {
      for (const value of [nan, Infinity]) {
        const model = Gpt.create({ context: 8, layers: 1, embed: 8, heads: 1 }, { seed: 1, device })
        const { tensor } = [...model.parameters][0]
        scope(() => assign(tensor, fill(device, tensor.shape, value)))
        const next = generate(model, [1, 2, 3], { tokens: 1 }).next()
        await expect(next).rejects.toThrow(NonFiniteError)
        await expect(next).rejects.toThrow(/^generate: .*expected finite numbers/)
        model.dispose()
      }
    })
  },
)

describe('sampling', () => {
  const options = [{}, { temperature: 0 }, { topK: 1 }, { topP: 0.5 }, { topK: 2, topP: 0.1, temperature: 3 }]

  test('refuses NaN at any place of the logits, however a token is chosen, and draws nothing', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true }), { maxLength: 5 }),
        fc.array(fc.double(), { maxLength: 5 }),
        fc.constantFrom(...options),
        (before, after, how) => {
          const random = stream()
          expect(() => sampleToken([...before, nan, ...after], how, random)).toThrow(NonFiniteError)
          expect(random.toState()).toEqual(stream().toState())
        },
      ),
    )
  })
  test('refuses logits that are all masked, and an empty list', () => {
    for (const how of options) {
      expect(() => sampleToken([-Infinity, -Infinity], how, stream())).toThrow(NonFiniteError)
      expect(() => sampleToken([], how, stream())).toThrow(NonFiniteError)
    }
  })
  test('treats +Infinity as certain', () => {
    for (const how of options) expect(sampleToken([1, Infinity, 2], how, stream())).toBe(1)
  })
})
