/**
 * Reads the JSON of a safetensors header in one pass. JSON.parse is not used: it silently keeps the last of
 * duplicate keys, and builds everything before anything can be counted.
 */
import { BadFileError } from './bad-file-error.ts'

/** A cursor over text that knows just the JSON a header may contain. */
export class HeaderReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /**
   * Reads the members of an object; `member` is called at each value and must read it. Throws on a duplicate
   * key.
   */
  object(what: string, member: (key: string) => void): void {
    const seen = new Set<string>()
    this.#expect('{', what)
    if (this.#next('}')) return
    do {
      const key = this.string(`a key of ${what}`)
      if (seen.has(key)) throw new BadFileError(`safetensors: ${what} has the key ${shown(key)} twice.`)
      seen.add(key)
      this.#expect(':', what)
      member(key)
    } while (this.#next(','))
    this.#expect('}', what)
  }

  /** Reads a list of non-negative integers, at most `most` of them. */
  integers(what: string, most: number): number[] {
    const numbers: number[] = []
    this.#expect('[', what)
    if (this.#next(']')) return numbers
    do {
      if (numbers.length === most)
        throw new BadFileError(`safetensors: ${what} has more than ${most} numbers.`)
      numbers.push(this.#integer(what))
    } while (this.#next(','))
    this.#expect(']', what)
    return numbers
  }

  string(what: string): string {
    this.#space()
    const end = this.#endOfString()
    const raw = this.#text.slice(this.#at, end)
    try {
      const value: unknown = JSON.parse(raw)
      // An escape can smuggle in half a letter, which UTF-8 cannot hold: two names would be written the same.
      if (typeof value === 'string' && !halfLetter.test(value)) {
        this.#at = end
        return value
      }
    } catch {
      // not JSON: said below
    }
    throw new BadFileError(`safetensors: ${what} is ${shown(raw)}; expected a JSON string of whole letters.`)
  }

  /** Checks that only spaces follow. */
  end(): void {
    this.#space()
    if (this.#at !== this.#text.length) {
      throw new BadFileError(`safetensors: the header goes on after its object, with ${shown(this.#rest())}.`)
    }
  }

  #endOfString(): number {
    let end = this.#at + 1
    while (end < this.#text.length && this.#text[end] !== '"') end += this.#text[end] === '\\' ? 2 : 1
    return Math.min(end + 1, this.#text.length)
  }

  #integer(what: string): number {
    this.#space()
    const digits = /(?:0|[1-9]\d{0,15})(?![\d.eE])/y
    digits.lastIndex = this.#at
    const found = digits.exec(this.#text)?.[0]
    if (found === undefined || !Number.isSafeInteger(Number(found))) {
      throw new BadFileError(
        `safetensors: ${what} holds ${shown(this.#rest())}; expected an integer of 0 or more.`,
      )
    }
    this.#at += found.length
    return Number(found)
  }

  #space(): void {
    while (' \t\n\r'.includes(this.#text[this.#at] ?? '?')) this.#at++
  }

  #next(character: string): boolean {
    this.#space()
    const found = this.#text[this.#at] === character
    if (found) this.#at++
    return found
  }

  #expect(character: string, what: string): void {
    if (this.#next(character)) return
    throw new BadFileError(`safetensors: ${what} goes on with ${shown(this.#rest())}; expected ${character}`)
  }

  #rest(): string {
    return this.#text.slice(this.#at, this.#at + 20)
  }
}

/** A surrogate without its other half. */
export const halfLetter: RegExp = /\p{Surrogate}/u

/** Formats a piece of a hostile file, short and on one line. */
export function shown(text: string): string {
  return text === '' ? 'nothing' : JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
}
