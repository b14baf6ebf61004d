/** What is written is read back; what the reference implementation wrote is read, and written with the same bytes. */
import {
  arrayFromRaw,
  OptionError,
  type RawTensor,
  type RawType,
  rawFromArray,
  readSafetensors,
  writeSafetensors,
} from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const sizes: Record<RawType, number> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
}

const rawTensor: fc.Arbitrary<RawTensor> = fc
  .record({
    type: fc.constantFrom(...(Object.keys(sizes) as RawType[])),
    shape: fc.array(fc.nat(4), { maxLength: 4 }),
    seed: fc.nat(255),
  })
  .map(({ type, shape, seed }) => {
    const bytes = new Uint8Array(shape.reduce((product, n) => product * n, sizes[type]))
    return { type, shape, bytes: bytes.map((_, i) => seed + 31 * i) }
  })

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('__proto__', 'constructor', '', '"\\\n\u0000'),
)
const content = fc.record({
  tensors: fc
    .array(fc.tuple(text, rawTensor), { maxLength: 6 })
    .map((list) => new Map(list.filter(([name]) => name !== '__metadata__'))),
  metadata: fc.array(fc.tuple(text, text), { maxLength: 4 }).map((list) => new Map(list)),
})

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const headerOf = (file: Uint8Array): string => {
  const length = new DataView(file.buffer, file.byteOffset).getUint32(0, true)
  return new TextDecoder().decode(file.subarray(8, 8 + length))
}

describe('round trip', () => {
  test('any tensors and metadata come back', () => {
    fc.assert(
      fc.property(content, ({ tensors, metadata }) => {
        const read = readSafetensors(writeSafetensors(tensors, Object.fromEntries(metadata)))
        const bySorted = (map: ReadonlyMap<string, unknown>): unknown[] =>
          [...map].toSorted(([a], [b]) => (a < b ? -1 : 1))
        expect(bySorted(read.tensors)).toEqual(bySorted(tensors))
        expect(bySorted(read.metadata)).toEqual(bySorted(metadata))
      }),
    )
  })

  test('the order in which things were put in does not show in the bytes', () => {
    fc.assert(
      fc.property(content, ({ tensors, metadata }) => {
        const reversed = (map: ReadonlyMap<string, string>): object =>
          Object.fromEntries([...map].toReversed())
        const one = writeSafetensors(tensors, Object.fromEntries(metadata))
        const other = writeSafetensors(
          new Map([...tensors].toReversed()),
          reversed(metadata) as Record<string, string>,
        )
        expect(hex(other)).toBe(hex(one))
      }),
    )
  })

  test('every tensor begins at a multiple of its element size, and the data at a multiple of 8', () => {
    fc.assert(
      fc.property(content, ({ tensors, metadata }) => {
        const file = writeSafetensors(tensors, Object.fromEntries(metadata))
        expect(new DataView(file.buffer).getUint32(0, true) % 8).toBe(0)
        for (const { type, bytes } of readSafetensors(file).tensors.values()) {
          expect(bytes.byteOffset % sizes[type]).toBe(0)
        }
      }),
    )
  })

  test('tensors are views of the file, not copies', () => {
    const file = writeSafetensors(new Map([['a', rawFromArray(Uint8Array.of(1, 2, 3), [3])]]))
    const bytes = readSafetensors(file).tensors.get('a')?.bytes
    file[file.length - 1] = 9
    expect(bytes).toEqual(Uint8Array.of(1, 2, 9))
  })

  test('a file may lie anywhere in a buffer, and be one of Node’s or shared between threads', () => {
    const file = writeSafetensors(new Map([['w', rawFromArray(Float32Array.of(1, 2, 3), [3])]]))
    const inside = new Uint8Array(file.length + 20)
    inside.set(file, 13)
    const shared = new Uint8Array(new SharedArrayBuffer(file.length))
    shared.set(file)
    // Buffer.slice gives a view where Uint8Array.slice gives a copy: numbers were once read from the wrong place.
    for (const bytes of [inside.subarray(13, 13 + file.length), Buffer.from(file), shared]) {
      const raw = readSafetensors(bytes).tensors.get('w') as RawTensor
      expect(arrayFromRaw(raw)).toEqual(Float32Array.of(1, 2, 3))
      expect(arrayFromRaw({ ...raw, bytes: Buffer.from(raw.bytes) })).toEqual(Float32Array.of(1, 2, 3))
    }
  })
})

describe('the reference implementation', () => {
  // safetensors 0.8.0 for Python:
  //   t = {'b.bias': np.array([1.5, -2.0], np.float32), 'a': np.arange(3, dtype=np.int64), 'ü"\n': np.array(True),
  //        'h': np.array([[1, 65504]], np.float16), 'z': np.zeros((0, 4), np.float32)}
  //   safetensors.numpy.save(t, metadata={'format': 'np'})
  const header =
    '{"__metadata__":{"format":"np"},"a":{"dtype":"I64","shape":[3],"data_offsets":[0,24]},' +
    '"b.bias":{"dtype":"F32","shape":[2],"data_offsets":[24,32]},"z":{"dtype":"F32","shape":[0,4],"data_offsets":[32,32]},' +
    '"h":{"dtype":"F16","shape":[1,2],"data_offsets":[32,36]},"ü\\"\\n":{"dtype":"BOOL","shape":[],"data_offsets":[36,37]}}'
  const data = [
    '000000000000000001000000000000000200000000000000',
    '0000c03f000000c0',
    '003cff7b',
    '01',
  ].join('')
  const gold = Uint8Array.from(
    Buffer.concat([Buffer.from('4001000000000000', 'hex'), Buffer.from(header), Buffer.from(data, 'hex')]),
  )

  test('its file is read', () => {
    const { tensors, metadata } = readSafetensors(gold)
    expect([...metadata]).toEqual([['format', 'np']])
    expect([...tensors].map(([name, { type, shape }]) => [name, type, shape])).toEqual([
      ['a', 'I64', [3]],
      ['b.bias', 'F32', [2]],
      ['z', 'F32', [0, 4]],
      ['h', 'F16', [1, 2]],
      ['ü"\n', 'BOOL', []],
    ])
    const numbers = (name: string): number[] => [...arrayFromRaw(tensors.get(name) as RawTensor)]
    expect(numbers('b.bias')).toEqual([1.5, -2])
    expect(numbers('z')).toEqual([])
    expect(numbers('h')).toEqual([1, 65504])
    expect(numbers('ü"\n')).toEqual([1])
  })

  test('its file is written with the same bytes', () => {
    const { tensors, metadata } = readSafetensors(gold)
    expect(hex(writeSafetensors(tensors, Object.fromEntries(metadata)))).toBe(hex(gold))
  })

  test('its file without tensors is an object padded to eight bytes', () => {
    // safetensors/src/tensor.rs, test_empty
    const empty = Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 0, 123, 125, 32, 32, 32, 32, 32, 32)
    expect(writeSafetensors(new Map())).toEqual(empty)
    expect(readSafetensors(empty).tensors.size).toBe(0)
  })
})

describe('writing', () => {
  const scalar = rawFromArray(Float32Array.of(1), [])
  const wrong: readonly [string, ReadonlyMap<string, RawTensor>, Record<string, string>?][] = [
    ['the reserved name', new Map([['__metadata__', scalar]])],
    ['a name that is no text', new Map([['a\ud800', scalar]])],
    ['too few bytes', new Map([['a', { ...scalar, shape: [2] }]])],
    ['a negative size', new Map([['a', { ...scalar, shape: [-1, -1] }]])],
    ['a broken size', new Map([['a', { ...scalar, shape: [0.5, 2] }]])],
    ['a rank that is not read back', new Map([['a', { ...scalar, shape: [1, 1, 1, 1, 1, 1, 1, 1, 1] }]])],
    ['an unknown type', new Map([['a', { ...scalar, type: 'F8' as RawType }]])],
    ['metadata that is no text', new Map([['a', scalar]]), { step: 1 as unknown as string }],
    ['metadata with half a letter', new Map([['a', scalar]]), { note: '\udc00' }],
  ]
  test.for(wrong)('refuses %s', ([, tensors, metadata]) => {
    expect(() => writeSafetensors(tensors, metadata)).toThrow(OptionError)
  })

  test('refuses more than is read back', () => {
    const empty = rawFromArray(new Uint8Array(0), [0])
    const crowd = new Map(Array.from({ length: 50_001 }, (_, i) => [`${i}`, empty]))
    expect(() => writeSafetensors(crowd)).toThrow(/got 50001 tensors; expected at most 50000/)
    crowd.delete('0')
    expect(readSafetensors(writeSafetensors(crowd)).tensors.size).toBe(50_000)
    expect(() => writeSafetensors(new Map(), { note: 'a'.repeat(16 * 2 ** 20) })).toThrow(/bytes of header/)
  })

  test('a tensor or metadata entry named __proto__ is like any other', () => {
    const metadata = JSON.parse('{"__proto__":"note"}') as Record<string, string>
    const file = writeSafetensors(new Map([['__proto__', scalar]]), metadata)
    const read = readSafetensors(file)
    expect([...read.tensors.keys()]).toEqual(['__proto__'])
    expect([...read.metadata]).toEqual([['__proto__', 'note']])
    expect(headerOf(file)).toContain('{"__metadata__":{"__proto__":"note"},"__proto__":{')
  })
})

describe('arrays', () => {
  const kinds = [
    Float64Array,
    Float32Array,
    Int32Array,
    Int16Array,
    Int8Array,
    Uint32Array,
    Uint16Array,
    Uint8Array,
  ]
  test.for(kinds)('%o becomes a raw tensor and comes back as a copy', (kind) => {
    const data = kind.from([1, 2, 3, 4, 5, 6]).subarray(1, 5)
    const raw = rawFromArray(data, [2, 2])
    const back = arrayFromRaw(raw)
    expect(back).toEqual(data)
    expect(back.constructor).toBe(kind)
    back[0] = 9
    expect(data[0]).toBe(2)
  })

  test('every half float becomes the single float of the same value', () => {
    const bits = Uint16Array.from({ length: 65_536 }, (_, i) => i)
    const halves = arrayFromRaw({ ...rawFromArray(bits, [65_536]), type: 'F16' })
    const found = new Uint32Array((halves as Float32Array).buffer)
    // numpy: b = all 65536 as float16 → float32, without NaN, as uint32: b.size, b.sum(), (b · (1 … n) mod 1000003).sum()
    const finite = found.filter((_, i) => !Number.isNaN(halves[i]))
    expect(finite.length).toBe(63_490)
    expect(finite.reduce((sum, x) => sum + x, 0)).toBe(136060361244672)
    expect(finite.reduce((sum, x, i) => sum + ((x * (i + 1)) % 1000003), 0)).toBe(31707374251)
    expect(
      [...halves].every((x, i) => Number.isNaN(x) === ((i & 0x7c00) === 0x7c00 && (i & 0x3ff) !== 0)),
    ).toBe(true)
  })

  test('a brain float is the upper half of a single float', () => {
    fc.assert(
      fc.property(fc.nat(0xffff), (upper) => {
        const raw: RawTensor = { type: 'BF16', shape: [1], bytes: Uint8Array.of(upper & 255, upper >> 8) }
        const single = new Float32Array(Uint32Array.of(upper << 16).buffer)
        expect(arrayFromRaw(raw)).toEqual(single)
      }),
    )
  })

  test('refuses a shape that does not fit', () => {
    expect(() => rawFromArray(Float32Array.of(1, 2), [3])).toThrow(OptionError)
    expect(() => rawFromArray(Float32Array.of(1, 2, 3, 4), [-2, -2])).toThrow(OptionError)
    expect(() => rawFromArray(new Float32Array(1), [0.5, 2])).toThrow(OptionError)
    expect(() => arrayFromRaw({ type: 'F32', shape: [2], bytes: new Uint8Array(4) })).toThrow(OptionError)
    expect(() => arrayFromRaw({ type: 'F32', shape: [1], bytes: new Uint8Array(5) })).toThrow(OptionError)
  })
})
