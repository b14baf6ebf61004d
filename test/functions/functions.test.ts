/**
 * Functions made of ops: values, gradients and special numbers as PyTorch has them, on every device of the
 * CPU.
 */
import { checkGradient } from '@burgeon/autograd/testing'
import * as api from '@burgeon/tensor'
import { add, assign, type Device, fill, multiply, scope, sum, type Tensor } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { callOf, namedCalls } from './calls.ts'
import { cases, differencesInDouble, differencesInSingle, functionOf, placed, results } from './gold.ts'

const reference = openReference()
const wasm = openWasm()

test('every case has a call, every call a case, and every case is named after a function that exists', () => {
  const named = cases.map(({ name }) => name).filter((name) => !name.startsWith('einsum'))
  expect(namedCalls.toSorted()).toEqual(named.toSorted())
  for (const gold of cases) expect(typeof api[functionOf(gold) as keyof typeof api]).toBe('function')
})

describe('value and gradients are those of PyTorch', () => {
  test.each(cases)('$name, in double precision', async (gold) => {
    expect(await differencesInDouble(gold, reference)).toEqual([])
  })
  test.each(cases)('$name, in single precision as near as rounding lets it be', async (gold) => {
    expect(await differencesInSingle(gold, wasm)).toEqual([])
  })
})

describe('finite differences agree', () => {
  const smooth = cases.filter((gold) => gold.smooth)
  test.each(smooth)('$name: with the gradient, and with the gradient of the gradient', (gold) => {
    scope(() => {
      const inputs = gold.inputs.map((input) => placed(reference, input))
      const call = callOf(gold.name)
      // Squares and weights, so that first and second gradients differ everywhere.
      const f = (...x: Tensor[]): Tensor => {
        const output = call(x, reference)
        return sum(multiply(output, add(weights(output), multiply(0.125, output))))
      }
      expect(checkGradient(f, inputs).error).toBeLessThan(1e-6)
      expect(checkGradient(f, inputs, { order: 2 }).error).toBeLessThan(1e-5)
    })
  })
})

/** 1, 1.25, 1.5, … in the shape of a tensor. */
const weights = (x: Tensor): Tensor =>
  x.device.tensor(
    Float64Array.from({ length: x.size }, (_, i) => 1 + 0.25 * i),
    { shape: x.shape, dtype: 'f32' },
  )

describe.each([reference, wasm].map((device) => [device.name, device] as const))(
  'on %s',
  (_, device: Device) => {
    test.each(cases)('$name: nothing is left when the results are let go', (gold) => {
      const { buffers, bytes } = device.memory
      for (const x of results(gold, device)) x.dispose()
      const inputs = gold.inputs.map((input) => placed(device, input))
      // Outside of every scope, too: what lies between input and output is not the caller's to free.
      if (!gold.name.startsWith('split')) callOf(gold.name)(inputs, device).dispose()
      for (const x of inputs) x.dispose()
      expect(device.memory).toMatchObject({ buffers, bytes })
    })
    test.each(cases.filter(({ inputs }) => inputs.length > 0))(
      '$name: the result is a tensor of its own',
      (gold) => {
        scope(() => {
          const inputs = gold.inputs.map((input) => placed(device, input))
          const before = inputs.map((x) => [...x.readSync()])
          const output = callOf(gold.name)(inputs, device)
          expect(inputs).not.toContain(output)
          const value = [...output.readSync()]
          assign(output, fill(device, output.shape, 77, output.dtype))
          expect(inputs.map((x) => [...x.readSync()])).toEqual(before)
          const again = callOf(gold.name)(inputs, device)
          for (const x of inputs) x.dispose()
          expect([...again.readSync()]).toEqual(value)
        })
      },
    )
  },
)
