// Reaches inside: what is tested here is a part of its package, not an entry point.
/** The text of tables. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { csvText } from '../../packages/burgeon/src/sources/documents/csv-text.ts'
import type { DocumentForm } from '../../packages/burgeon/src/sources/documents/document-form.ts'
import { times } from '../how-long.ts'
import { taken, takenOrRefused } from './taken.ts'

const table =
  (column?: string, separator = ','): DocumentForm['text'] =>
  (pieces, note) =>
    csvText(pieces, { separator, column }, note)

const rooms = 'room, what ,\ncellar,"boiler, old",warm\n\nattic,,\nhall,"two\nlines"," x "\n'

test('is a line for each field of a row, and a blank line after the row', async () => {
  expect(await taken(table(), rooms)).toEqual({
    text: 'room: cellar\nwhat: boiler, old\nwarm\n\nroom: attic\n\nroom: hall\nwhat: two\nlines\nx\n\n',
    notes: [],
  })
})

test.for([
  ['what', 'boiler, old\ntwo\nlines\n'],
  ['2', 'boiler, old\ntwo\nlines\n'],
  ['3', 'warm\nx\n'],
] as const)('is one column alone, by name or number: %s', async ([column, text]) => {
  expect((await taken(table(column), rooms)).text).toBe(text)
})

test('leaves out rows of another length, and says so once', async () => {
  const why = 'another number of fields than in the first line'
  expect(await taken(table(undefined, '\t'), 'a\tb\n1\n2\t3\n')).toEqual({
    text: 'a: 2\nb: 3\n\n',
    notes: [`line 2 is left out: ${why}`],
  })
  expect((await taken(table(), 'a,b\n1\n2,3\n4,5,6\n')).notes).toEqual([
    `2 rows, the first of them at line 2, are left out: ${why}`,
  ])
})

test('grows at its end when rows are added', async () => {
  const { text } = await taken(table(), 'a,b\n1,2\n')
  expect((await taken(table(), 'a,b\n1,2\n3,4\n')).text).toBe(`${text}a: 3\nb: 4\n\n`)
})

describe('is refused', () => {
  test.for([
    ['a quote that nothing closes', 'a,b\n1,"2\n3,4', undefined, 'line 2: got a quote that is never closed'],
    ['a column that is not there', 'a,b\n1,2', 'c', "it has no column 'c'; expected one of a, b"],
    ['a column beyond the last', 'a,b\n1,2', '3', "it has no column '3'; expected one of a, b"],
    ['a record without end', `a,b\n"${'x'.repeat(2 ** 20)}`, undefined, /^line 2: got a record of more than/],
  ] as const)('for %s', async ([, text, column, why]) => {
    await expect(taken(table(column), text)).rejects.toThrow(why)
  })
})

test('is some text or refused, whatever the bytes are, and the same in whatever pieces they come', () =>
  fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc
          .array(
            fc.oneof(fc.constantFrom(',', '"', '\n', '\r\n', '\r', '""', '\0', 'a', '😀', ' '), fc.string()),
          )
          .map((all) => new TextEncoder().encode(all.join(''))),
      ),
      fc.option(fc.constantFrom('a', '1', '2'), { nil: undefined }),
      fc.integer({ min: 1, max: 40 }),
      async (bytes, column, size) => {
        const whole = await takenOrRefused(table(column), bytes)
        expect(await takenOrRefused(table(column), bytes, size)).toBe(whole)
      },
    ),
    { numRuns: times(300, 5000) },
  ))
