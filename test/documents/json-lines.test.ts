// Reaches inside: what is tested here is a part of its package, not an entry point.
/** The text of records of JSON, a line each. */
import fc from 'fast-check'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { jsonLinesText } from '../../packages/burgeon/src/sources/documents/json-lines-text.ts'
import { times } from '../how-long.ts'
import { taken, takenOrRefused } from './taken.ts'

const lines = (...records: readonly unknown[]): string =>
  records.map((record) => (typeof record === 'string' ? record : JSON.stringify(record))).join('\n')

test('is their text, or their messages as the plain transcript of a chat', async () => {
  const talk = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Where is the boiler?' },
    {
      role: 'assistant',
      content: [
        { type: 'text', text: 'In the ' },
        { type: 'text', text: 'cellar.' },
      ],
    },
  ]
  const records = lines({ text: 'One.', more: 1 }, '', { messages: talk }, { text: 'Two\nlines.\n' }, '  \r')
  expect(await taken(jsonLinesText, records)).toEqual({
    text: 'One.\nBe brief.\nUser: Where is the boiler?\nAssistant: In the cellar.\nTwo\nlines.\n',
    notes: [],
  })
})

test('leaves out a record without either, and says so once', async () => {
  const wrong = [
    ...[
      { other: 1 },
      { text: 3 },
      { text: '' },
      { messages: [] },
      { messages: [null] },
      { messages: [{ role: 'user' }] },
    ],
    ...[
      'not JSON',
      '[1]',
      'null',
      '"text"',
      '{"text": "cut',
      { messages: [{ role: 'user', content: [{ image: 1 }] }] },
    ],
    ...[{ messages: [{ content: 'who?' }] }],
  ]
  const why = 'no JSON with text or messages, or longer than 4 MiB'
  for (const record of wrong) {
    expect(await taken(jsonLinesText, lines({ text: 'a' }, record, { text: 'b' })), lines(record)).toEqual({
      text: 'a\nb\n',
      notes: [`line 2 is left out: ${why}`],
    })
  }
  const { notes } = await taken(jsonLinesText, lines({ text: 'a' }, ...wrong))
  expect(notes).toEqual([`${wrong.length} lines, the first of them line 2, are left out: ${why}`])
})

test('grows at its end when records are added', async () => {
  const before = await taken(jsonLinesText, lines({ text: 'a' }, '{"text": "b'))
  const after = await taken(jsonLinesText, lines({ text: 'a' }, { text: 'b\nc' }, { text: 'd' }))
  expect(before.text).toBe('a\n')
  expect(after.text).toBe('a\nb\nc\nd\n')
})

test('holds no line that is too long', async () => {
  // What is held is what is left when nothing waits to be collected.
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode('{"text":"first"}\n{"text":"')
    for (let i = 0; i < 400; i++) {
      yield new Uint8Array(2 ** 20).fill(120)
      if (i % 100 < 99) continue
      collect()
      most = Math.max(most, process.memoryUsage().arrayBuffers)
    }
    yield new TextEncoder().encode('"}\n{"text":"last"}')
  }
  const notes: string[] = []
  let text = ''
  for await (const piece of jsonLinesText(pieces(), (what) => notes.push(what))) text += piece
  expect(text).toBe('first\nlast\n')
  expect(notes).toHaveLength(1)
  expect(most - before).toBeLessThan(64 * 2 ** 20)
})

test('is some text whatever the bytes are, and the same in whatever pieces they come', () =>
  fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc
          .array(fc.oneof(fc.json(), fc.string(), fc.constant('{"text":"\\ud800\\u0000"}')), { maxLength: 8 })
          .map((all) => new TextEncoder().encode(all.join('\n'))),
        fc
          .array(
            fc.record({ text: fc.string({ unit: 'binary' }), messages: fc.anything() }, { requiredKeys: [] }),
          )
          .map((all) => new TextEncoder().encode(all.map((one) => JSON.stringify(one)).join('\n'))),
      ),
      fc.integer({ min: 1, max: 40 }),
      async (bytes, size) => {
        const whole = await takenOrRefused(jsonLinesText, bytes)
        expect(await takenOrRefused(jsonLinesText, bytes, size)).toBe(whole)
      },
    ),
    { numRuns: times(100, 2000) },
  ))
