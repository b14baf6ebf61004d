import {
  add,
  type Attrs,
  type Engine,
  DeviceMismatchError,
  fill,
  isRecorded,
  layerNorm,
  multiply,
  OptionError,
  type OpName,
  ones,
  runOp,
  sum,
  type Tensor,
  withEngine,
  withoutEngines,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'

const device = openReference()
const x = device.tensor([1, 2], { shape: [2], dtype: 'f32' })

/** Writes down the ops that pass through it, under a name. */
function listener(name: string, heard: string[], records = false): (below: Engine) => Engine {
  return (below) => ({
    records,
    run<K extends OpName>(op: K, inputs: readonly Tensor[], attrs: Attrs<K>): readonly Tensor[] {
      heard.push(`${name} ${op}`)
      return below.run(op, inputs, attrs)
    },
  })
}

describe('engines', () => {
  test('see every op that runs while they are on top, and none after', () => {
    const heard: string[] = []
    withEngine(listener('a', heard), () => sum(add(x, 1)))
    sum(x)
    expect(heard).toEqual(['a elementwise', 'a reduce'])
  })
  test('stack: the highest is called first and calls the one below', () => {
    const heard: string[] = []
    withEngine(listener('low', heard), () => {
      withEngine(listener('high', heard), () => add(x, 1))
      multiply(x, 2)
    })
    expect(heard).toEqual(['high elementwise', 'low elementwise', 'low elementwise'])
  })
  test('leave the stack when their body throws', () => {
    const heard: string[] = []
    expect(() =>
      withEngine(listener('a', heard), () => {
        throw new Error('stop')
      }),
    ).toThrow('stop')
    add(x, 1)
    expect(heard).toEqual([])
  })
  test('do not see ops that run without them, and see ops again afterwards', () => {
    const heard: string[] = []
    withEngine(listener('a', heard), () => {
      withoutEngines(() => add(x, 1))
      expect(() =>
        withoutEngines(() => {
          throw new Error('stop')
        }),
      ).toThrow('stop')
      sum(x)
    })
    expect(heard).toEqual(['a reduce'])
  })
  test('see a fused op as one, not as the ops of its definition', () => {
    const heard: string[] = []
    const [gain, bias] = [ones([2], device), fill(device, [2], 0)]
    withEngine(listener('a', heard), () => layerNorm(x, gain, bias))
    expect(heard).toEqual(['a layerNorm'])
  })
  test('say whether any of them records', () => {
    expect(isRecorded()).toBe(false)
    withEngine(listener('a', [], true), () => {
      withEngine(listener('b', []), () => expect(isRecorded()).toBe(true))
      withoutEngines(() => expect(isRecorded()).toBe(false))
    })
    withEngine(listener('a', []), () => expect(isRecorded()).toBe(false))
  })
  test('may return in place of the device', () => {
    const constant: Engine = { run: () => [x] }
    const answer = withEngine(
      () => constant,
      () => add(x, 1),
    )
    expect(answer).toBe(x)
  })
})

describe('the devices below', () => {
  test('refuse tensors of two devices in one op and name both', () => {
    const elsewhere = openWasm().tensor([1, 2], { shape: [2], dtype: 'f32' })
    expect(() => add(x, elsewhere)).toThrow(DeviceMismatchError)
    expect(() => add(x, elsewhere)).toThrow(
      `elementwise: inputs live on different devices. Got reference and ${elsewhere.device.name}; expected one device.`,
    )
    expect(() => add(x, openReference().tensor([1], { shape: [], dtype: 'f32' }))).toThrow(
      DeviceMismatchError,
    )
  })
  test('require an input or the name of a device', () => {
    expect(() => runOp('globalNorm', [], {})).toThrow(OptionError)
    expect(() => runOp('globalNorm', [], {})).toThrow('globalNorm: got neither an input nor a device')
  })
  test('make new tensors on the named device', () => {
    expect(fill(device, [2], 1).device).toBe(device)
  })
})
