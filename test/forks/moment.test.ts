/** A moment of a model, kept on its device and put back. */
import { Gpt } from '@burgeon/gpt'
import { grow, holdModel, markGrowth } from '@burgeon/gpt/growth'
import {
  assign,
  fill,
  keyFromSeed,
  OptionError,
  ParameterStore,
  scope,
  shareParameters,
} from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { expect, test } from 'vitest'

const device = openWasm({ threads: 1 })
const born = (): Gpt =>
  Gpt.create({ context: 8, embed: 8, heads: 2, layers: 1, mlpHidden: 8 }, { device, seed: 3 })

test('shared parameters take no room until one of the two is written to, and keep order, axes and numbers', () => {
  const model = born()
  const { bytes, buffers } = device.memory
  const kept = new ParameterStore()
  shareParameters(kept, model.parameters)
  expect(device.memory).toMatchObject({ bytes, buffers })
  const told = (store: ParameterStore): unknown =>
    [...store].map(({ path, axes, tensor }) => [path, axes, [...tensor.readSync()]])
  const before = told(model.parameters)
  const [{ path, tensor }] = model.parameters
  scope(() => assign(tensor, fill(device, tensor.shape, 7)))
  expect(device.memory.bytes).toBe(bytes + 4 * tensor.size)
  expect(told(kept)).toEqual(before)
  expect(model.parameters.get(path).tensor.readSync()[0]).toBe(7)
  model.parameters.remove(path)
  shareParameters(model.parameters, kept)
  shareParameters(model.parameters, model.parameters)
  kept.dispose()
  expect(told(model.parameters)).toEqual(before)
  expect(device.memory).toMatchObject({ bytes, buffers })
  model.dispose()
})

test('size and growth log come back once the parameters have, and not before', async () => {
  const model = born()
  const kept = new ParameterStore()
  shareParameters(kept, model.parameters)
  const before = structuredClone(await model.toState())
  const back = markGrowth(model)
  await grow(model, { kind: 'widenMlp', block: 'b0', to: 12 }, { mirrors: [], key: keyFromSeed(1) })
  const grown = structuredClone(await model.toState())
  expect(back).toThrow(/parameters are not those.*put back first/)
  expect(await model.toState()).toEqual(grown)
  shareParameters(model.parameters, kept)
  {
    using _ = holdModel(model)
    expect(back).toThrow(OptionError)
    expect(() => markGrowth(model)).toThrow(OptionError)
  }
  back()
  expect(await model.toState()).toEqual(before)
})
