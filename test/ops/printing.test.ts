/** Tensors print their numbers, whatever they are and wherever they lie, and printing changes nothing. */
import { inspect } from 'node:util'
import { recordTape } from '@burgeon/autograd'
import {
  type Device,
  devtoolsFormatter,
  multiply,
  type NumericArray,
  openScope,
  scope,
  sizeOf,
  Tensor,
  tensor,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const wasm = openWasm({ threads: 1 })
const place = (data: ArrayLike<number>, shape: readonly number[], device: Device = wasm): Tensor =>
  device.tensor(data, { shape, dtype: data instanceof Int32Array ? 'i32' : 'f32' })
const count = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => i)

describe('a tensor in text', () => {
  test.each<[string, Tensor, string]>([
    ['a number', place([3.5], []), 'tensor(3.5, f32 [] on wasm)'],
    ['a row', place([1, -2.5, 0.1], [3]), 'tensor([   1, -2.5,  0.1], f32 [3] on wasm)'],
    ['a matrix', place([1, 20, 3, 4], [2, 2]), 'tensor([[ 1, 20],\n        [ 3,  4]], f32 [2, 2] on wasm)'],
    [
      'three axes',
      place(count(8), [2, 2, 2]),
      'tensor([[[0, 1],\n         [2, 3]],\n\n        [[4, 5],\n         [6, 7]]], f32 [2, 2, 2] on wasm)',
    ],
    [
      'integers',
      place(Int32Array.of(2 ** 31 - 1, -7), [2]),
      'tensor([2147483647,         -7], i32 [2] on wasm)',
    ],
    ['nothing', place([], [0, 3]), 'tensor([], f32 [0, 3] on wasm)'],
    [
      'special numbers',
      place([Number.NaN, Infinity, -Infinity, -0, 1e-7, 123456.7], [6]),
      'tensor([      NaN,  Infinity, -Infinity,        -0,      1e-7,    123457], f32 [6] on wasm)',
    ],
    [
      'very many numbers of two axes',
      place(count(10_000), [100, 100]),
      'tensor([[   0,    1,    2, …,   97,   98,   99],\n' +
        '        [ 100,  101,  102, …,  197,  198,  199],\n' +
        '        [ 200,  201,  202, …,  297,  298,  299],\n' +
        '        …,\n' +
        '        [9700, 9701, 9702, …, 9797, 9798, 9799],\n' +
        '        [9800, 9801, 9802, …, 9897, 9898, 9899],\n' +
        '        [9900, 9901, 9902, …, 9997, 9998, 9999]], f32 [100, 100] on wasm)',
    ],
    [
      'a long row',
      place(count(2000), [2000]),
      'tensor([   0,    1,    2, …, 1997, 1998, 1999], f32 [2000] on wasm)',
    ],
    [
      'one of double precision',
      place([0.1, 0.25], [2], openReference()),
      'tensor([ 0.1, 0.25], f32 [2] on reference)',
    ],
  ])('%s', (_, x, text) => {
    expect(String(x)).toBe(text)
    expect(inspect(x)).toBe(text)
  })

  test('breaks long rows at eighty columns', () => {
    const lines = String(place(count(60), [2, 30])).split('\n')
    expect(lines.length).toBeGreaterThan(2)
    expect(lines.slice(0, -1).every((line) => line.length <= 80)).toBe(true)
    expect(lines[1]).toMatch(/^ {9}\S/)
  })
  test('is indented inside objects, and short where they are nested too deeply', () => {
    const x = place([1, 2, 3, 4], [2, 2])
    expect(inspect({ weights: { w: x } })).toBe(
      '{\n  weights: {\n    w: tensor([[1, 2],\n            [3, 4]], f32 [2, 2] on wasm)\n  }\n}',
    )
    expect(inspect({ a: { b: { c: { d: x } } } }, { depth: 2 })).not.toContain('1, 2')
    expect(inspect([x], { depth: 0 })).toContain('tensor(…, f32 [2, 2] on wasm)')
  })
  test('says that it is disposed, with its type and shape', () => {
    const x = place([1, 2], [2])
    x.dispose()
    expect(String(x)).toBe('tensor(disposed, f32 [2] on wasm)')
    expect(inspect([x])).toContain('tensor(disposed, f32 [2] on wasm)')
  })
  test('says why its numbers cannot be read', () => {
    const x = place([1, 2], [2])
    const broken = Object.create(wasm, {
      name: { value: 'broken' },
      readsAtOnce: { value: true },
      readPart: {
        value: () => {
          throw new RangeError('no memory')
        },
      },
    }) as Device
    const y = new Tensor(broken, { shape: [2], dtype: 'f32' }, x.storage, 'test')
    expect(String(y)).toBe('tensor(unreadable: no memory, f32 [2] on broken)')
    y.dispose()
  })
  test('is printed by the developer tools of a browser, once they have the formatter', () => {
    const x = place([1, 2, 3, 4], [2, 2])
    expect(devtoolsFormatter.header(x)).toEqual(['pre', { style: 'margin: 0' }, String(x)])
    expect(devtoolsFormatter.hasBody(x)).toBe(false)
    for (const other of [null, undefined, 1, {}, wasm]) expect(devtoolsFormatter.header(other)).toBe(null)
  })
  test('does not need Node: the symbol is the registered one', () => {
    expect(Symbol.for('nodejs.util.inspect.custom') in Tensor.prototype).toBe(true)
  })
})

describe('printing', () => {
  const shapes = fc
    .array(fc.integer({ min: 0, max: 12 }), { maxLength: 5 })
    .filter((shape) => sizeOf(shape) <= 20_000)
  const numbers = fc.infiniteStream(fc.float())

  test('never throws, shows the first and the last number, and changes nothing', () => {
    fc.assert(
      fc.property(shapes, numbers, fc.boolean(), (shape, stream, isReference) => {
        using _ = openScope()
        const device = isReference ? openReference() : wasm
        const data = Float32Array.from([...stream.take(sizeOf(shape))])
        const x = place(data, shape, device)
        const before: [unknown, NumericArray] = [device.memory, x.readSync()]
        const text = String(x)
        expect(text).toMatch(/^tensor\([\s\S]*, f32 \[[\d, ]*\] on (wasm|reference)\)$/)
        expect([device.memory, x.readSync()]).toEqual(before)
        expect(x.isDisposed).toBe(false)
        expect(String(x)).toBe(text)
      }),
      { numRuns: 100 },
    )
  })
  test('is not recorded, and leaves a gradient unchanged', () => {
    scope(() => {
      const x = tensor([1, 2, 3])
      using recorded = recordTape([x], () => {
        const y = multiply(x, x)
        expect(String(y)).toContain('[1, 4, 9]')
        return y
      })
      expect(recorded.tape.entries.length).toBe(1)
    })
  })
  test('reads no more than it shows', () => {
    let read = 0
    const counted = Object.create(wasm, {
      name: { value: 'wasm' },
      readsAtOnce: { value: true },
      readPart: {
        value: (x: Tensor, first: number, many: number) => {
          read += many
          return wasm.readPart(x, first, many)
        },
      },
    }) as Device
    const x = place(new Float32Array(1_000_000), [1000, 1000])
    const y = new Tensor(counted, { shape: [1000, 1000], dtype: 'f32' }, x.storage, 'test')
    void String(y)
    expect(read).toBe(36)
    y.dispose()
  })
})
