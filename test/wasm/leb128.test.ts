// Reaches inside: what is tested here is a part of its package, not an entry point.
// The assembler is an inner part of the backend, which no public entry point exports.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { signed, unsigned } from '../../packages/tensor/src/backends/wasm/assembler/code.ts'

describe('LEB128', () => {
  test.each([
    [0, [0x00]],
    [127, [0x7f]],
    [128, [0x80, 0x01]],
    [624485, [0xe5, 0x8e, 0x26]],
    [2 ** 32 - 1, [0xff, 0xff, 0xff, 0xff, 0x0f]],
  ])('encodes unsigned %d', (value, bytes) => expect(unsigned(value)).toEqual(bytes))

  test.each([
    [0, [0x00]],
    [-1, [0x7f]],
    [63, [0x3f]],
    [64, [0xc0, 0x00]],
    [-64, [0x40]],
    [-65, [0xbf, 0x7f]],
    [-123456, [0xc0, 0xbb, 0x78]],
    [2 ** 31 - 1, [0xff, 0xff, 0xff, 0xff, 0x07]],
    [-(2 ** 31), [0x80, 0x80, 0x80, 0x80, 0x78]],
  ])('encodes signed %d', (value, bytes) => expect(signed(value)).toEqual(bytes))

  test('takes a pointer above 2^31 as the signed number with the same bits', () => {
    expect(signed(2 ** 32 - 1)).toEqual(signed(-1))
  })

  test('decodes every integer it encoded', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (x) => decode(unsigned(x)) === BigInt(x)))
    fc.assert(fc.property(fc.integer(), (x) => signExtended(signed(x)) === BigInt(x)))
  })

  test.each([-1, 0.5, 2 ** 32, Number.NaN])('refuses %d as an unsigned number', (value) => {
    expect(() => unsigned(value)).toThrow(/expected an integer in \[0, 2\^32\)/)
  })

  test.each([0.5, 2 ** 32, -(2 ** 31) - 1])('refuses %d as a 32-bit integer', (value) => {
    expect(() => signed(value)).toThrow(/expected an integer in \[-2\^31, 2\^32\)/)
  })
})

function decode(bytes: readonly number[]): bigint {
  return bytes.reduceRight((value, byte) => (value << 7n) | BigInt(byte & 0x7f), 0n)
}

const signExtended = (bytes: readonly number[]): bigint => BigInt.asIntN(7 * bytes.length, decode(bytes))
