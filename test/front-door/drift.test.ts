// Reaches inside: a command is part of the front door, which has no other entry than the process itself.
/** `burgeon drift`: tables as people have them, alarms as they come, and what it says of tables that are none. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { adaptiveWindowing, cusum, standardized } from '@burgeon/continual'
import { StreamError } from 'burgeon/session'
import { expect, onTestFinished, test } from 'vitest'
import { commandLine } from '../../packages/burgeon/src/command-line.ts'
import { csvRecords } from '../../packages/burgeon/src/sources/csv/csv-records.ts'
import { temporaryFolder } from '../docs/programs.ts'
import { SeededStream } from '../streams/seeded-stream.ts'
import { running } from './running.ts'

/** Text in pieces of some bytes. */
async function* pieces(text: string | Uint8Array, size = 7): AsyncGenerator<Uint8Array> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** What `burgeon drift` prints, given some standard input. */
async function run(args: readonly string[], input: AsyncIterable<Uint8Array> = pieces('')): Promise<string> {
  let said = ''
  const output = { write: (more: string) => (said += more) }
  const { signal } = new AbortController()
  const context = {
    ...{ input, output, status: { write: () => true } },
    ...{ environment: {}, now: () => 0, stop: signal, closed: signal },
  }
  const program = commandLine(context, (code) => expect(code).toBe(0))
  await program.parseAsync(['drift', ...args], { from: 'user' })
  return said
}

/** What `burgeon drift -` prints of a table. */
const drifts = (table: string | Uint8Array, ...args: readonly string[]): Promise<string> =>
  run(['-', ...args], pieces(table, table.length > 10_000 ? 65_536 : 7))

const parsed = (said: string): Record<string, unknown>[] =>
  said
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

/** A level of 100 that is 106 from row 401 on, with unit noise. */
function levels(): number[] {
  const stream = new SeededStream(5)
  return Array.from({ length: 800 }, (_, i) => (i < 400 ? 100 : 106) + stream.gaussian())
}

const values = levels()
const table = ['time,level', ...values.map((value, i) => `${i},${value}`)].join('\n')

test('prints where a column changes, with row, value and detector, and the totals last', async () => {
  const detector = standardized(adaptiveWindowing())
  const rows = values.flatMap((value, i) => (detector.update(value).direction === 'up' ? [i + 1] : []))
  expect(rows[0]).toBeGreaterThan(400)
  const said = await drifts(table, '--column', 'level')
  expect(said).toMatch(
    new RegExp(
      `^~ row ${rows[0]}  level ${values[rows[0] - 1]}  adwin up, mean [\\d.]+  line ${rows[0] + 1}\\n`,
    ),
  )
  expect(said).toMatch(new RegExp(`\\n800 rows: adwin ${rows.length} alarms?\\n$`))
})

test('runs several detectors at once, with options of one of them', async () => {
  const several = ['-c', '2', '-d', 'cusum', '-d', 'kswin', '-d', 'cusum', '--option', 'cusum.threshold=20']
  const said = parsed(await drifts(table, ...several, '--json'))
  const detector = cusum({ threshold: 20 })
  const rows = values.flatMap((value, i) => (detector.update(value).drift ? [i + 1] : []))
  expect(rows.length).toBeGreaterThan(0)
  const own = said.filter((line) => line.detector === 'cusum')
  expect(own.map(({ row }) => row)).toEqual(rows)
  expect(own[0]).toMatchObject({
    line: rows[0] + 1,
    column: 'level',
    value: values[rows[0] - 1],
    direction: 'up',
  })
  const { alarms, ...totals } = said.at(-1) as { alarms: Record<string, number> }
  expect(totals).toEqual({ rows: 800, missing: 0 })
  expect(alarms.cusum).toBe(rows.length)
  expect(alarms.kswin).toBe(said.filter((line) => line.detector === 'kswin').length)
  expect(alarms.kswin).toBeGreaterThan(0)
})

test('watches several columns, each by detectors of its own', async () => {
  const rows = values.map((value, i) => `${value},${values[799 - i]},3`).join('\r\n')
  const said = parsed(await drifts(rows, '--no-header', '-c', '1', '-c', '2', '-c', '3', '--json'))
  const of = (column: string): unknown[] => said.filter((line) => line.column === column)
  expect(of('1')[0]).toMatchObject({ direction: 'up' })
  expect(of('2')[0]).toMatchObject({ direction: 'down' })
  expect(of('3')).toEqual([])
})

test('watches columns together, where they begin to move as one', async () => {
  const stream = new SeededStream(8)
  const rows = Array.from({ length: 700 }, (_, i) => {
    const [x, y, z] = [stream.gaussian(), stream.gaussian(), stream.gaussian()]
    return i < 500 ? `${x},${y},${z}` : `${x},${0.99 * x + 0.14 * y},${0.99 * x + 0.14 * z}`
  }).join('\n')
  const both = ['--no-header', '-c', '1', '-c', '2', '-c', '3', '-d', 'kernel', '-d', 'adwin', '--json']
  const said = parsed(await drifts(rows, ...both))
  expect(said).toHaveLength(2)
  expect(said[0]).toMatchObject({ detector: 'kernel', column: '1, 2, 3', direction: 'up' })
  expect(said[0].value).toHaveLength(3)
  expect(said[0].row).toBeGreaterThan(500)
  expect(said[1]).toMatchObject({ alarms: { kernel: 1, adwin: 0 } })
})

test('finds the same whatever the unit of the column, unless values go raw', async () => {
  const rowsOf = async (scale: number, ...args: readonly string[]): Promise<unknown[]> => {
    const scaled = values.map((value) => value * scale).join('\n')
    const options = ['--no-header', '-d', 'page-hinkley', '-d', 'adwin', '--json', ...args]
    return parsed(await drifts(scaled, ...options)).map(({ row }) => row)
  }
  // Powers of two, so that nothing is rounded otherwise.
  expect(await rowsOf(2 ** -20)).toEqual(await rowsOf(1))
  expect((await rowsOf(1)).length).toBeGreaterThan(2)
  expect(await rowsOf(2 ** -20, '--raw')).toEqual([undefined])
})

test('reads what RFC 4180 allows, wherever pieces end', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 2, maxLength: 4 }), { maxLength: 5 }),
      fc.constantFrom('\n', '\r\n'),
      fc.constantFrom(',', ';', '\t'),
      fc.integer({ min: 1, max: 9 }),
      fc.boolean(),
      async (records, lineEnd, separator, size, endsOpen) => {
        const written = records.map((fields) =>
          fields.map((field) => `"${field.replaceAll('"', '""')}"`).join(separator),
        )
        const text = `\ufeff${written.join(lineEnd)}${endsOpen ? '' : lineEnd}`
        const read: (readonly string[])[] = []
        for await (const { fields } of csvRecords(pieces(text, size), separator, placed)) read.push(fields)
        expect(read).toEqual(records)
      },
    ),
  ))

/** What messages say of a line. */
const placed = (line: number): string => `line ${line}`

test('counts lines inside quotes, and leaves out blank lines', async () => {
  const found: unknown[] = []
  for await (const record of csvRecords(pieces('a,"b\nc"\n\n\r\n"",d\ne'), ',', placed)) found.push(record)
  expect(found).toEqual([
    { fields: ['a', 'b\nc'], line: 1 },
    { fields: ['', 'd'], line: 5 },
    { fields: ['e'], line: 6 },
  ])
})

test.each<
  [what: string, table: string | Uint8Array, line: number | undefined, said: RegExp, args?: string[]]
>([
  ['no rows', '', undefined, /standard input is empty/],
  [
    'several columns and no choice',
    'a,b\n1,2',
    1,
    /got 2 columns; expected --column with one of the columns a, b/,
  ],
  ['a column that is not there', 'a,b\n1,2', 1, /got column 'c'/, ['-c', 'c']],
  [
    'a column beyond the last',
    '1,2',
    1,
    /got column '3'; .* a number from 1 to 2/,
    ['--no-header', '-c', '3'],
  ],
  ['a short row', 'a,b\n1,2\n\n3', 4, /got 1 fields; expected 2/, ['-c', 'a']],
  ['a word', 'a\n1\nten', 3, /got 'ten' in column a; expected a number/],
  ['a hexadecimal number', 'a\n0x10', 2, /got '0x10'/],
  ['an infinity', 'a\n1e999', 2, /got '1e999'/],
  ['a missing number', 'a,b\n1,2\n,2', 3, /got '' in column a; .*--skip-missing/, ['-c', 'a']],
  ['an open quote', 'a\n"1\n2\n', 2, /a quote that is never closed/],
  ['a quote in a field', 'a\n1"2"', 2, /a quote inside a field/],
  ['text after a quote', 'a\n"1"2', 2, /got "2" after a closing quote/],
  ['a lone carriage return', 'a\n1\r2', 2, /a carriage return without a line feed/],
  ['a carriage return at the end', 'a\n1\r', 2, /a carriage return without a line feed/],
  ['other bytes than UTF-8', new Uint8Array([97, 10, 255, 10]), 1, /not UTF-8/],
  ['a record without end', `a\n"${'x'.repeat(1 << 20)}`, 2, /a record of more than 1048576 characters/],
  ['a value that a detector cannot take', 'a\n1\n0\n7', 4, /DDM: got 7/, ['-d', 'ddm']],
])('refuses %s, and names the line', async (_, text, line, said, args = []) => {
  const error: unknown = await drifts(text, ...args).catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(StreamError)
  expect(error).toMatchObject({ code: line === undefined ? 'empty-input' : 'bad-table', line })
  expect((error as Error).message).toMatch(said)
  if (line !== undefined) expect((error as Error).message).toContain(`line ${line} of standard input`)
})

test('leaves out rows without a number on request, and counts them', async () => {
  const said = await drifts('a\n1\nNaN\n""\nnull\n2\n', '--skip-missing', '--json')
  expect(parsed(said)).toEqual([{ rows: 2, missing: 3, alarms: { adwin: 0 } }])
  await expect(drifts('a\n1\nx\n', '--skip-missing')).rejects.toThrow(/line 3/)
})

test.each([
  [['-d', 'none'], /Expected one of adwin/],
  [['--option', 'delta'], /got --option delta; expected key=value with one of the detectors adwin/],
  [['-d', 'adwin', '-d', 'kswin', '--option', 'delta=1'], /expected detector\.key=value/],
  [['--option', 'kswin.alpha=0.1'], /got --option kswin\.alpha=0\.1/],
  [['--option', 'threshold=3'], /threshold/],
  [['--option', 'delta=much'], /delta 'much'/],
  [['--separator', ';;'], /one character/],
])('refuses %j before it reads', async (args, said) => {
  await expect(drifts('"', ...args)).rejects.toThrow(said)
})

test('a pipe is heard row by row, until Ctrl-C', async () => {
  const folder = temporaryFolder()
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const burgeon = running(['drift', '-', '-c', 'level'], folder)
  burgeon.child.stdin.write(`${table}\n`)
  await burgeon.says('output', /~ row 4\d\d  level/)
  burgeon.child.kill('SIGINT')
  expect(await burgeon.ended).toBe(130)
  expect(burgeon.said.output).toMatch(/800 rows: adwin \d+ alarms?\n$/)
})

test('reads files, and says what is none', async () => {
  const folder = temporaryFolder()
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'table.csv'), table)
  const found = running(['drift', 'table.csv', '-c', 'level', '--json'], folder)
  expect(await found.ended).toBe(0)
  expect(parsed(found.said.output).at(-1)).toMatchObject({ rows: 800 })
  await expect(run([join(folder, 'none.csv')])).rejects.toThrow(/drift: .*none\.csv does not exist/)
  await expect(run([folder])).rejects.toThrow(/drift: .* is a folder/)
})
