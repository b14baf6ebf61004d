/** Whatever the bytes, reading ends soon, with a consistent file or with a BadFileError. */
import { BadFileError, readSafetensors, type SafetensorsLimits } from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'

const sizes = {
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

function fileOf(header: string | Uint8Array, dataBytes = 0): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header
  const file = new Uint8Array(8 + text.length + dataBytes)
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true)
  file.set(text, 8)
  return file
}

const entry = (shape: string, offsets: string, type = 'U8'): string =>
  `{"dtype":"${type}","shape":${shape},"data_offsets":${offsets}}`

/** Reads; anything but a BadFileError passes through, and a file that is taken must be consistent. */
function verdict(file: Uint8Array, limits?: SafetensorsLimits): 'taken' | 'refused' {
  let read: ReturnType<typeof readSafetensors>
  try {
    read = readSafetensors(file, limits)
  } catch (error) {
    if (!(error instanceof BadFileError)) throw error
    // A message is for a log: short and on one line, whatever the file says.
    expect(error.message.length).toBeLessThan(400)
    // oxlint-disable-next-line no-control-regex
    expect(error.message).not.toMatch(/[\u0000-\u001f]/)
    return 'refused'
  }
  let covered = 0
  for (const { type, shape, bytes } of read.tensors.values()) {
    expect(bytes.length).toBe(shape.reduce((product, n) => product * n, sizes[type]))
    covered += bytes.length
  }
  expect(covered + 8 + new DataView(file.buffer, file.byteOffset).getUint32(0, true)).toBe(file.length)
  return 'taken'
}

const good = fileOf(
  `{"__metadata__":{"format":"pt"},"w":${entry('[2,2]', '[0,16]', 'F32')},"b\\u00e9":${entry('[3]', '[16,19]')}}`,
  19,
)

describe('damaged files', () => {
  test('the file itself is taken', () => expect(verdict(good)).toBe('taken'))

  test('every truncation is refused, and every addition', () => {
    for (let length = 0; length < good.length; length++) {
      expect(verdict(good.subarray(0, length)), `${length} bytes`).toBe('refused')
    }
    expect(verdict(Uint8Array.from([...good, 0]))).toBe('refused')
  })

  test('any one byte changed to any other gives a refusal or a consistent file', () => {
    const changed = Uint8Array.from(good)
    let refused = 0
    for (let at = 0; at < good.length; at++) {
      for (let to = 0; to < 256; to++) {
        changed[at] = to
        if (verdict(changed) === 'refused') refused++
      }
      changed[at] = good[at]
    }
    // Most of the header is grammar; names, metadata and data may be anything.
    expect(refused).toBeGreaterThan(good.length * 100)
  })

  test('random bytes are refused', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => verdict(bytes) === 'refused'))
  })

  test('random headers are refused or consistent', () => {
    const pieces = fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        ':',
        ',',
        '"',
        '\\',
        ' ',
        '\n',
        '0',
        '1',
        '-',
        '.5',
        'e9',
        '99999999999999999999',
        'null',
        'true',
      ],
      ...[
        '"a"',
        '"dtype"',
        '"shape"',
        '"data_offsets"',
        '"U8"',
        '"__metadata__"',
        '"__proto__"',
        '\\ud800',
        '[0,0]',
        '[0]',
      ],
      ...[entry('[0]', '[0,0]'), entry('[1]', '[0,1]'), `"x":${entry('[0]', '[0,0]')}`],
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), fc.nat(2), (parts, data) => {
        verdict(fileOf(`{${parts.join('')}}`, data))
      }),
      { numRuns: 3000 },
    )
  })
})

describe('one thing wrong', () => {
  const wrong: readonly [string, string, number?][] = [
    ['nothing', ''],
    ['not an object', '[]'],
    ['space before the object', ' {}'],
    ['text after the object', '{}{}'],
    ['a zero after the object', '{}\u0000'],
    ['a comma at the end', `{"a":${entry('[0]', '[0,0]')},}`],
    ['no name', `{:${entry('[0]', '[0,0]')}}`],
    ['a name that is not text', `{1:${entry('[0]', '[0,0]')}}`],
    ['a name with a line break', `{"a\n":${entry('[0]', '[0,0]')}}`],
    ['a name with half a letter', `{"\\ud800":${entry('[0]', '[0,0]')}}`],
    ['a name that does not end', '{"a'],
    ['a name with a wrong escape', `{"\\x":${entry('[0]', '[0,0]')}}`],
    ['the same tensor twice', `{"a":${entry('[0]', '[0,0]')},"a":${entry('[0]', '[0,0]')}}`],
    [
      'the same tensor twice, once escaped',
      `{"a":${entry('[0]', '[0,0]')},"\\u0061":${entry('[0]', '[0,0]')}}`,
    ],
    ['the same field twice', '{"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}'],
    ['metadata twice', '{"__metadata__":{},"__metadata__":{}}'],
    ['the same note twice', '{"__metadata__":{"a":"1","a":"2"}}'],
    ['metadata that is a number', '{"__metadata__":{"a":1}}'],
    ['metadata that is nothing', '{"__metadata__":null}'],
    ['a tensor that is text', '{"a":"U8"}'],
    ['no dtype', '{"a":{"shape":[0],"data_offsets":[0,0]}}'],
    ['no shape', '{"a":{"dtype":"U8","data_offsets":[0,0]}}'],
    ['no offsets', '{"a":{"dtype":"U8","shape":[0]}}'],
    ['a field too many', '{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":"y"}}'],
    ['an unknown type', `{"a":${entry('[0]', '[0,0]', 'F128')}}`],
    ['a type in small letters', `{"a":${entry('[0]', '[0,0]', 'u8')}}`],
    ['a type every object has', `{"a":${entry('[0]', '[0,0]', 'constructor')}}`],
    ['a shape that is a number', `{"a":${entry('0', '[0,0]')}}`],
    ['a negative size', `{"a":${entry('[-1]', '[0,0]')}}`],
    ['two negative sizes', `{"a":${entry('[-1,-1]', '[0,1]')}}`, 1],
    ['minus nought', `{"a":${entry('[-0]', '[0,0]')}}`],
    ['a broken size', `{"a":${entry('[1.0]', '[0,1]')}}`, 1],
    ['a size with an exponent', `{"a":${entry('[1e0]', '[0,1]')}}`, 1],
    ['a size with a leading nought', `{"a":${entry('[01]', '[0,1]')}}`, 1],
    ['a size that is no number', `{"a":${entry('[NaN]', '[0,0]')}}`],
    ['a size too large to be exact', `{"a":${entry('[9007199254740992]', '[0,0]')}}`],
    ['a size of many digits', `{"a":${entry(`[${'9'.repeat(50_000)}]`, '[0,0]')}}`],
    ['a product too large to be exact', `{"a":${entry('[9007199254740991,9007199254740991]', '[0,1]')}}`, 1],
    ['a product that wraps round to 0', `{"a":${entry('[4294967296,4294967296]', '[0,0]')}}`],
    ['more than the file holds', `{"a":${entry('[1000000000000]', '[0,1000000000000]')}}`, 4],
    ['nine dimensions', `{"a":${entry('[1,1,1,1,1,1,1,1,1]', '[0,1]')}}`, 1],
    ['one offset', `{"a":${entry('[0]', '[0]')}}`],
    ['three offsets', `{"a":${entry('[0]', '[0,0,0]')}}`],
    ['an end before the beginning', `{"a":${entry('[1]', '[1,0]')}}`, 1],
    ['fewer bytes than the shape says', `{"a":${entry('[2]', '[0,1]')}}`, 1],
    ['more bytes than the shape says', `{"a":${entry('[1]', '[0,2]')}}`, 2],
    ['a gap at the beginning', `{"a":${entry('[1]', '[1,2]')}}`, 2],
    ['a gap in the middle', `{"a":${entry('[1]', '[0,1]')},"b":${entry('[1]', '[2,3]')}}`, 3],
    ['a gap at the end', `{"a":${entry('[1]', '[0,1]')}}`, 2],
    ['data without tensors', '{}', 1],
    ['an overlap', `{"a":${entry('[2]', '[0,2]')},"b":${entry('[2]', '[1,3]')}}`, 3],
    ['two tensors in one place', `{"a":${entry('[2]', '[0,2]')},"b":${entry('[2]', '[0,2]')}}`, 2],
    ['an empty tensor outside', `{"a":${entry('[1]', '[0,1]')},"b":${entry('[0]', '[7,7]')}}`, 1],
    ['a deep nest of lists', `{"a":${'['.repeat(50_000)}`],
    ['a deep nest of objects', `{"a":${'{"a":'.repeat(10_000)}`],
    ['a name of 60,000 letters, and then nothing', `{"${'a'.repeat(60_000)}":`],
    ['a quote that never ends', `{"${'\\"'.repeat(30_000)}`],
    ['60,000 spaces', `{${' '.repeat(60_000)}`],
  ]
  test.for(wrong)('%s', ([, header, data = 0]) => {
    expect(verdict(fileOf(header, data))).toBe('refused')
  })

  test.for([
    ['a byte that is no UTF-8', [0x7b, 0x22, 0xff, 0x22, 0x3a]],
    ['an overlong form', [0x7b, 0x22, 0xc0, 0xaf, 0x22]],
    ['half a letter in UTF-8', [0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a byte order mark', [0xef, 0xbb, 0xbf, 0x7b, 0x7d]],
  ] as const)('%s', ([, bytes]) => {
    expect(verdict(fileOf(Uint8Array.from(bytes)))).toBe('refused')
  })

  test.for([2n, 17n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n])(
    'a header length of %d',
    (length) => {
      const file = fileOf('{}   ')
      new DataView(file.buffer).setBigUint64(0, length, true)
      expect(verdict(file)).toBe('refused')
    },
  )

  test('an odd but valid file is read', () => {
    const odd = [
      fileOf('{}'),
      fileOf('{"__metadata__":{}}'),
      fileOf(`{ "a" :\n\t${entry('[ 1 , 1 ]', '[ 0 , 1 ]')}\r\n}  `, 1),
      fileOf(`{"":${entry('[]', '[0,1]')}}`, 1),
      fileOf(`{"b":${entry('[1]', '[1,2]')},"a":${entry('[1]', '[0,1]')}}`, 2),
      fileOf(`{"z":${entry('[0,3]', '[1,1]')},"a":${entry('[1]', '[0,1]')},"b":${entry('[1]', '[1,2]')}}`, 2),
      fileOf(`{"a":${entry('[1,1,1,1,1,1,1,1]', '[0,1]')}}`, 1),
      fileOf(`{"__proto__":${entry('[1]', '[0,1]')},"toString":${entry('[0]', '[0,0]')}}`, 1),
      fileOf(`{"\\ud83c\\udf31":${entry('[0]', '[0,0]')}}`),
    ]
    for (const file of odd) expect(verdict(file)).toBe('taken')
  })

  test('the message names the field, the value it has and the value expected', () => {
    const message = (header: string, data = 0): string => {
      try {
        readSafetensors(fileOf(header, data))
        return 'taken'
      } catch (error) {
        return (error as Error).message
      }
    }
    expect(message(`{"w":${entry('[3]', '[0,8]', 'F32')}}`, 8)).toMatch(
      /w.*\[0, 8\].*expected 12 bytes for F32 \[3\]/,
    )
    expect(message(`{"w":${entry('[3]', '[0,3]', 'Q4')}}`, 3)).toMatch(/w.*dtype.*Q4.*expected one of F64/)
    expect(message(`{"w":${entry('[-3]', '[0,3]')}}`, 3)).toMatch(/shape of.*w.*-3.*expected an integer/)
  })
})

describe('large headers', () => {
  /** What reading costs in steps that could each be long: strings parsed, and how much text they are. */
  function cost(
    file: Uint8Array,
    limits?: SafetensorsLimits,
  ): { strings: number; letters: number; outcome: string } {
    const real = JSON.parse
    const steps = { strings: 0, letters: 0 }
    const spy = vi.spyOn(JSON, 'parse').mockImplementation((text: string) => {
      steps.strings++
      steps.letters += text.length
      return real(text) as unknown
    })
    try {
      return { outcome: verdict(file, limits), ...steps }
    } finally {
      spy.mockRestore()
    }
  }

  const many = (n: number): Uint8Array =>
    fileOf(
      `{${Array.from({ length: n }, (_, i) => `"block.${i}":${entry('[1]', `[${i},${i + 1}]`)}`).join()}}`,
      n,
    )

  test('a thousand tensors cost one look at each string, and two thousand twice that', () => {
    const [one, two] = [many(1000), many(2000)].map((file) => ({ ...cost(file), bytes: file.length }))
    expect(one).toMatchObject({ outcome: 'taken', strings: 5000 })
    expect(two).toMatchObject({ outcome: 'taken', strings: 10_000 })
    expect(one.letters).toBeLessThan(one.bytes)
    expect(two.letters).toBeLessThan(two.bytes)
  })

  test('a header over the limit is not parsed', () => {
    const file = fileOf(`{${' '.repeat(16 * 2 ** 20)}}`)
    expect(cost(file)).toEqual({ outcome: 'refused', strings: 0, letters: 0 })
    expect(verdict(many(10), { headerBytes: 100 })).toBe('refused')
  })

  test('of more tensors than the limit, no more than the limit are read', () => {
    const file = fileOf(
      `{${Array.from({ length: 200_000 }, (_, i) => `"${i}":${entry('[0]', '[0,0]')}`).join()}}`,
    )
    const { outcome, strings } = cost(file)
    expect(outcome).toBe('refused')
    expect(strings).toBe(50_000 * 5 + 1)
    expect(verdict(many(10), { tensors: 10 })).toBe('taken')
    expect(verdict(many(11), { tensors: 10 })).toBe('refused')
  })

  test('of a million metadata entries, no more than the limit are read', () => {
    const file = fileOf(
      `{"__metadata__":{${Array.from({ length: 1_000_000 }, (_, i) => `"${i}":""`).join()}}}`,
    )
    const { outcome, strings } = cost(file)
    expect(outcome).toBe('refused')
    expect(strings).toBeLessThan(100_010)
  })
})
