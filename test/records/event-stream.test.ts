/** Reaches inside: server-sent events, however a stream is cut, and with bounds. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { eventsIn, type ServerSentEvent } from '../../packages/burgeon/src/sources/records/event-stream.ts'
import { StreamError } from '../../packages/burgeon/src/sources/stream-error.ts'
import { collected } from '../experience/collected.ts'
import { times } from '../how-long.ts'

async function* cut(bytes: Uint8Array, places: readonly number[]): AsyncGenerator<Uint8Array> {
  const borders = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted(
    (a, b) => a - b,
  )
  for (const [i, border] of borders.slice(1).entries()) yield bytes.subarray(borders[i], border)
}

const read = (text: string, places: readonly number[] = [], maxBytes = 1000): Promise<ServerSentEvent[]> =>
  collected(eventsIn(cut(new TextEncoder().encode(text), places), maxBytes))

describe('events', () => {
  test.each<[string, string, readonly Partial<ServerSentEvent>[]]>([
    ['of one line', 'data: a\n\n', [{ data: 'a' }]],
    ['of several lines', 'data: a\ndata:b\ndata\n\n', [{ data: 'a\nb\n' }]],
    [
      'with types, ids and comments',
      ': hello\nid: 7\nevent: note\ndata: a\n\ndata: b\n\n',
      [
        { data: 'a', id: '7', type: 'note' },
        { data: 'b', id: '7', type: undefined },
      ],
    ],
    [
      'whose id is empty, or holds a zero',
      'id: 1\ndata: a\n\nid\ndata: b\n\nid: x\0\ndata: c\n\n',
      [{ id: '1' }, { id: '' }, { id: '' }],
    ],
    ['without data', 'event: a\n\nid: 3\n\n', []],
    ['that the stream does not end', 'data: a\n\ndata: b\n', [{ data: 'a' }]],
    ['with a mark at the beginning', '\u{feff}data: a\n\n', [{ data: 'a' }]],
    ['with one space less', 'data:  a\n\n', [{ data: ' a' }]],
    ['with colons', 'data: a: b\nfoo: c\n\n', [{ data: 'a: b' }]],
  ])(
    '%s are those of the standard, for each end of line and however they are cut',
    async (_, text, wanted) => {
      for (const end of ['\n', '\r\n', '\r']) {
        const ended = text.replaceAll('\n', end)
        const found = await read(ended)
        expect(found).toMatchObject(wanted as ServerSentEvent[])
        expect(found).toHaveLength(wanted.length)
        await fc.assert(
          fc.asyncProperty(fc.array(fc.nat(100), { maxLength: 6 }), async (places) => {
            expect(await read(ended, places)).toEqual(found)
          }),
          { numRuns: times(20, 300) },
        )
      }
    },
  )
  test('that are too long are refused before they are held', async () => {
    for (const text of [`data: ${'x'.repeat(1001)}`, `data: ${'x'.repeat(99)}\n`.repeat(11)]) {
      await expect(read(text)).rejects.toThrow(StreamError)
    }
    expect(await read(`data: ${'x'.repeat(900)}\n\n`.repeat(3), [900, 1800])).toHaveLength(3)
  })
})
