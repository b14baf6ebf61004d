// Reaches inside: what is tested here is a part of its package, not an entry point.
/** The text of PDF: on a thread that can be ended, within limits. */
import { deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DocumentForm } from '../../packages/burgeon/src/sources/documents/document-form.ts'
import { type PdfLimits, pdfText, placeOf } from '../../packages/burgeon/src/sources/documents/pdf-text.ts'
import { readSource } from '../../packages/burgeon/src/sources/read-source.ts'
import { written } from '../front-door/small-checkout.ts'
import { times } from '../how-long.ts'
import { taken, takenOrRefused } from './taken.ts'

/** A document with a page for each of some streams, which draw with the font F. */
function documentOf(pages: readonly Buffer[], filter = '/FlateDecode'): Uint8Array<ArrayBuffer> {
  const font = '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>'
  const kids = pages.map((_, i) => `${4 + 2 * i} 0 R`).join(' ')
  const objects: Buffer[] = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Kids [${kids}] /Count ${pages.length} /MediaBox [0 0 612 792] >>`,
    font,
  ].map((text) => Buffer.from(text))
  for (const [i, stream] of pages.entries()) {
    const page = `<< /Type /Page /Parent 2 0 R /Resources << /Font << /F 3 0 R >> >> /Contents ${5 + 2 * i} 0 R >>`
    const head = Buffer.from(`<< /Length ${stream.length} /Filter ${filter} >>\nstream\n`)
    objects.push(Buffer.from(page), Buffer.concat([head, stream, Buffer.from('\nendstream')]))
  }
  const parts = [Buffer.from('%PDF-1.4\n%\u00e2\u00e3\n', 'latin1')]
  const places: number[] = []
  let at = parts[0].length
  for (const [i, object] of objects.entries()) {
    const whole = Buffer.concat([Buffer.from(`${i + 1} 0 obj\n`), object, Buffer.from('\nendobj\n')])
    places.push(at)
    at += whole.length
    parts.push(whole)
  }
  const rows = places.map((place) => `${String(place).padStart(10, '0')} 00000 n \n`).join('')
  const count = objects.length + 1
  const table = `xref\n0 ${count}\n0000000000 65535 f \n${rows}trailer\n<< /Size ${count} /Root 1 0 R >>\nstartxref\n${at}\n%%EOF\n`
  return new Uint8Array(Buffer.concat([...parts, Buffer.from(table)]))
}

const drawing = (...lines: readonly string[]): string =>
  `BT /F 12 Tf 72 700 Td ${lines.map((line) => `(${line}) Tj 0 -20 Td`).join(' ')} ET`
const page = (...lines: readonly string[]): Buffer => deflateSync(drawing(...lines))
const letter = documentOf([page('The boiler is', 'in the cellar.'), page('The key hangs beside the door.')])

const usual: DocumentForm['text'] = (pieces) => pdfText(pieces)
/** With other limits than usual. */
const within =
  (limits: Partial<PdfLimits>): DocumentForm['text'] =>
  (pieces) =>
    pdfText(pieces, {
      ...{ fileBytes: 2 ** 20, characters: 2 ** 20, memoryBytes: 2 ** 30, pageTime: 60_000 },
      ...limits,
    })

const text = 'The boiler is\nin the cellar.\nThe key hangs beside the door.\n'

test('is that of its pages, line by line', async () => {
  expect(await taken(usual, letter)).toEqual({ text, notes: [] })
})

test('is read of files in a folder, whatever they are called, and gone on with', async () => {
  const root = await written([
    ['letter.pdf', letter],
    ['scan', letter],
    ['note.txt', 'a note'],
  ])
  const source = await readSource(root)
  expect(source.bytes).toBe(2 * text.length + 6)
  const found: string[] = []
  for await (const { bytes } of source) found.push(Buffer.from(bytes).toString())
  expect(found).toEqual([text, 'a note', text])
  source.reached({ file: 'letter.pdf', offset: 20 })
  const state = source.toState()
  expect(state.files).toMatchObject([{ name: 'letter.pdf', form: 'pdf/1', bytes: 20 }])
  const rest = await readSource(root, { read: state })
  expect(rest.bytes).toBe(2 * text.length + 6 - 20)
  for await (const { bytes, position } of rest) {
    if (position.file === 'letter.pdf') expect(Buffer.from(bytes).toString()).toBe(text.slice(20))
  }
})

test('is taken out once, however often it is asked for', async () => {
  await taken(usual, letter)
  // Nothing could be taken out in no time.
  expect((await taken(within({ memoryBytes: 0, pageTime: 0 }), letter)).text).toBe(text)
})

describe('is refused', () => {
  test('without the package, which is named', () => {
    expect(() => placeOf('no-such-package')).toThrow(
      'to read PDF, install the package no-such-package: npm i no-such-package@1.3.2',
    )
  })

  test('where it is no PDF but by its beginning', async () => {
    await expect(taken(usual, '%PDF-1.4\nand nothing more')).rejects.toThrow(/^no PDF that can be read: /)
  })

  test('where a stream unpacks to more than there is room for, and the process goes on', async () => {
    const inner = deflateSync(Buffer.alloc(200 * 2 ** 20, 32))
    const bomb = documentOf([deflateSync(inner)], '[/FlateDecode /FlateDecode]')
    expect(bomb.length).toBeLessThan(5000)
    await expect(taken(within({ memoryBytes: 64 * 2 ** 20 }), bomb)).rejects.toThrow(
      'PDF that takes more than 64 MiB to unpack',
    )
    expect((await taken(usual, letter)).text).toBe(text)
  })

  test('where a page takes too long', async () => {
    const long = documentOf([deflateSync(drawing('a').repeat(300_000))])
    await expect(taken(within({ pageTime: 1 }), long)).rejects.toThrow(
      /^PDF with a page that takes more than 1 sec/,
    )
  })

  test('where it is large, or its text is', async () => {
    const other = documentOf([page('Another letter, and not a short one.')])
    await expect(taken(within({ fileBytes: 100 }), other)).rejects.toThrow('more than 1 MiB of PDF')
    await expect(taken(within({ characters: 30 }), other)).rejects.toThrow('PDF with more than 1 MiB of text')
  })
})

test('is some text or refused, whatever was changed in it', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(letter.length - 6), fc.nat(255)), { maxLength: 20 }),
      fc.option(fc.nat(letter.length), { nil: undefined }),
      async (changes, end) => {
        const bytes = letter.slice()
        for (const [at, byte] of changes) bytes[5 + at] = byte
        const first = await takenOrRefused(usual, bytes.slice(0, end))
        expect(await takenOrRefused(usual, bytes.slice(0, end), 100)).toBe(first)
      },
    ),
    { numRuns: times(10, 300) },
  ))
