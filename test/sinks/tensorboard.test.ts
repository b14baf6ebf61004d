// Reaches inside: a checksum is part of its package, not an entry point.
/** Event files, read back by a reader that shares nothing with the writer. */
import { tensorboardSink } from '@burgeon/continual'
import { expect, test } from 'vitest'
import { crc32c } from '../../packages/continual/src/sinks/tensorboard/crc32c.ts'

/** CRC-32C bit by bit, from the polynomial as RFC 3720 prints it, on whole numbers of any size. */
function slowCrc(bytes: Uint8Array): number {
  const reversed = (value: bigint, bits: number): bigint =>
    BigInt(`0b${value.toString(2).padStart(bits, '0').split('').toReversed().join('')}`)
  let remainder = 0xffffffffn
  for (const byte of bytes) {
    remainder ^= reversed(BigInt(byte), 8) << 24n
    for (let bit = 0; bit < 8; bit++) {
      remainder <<= 1n
      if (remainder >> 32n) remainder ^= 0x11edc6f41n
    }
  }
  return Number(reversed(remainder ^ 0xffffffffn, 32))
}

const masked = (bytes: Uint8Array): number => {
  const crc = BigInt(slowCrc(bytes))
  return Number((((crc >> 15n) | ((crc << 17n) & 0xffffffffn)) + 0xa282ead8n) & 0xffffffffn)
}

test('the checksum is that of the published vectors', () => {
  const ascending = Uint8Array.from({ length: 32 }, (_, i) => i)
  const vectors: [Uint8Array, number][] = [
    [new TextEncoder().encode('123456789'), 0xe3069283],
    // RFC 3720, B.4: 32 bytes of zeros, of ones, ascending.
    [new Uint8Array(32), 0x8a9136aa],
    [new Uint8Array(32).fill(0xff), 0x62a8ab43],
    [ascending, 0x46dd794e],
  ]
  for (const [bytes, crc] of vectors) {
    expect(crc32c(bytes)).toBe(crc)
    expect(slowCrc(bytes)).toBe(crc)
  }
})

/** Messages of a TFRecord file; throws where a length or a checksum is wrong. */
function messagesIn(file: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = []
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  let at = 0
  while (at < file.length) {
    const size = Number(view.getBigUint64(at, true))
    expect(view.getUint32(at + 8, true)).toBe(masked(file.slice(at, at + 8)))
    const message = file.slice(at + 12, at + 12 + size)
    expect(message).toHaveLength(size)
    expect(view.getUint32(at + 12 + size, true)).toBe(masked(message))
    messages.push(message)
    at += size + 16
  }
  return messages
}

type Field = bigint | number | Uint8Array

/** Fields of any message, by number. */
function fieldsOf(message: Uint8Array): Map<number, Field[]> {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength)
  let at = 0
  const whole = (): bigint => {
    let [value, shift] = [0n, 0n]
    for (;;) {
      const byte = message[at++]
      value |= BigInt(byte & 127) << shift
      shift += 7n
      if (byte < 128) return value
    }
  }
  const read: Readonly<Record<number, () => Field>> = {
    0: whole,
    1: () => view.getFloat64((at += 8) - 8, true),
    2: () => {
      const size = Number(whole())
      return message.slice(at, (at += size))
    },
    5: () => view.getFloat32((at += 4) - 4, true),
  }
  const found = new Map<number, Field[]>()
  while (at < message.length) {
    const key = Number(whole())
    const values = found.get(key >> 3) ?? []
    found.set(key >> 3, [...values, read[key & 7]()])
  }
  expect(at).toBe(message.length)
  return found
}

const text = (bytes: unknown): string => new TextDecoder().decode(bytes as Uint8Array)

test('a file says its version, and then steps with scalars and counts of events', async () => {
  let file = new Uint8Array(0)
  let time = 1_700_000_000.25
  const output = { write: (bytes: Uint8Array) => (file = Uint8Array.from([...file, ...bytes])) }
  const sink = tensorboardSink(output, { now: () => time++ })
  const happened = (kind: 'drift' | 'growth considered') =>
    ({ kind, step: 300, part: '', summary: '', data: {} }) as never
  await sink.write({ step: 0, scalars: { loss: 2.5 }, events: [] })
  const events = [happened('drift'), happened('growth considered'), happened('drift')]
  await sink.write({ step: 2 ** 40 + 300, scalars: { 'penalty/è': -1 / 3, big: Infinity }, events })
  await sink.write({ step: 5, scalars: {}, events: [] })

  const messages = messagesIn(file).map(fieldsOf)
  expect(messages).toHaveLength(4)
  const [version, first, second, empty] = messages
  expect([...version.keys()]).toEqual([1, 3])
  expect(text(version.get(3)?.[0])).toBe('brain.Event:2')
  const stepsAndTimes = [first, second, empty].map((message) => [message.get(2)?.[0], message.get(1)?.[0]])
  expect(stepsAndTimes).toEqual([
    [0n, 1_700_000_000.25],
    [2n ** 40n + 300n, 1_700_000_002.25],
    [5n, 1_700_000_003.25],
  ])
  const scalarsOf = (message: Map<number, Field[]>): unknown[] =>
    (fieldsOf(message.get(5)?.[0] as Uint8Array).get(1) ?? []).map((value) => {
      const parts = fieldsOf(value as Uint8Array)
      return [text(parts.get(1)?.[0]), parts.get(2)?.[0]]
    })
  expect(scalarsOf(first)).toEqual([['loss', 2.5]])
  expect(scalarsOf(second)).toEqual([
    ['penalty/è', Math.fround(-1 / 3)],
    ['big', Infinity],
    ['events/drift', 2],
    ['events/growth considered', 1],
  ])
  expect(scalarsOf(empty)).toEqual([])
})
