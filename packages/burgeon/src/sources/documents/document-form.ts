/** Files that hold text and are not text as they lie. */
import { csvText } from './csv-text.ts'
import { htmlText } from './html-text.ts'
import { jsonLinesText } from './json-lines-text.ts'
import { pdfText } from './pdf-text.ts'

/** A way of taking the text out of a file. */
export interface DocumentForm {
  /**
   * Name and version, and what was asked for. The same bytes give the same text under the same id: a place in
   * a text is kept beside it, so whatever changes a text gets a new one.
   */
  readonly id: string
  /**
   * The text of a document, in pieces.
   *
   * @param note Called with what is left out of it, and why.
   * @throws StreamError `not-text`, whose message is a reason alone, for a document that has no text to give.
   */
  text(pieces: AsyncIterable<Uint8Array>, note: (what: string) => void): AsyncIterable<string>
}

/** What a user may say about documents. */
export interface DocumentOptions {
  /** Name or number, from 1, of the column of tables that is read alone. All of them are unless given. */
  readonly column?: string | undefined
}

const html: DocumentForm = { id: 'html/1', text: htmlText }
const pdf: DocumentForm = { id: 'pdf/1', text: (pieces) => pdfText(pieces) }
const jsonLines: DocumentForm = { id: 'json lines/1', text: jsonLinesText }
const table =
  (name: string, separator: string) =>
  ({ column }: DocumentOptions): DocumentForm => ({
    id: column === undefined ? `${name}/1` : `${name}/1 ${column}`,
    text: (pieces, note) => csvText(pieces, { separator, column }, note),
  })

/** By the ending of a name, in lower case. Null is text as it lies, whatever it begins with. */
const byEnding: Readonly<Record<string, ((options: DocumentOptions) => DocumentForm) | null>> = {
  ...{ txt: null, md: null, markdown: null },
  ...{ html: () => html, htm: () => html, xhtml: () => html },
  ...{ jsonl: () => jsonLines, ndjson: () => jsonLines },
  ...{ csv: table('csv', ','), tsv: table('tsv', '\t') },
}

/** Whether a file is PDF, whatever it is called. */
export const isPdf = (beginning: Uint8Array): boolean =>
  Buffer.from(beginning.subarray(0, 5)).toString('latin1') === '%PDF-'

/** The beginning of a page, after what may stand before it. */
const beginsPage = /^\uFEFF?\s*(?:<\?xml[^>]*>\s*)?(?:<!doctype\s+html|<html[\s>])/i

/**
 * The form of a file, by its ending, or by how it begins where the ending says nothing; null for text as it
 * lies.
 */
export function documentForm(
  name: string,
  beginning: Uint8Array,
  options: DocumentOptions,
): DocumentForm | null {
  if (isPdf(beginning)) return pdf
  const ending = /\.([^./\\]+)$/.exec(name)?.[1].toLowerCase() ?? ''
  const known = Object.hasOwn(byEnding, ending) ? byEnding[ending] : undefined
  if (known !== undefined) return known && known(options)
  return beginsPage.test(new TextDecoder().decode(beginning.subarray(0, 1024))) ? html : null
}
