/** Records of comma-separated text, one at a time, as it comes. */
import { StreamError } from '../stream-error.ts'

/** Fields of one record. */
export interface CsvRecord {
  readonly fields: readonly string[]
  /** Line on which it begins, from 1; a field in quotes may hold further lines. */
  readonly line: number
}

/** What a message says of a line, such as `drift: line 3 of table.csv`. */
type Placed = (line: number) => string

/** Characters of one record beyond which a quote that never ends is more likely than a very long record. */
const longestRecord = 1 << 20

const loneReturn = 'a carriage return without a line feed; expected LF or CRLF at the end of a line'

type Place = 'start of field' | 'in field' | 'in quotes' | 'after quotes' | 'after return'

/**
 * Reads records as RFC 4180 has them: fields between separators, in quotes where they hold separators, quotes
 * (written twice) or lines; lines end with LF or CRLF. Blank lines are no records. A byte order mark is left
 * out. Text may come in pieces that end anywhere, inside a character too.
 *
 * @param separator One character between fields.
 * @param placed Beginning of messages about a line.
 * @throws StreamError `bad-table` with the number of the line, for bytes that are not UTF-8, a quote inside a
 *   field without quotes, anything between a closing quote and the next separator, a quote that is never
 *   closed, a lone carriage return, and a record of more than a million characters.
 */
export async function* csvRecords(
  pieces: AsyncIterable<Uint8Array>,
  separator: string,
  placed: Placed,
): AsyncGenerator<CsvRecord> {
  const parser = new RecordParser(separator, placed)
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const decoded = (bytes?: Uint8Array): string => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined })
    } catch (cause) {
      throw wrongAt(parser.line, placed, 'bytes that are not UTF-8; expected text', cause)
    }
  }
  for await (const bytes of pieces) yield* parser.take(decoded(bytes))
  yield* parser.take(decoded())
  yield* parser.end()
}

/** A machine that takes one character after another. */
class RecordParser {
  readonly #separator: string
  readonly #placed: Placed
  #place: Place = 'start of field'
  #fields: string[] = []
  #field = ''
  /** Line of the character at hand, of the record, and of the last opening quote. */
  #line = 1
  #recordLine = 1
  #quoteLine = 1
  #length = 0
  #isBlank = true

  constructor(separator: string, placed: Placed) {
    this.#separator = separator
    this.#placed = placed
  }

  /** Line of the character at hand. */
  get line(): number {
    return this.#line
  }

  /** Returns the records that end in a piece of text. */
  take(text: string): CsvRecord[] {
    const records: CsvRecord[] = []
    for (const character of text) {
      if (++this.#length > longestRecord) {
        const line = this.#place === 'in quotes' ? this.#quoteLine : this.#recordLine
        const what = `a record of more than ${longestRecord} characters; expected a closing quote before`
        throw wrongAt(line, this.#placed, what)
      }
      const ends = this.#step(character)
      if (character === '\n') this.#line++
      if (ends) records.push(...this.#taken())
    }
    return records
  }

  /** Returns the last record, if no line end followed it. */
  end(): CsvRecord[] {
    if (this.#place === 'in quotes') {
      throw wrongAt(this.#quoteLine, this.#placed, 'a quote that is never closed')
    }
    if (this.#place === 'after return') throw wrongAt(this.#line, this.#placed, loneReturn)
    return this.#taken()
  }

  /** Takes one character; returns whether it ends a record. */
  #step(character: string): boolean {
    if (this.#place === 'in quotes') {
      if (character === '"') this.#place = 'after quotes'
      else this.#field += character
      return false
    }
    if (this.#place === 'after return') {
      if (character !== '\n') throw wrongAt(this.#line, this.#placed, loneReturn)
      return true
    }
    if (character === '\n') return true
    if (character === '\r') {
      this.#place = 'after return'
      return false
    }
    this.#isBlank = false
    if (character === this.#separator) this.#endField()
    else if (character === '"') this.#quote()
    else if (this.#place === 'after quotes') {
      const what = `${JSON.stringify(character)} after a closing quote; expected a separator`
      throw wrongAt(this.#line, this.#placed, what)
    } else {
      this.#place = 'in field'
      this.#field += character
    }
    return false
  }

  #quote(): void {
    if (this.#place === 'in field') {
      const what = 'a quote inside a field without quotes; expected the whole field in quotes'
      throw wrongAt(this.#line, this.#placed, what)
    }
    // After a closing quote it is the second of two, which stand for one.
    if (this.#place === 'after quotes') this.#field += '"'
    else this.#quoteLine = this.#line
    this.#place = 'in quotes'
  }

  #endField(): void {
    this.#fields.push(this.#field)
    this.#field = ''
    this.#place = 'start of field'
  }

  /** The record that has ended; none for a blank line. */
  #taken(): CsvRecord[] {
    const record = { fields: [...this.#fields, this.#field], line: this.#recordLine }
    const isBlank = this.#isBlank
    this.#fields = []
    this.#field = ''
    this.#place = 'start of field'
    this.#length = 0
    this.#isBlank = true
    this.#recordLine = this.#line
    return isBlank ? [] : [record]
  }
}

function wrongAt(line: number, placed: Placed, what: string, cause?: unknown): StreamError {
  return new StreamError('bad-table', `${placed(line)}: got ${what}.`, { line, cause })
}
