import { stripVTControlCharacters } from 'node:util'

/** An output to write to: `process.stdout` or `process.stderr`, or a stand-in. */
export interface TerminalOutput {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number | undefined
}

/** The environment variables that decide how to write. */
export interface TerminalEnvironment {
  readonly [name: string]: string | undefined
  readonly NO_COLOR?: string | undefined
  readonly TERM?: string | undefined
}

/** Whether a line can be rewritten in place. */
export function isLive(output: TerminalOutput, environment: TerminalEnvironment): boolean {
  return output.isTTY === true && environment.TERM !== 'dumb'
}

/** Colors by what they mean here. Each wraps a text; without color they leave it as it is. */
export interface Palette {
  readonly faint: (text: string) => string
  readonly strong: (text: string) => string
  readonly growth: (text: string) => string
  readonly drift: (text: string) => string
  readonly checkpoint: (text: string) => string
  readonly failure: (text: string) => string
}

/** Color only on a terminal, and never where NO_COLOR is set (no-color.org). */
export function palette(output: TerminalOutput, environment: TerminalEnvironment): Palette {
  const colored = isLive(output, environment) && !environment.NO_COLOR
  const paint =
    (on: number, off: number) =>
    (text: string): string =>
      colored ? `\u001b[${on}m${text}\u001b[${off}m` : text
  return {
    faint: paint(2, 22),
    strong: paint(1, 22),
    growth: paint(32, 39),
    drift: paint(33, 39),
    checkpoint: paint(36, 39),
    failure: paint(31, 39),
  }
}

/**
 * Text from outside on one line without control characters: a file name or a model's output must not drive
 * the terminal.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '')
}

/** Text from outside with its lines and tabs, but without any other control character. */
export function printableLines(text: string): string {
  return text
    .split(/([\n\t])/)
    .map((part) => (part === '\n' || part === '\t' ? part : printable(part)))
    .join('')
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })
const wide =
  /\p{Emoji_Presentation}|\p{Script=Han}|\p{Script=Hangul}|\p{Script=Hiragana}|\p{Script=Katakana}|[\u3000-\u303f\uff01-\uff60]/u

/**
 * How many columns a text takes on a terminal. Color codes take none, an emoji or a Chinese character takes
 * two.
 */
export function displayWidth(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length
  let columns = 0
  for (const { segment } of graphemes.segment(stripVTControlCharacters(text)))
    columns += wide.test(segment) ? 2 : 1
  return columns
}

/** Shortens a text without color codes to a number of columns, with an ellipsis. */
export function fit(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text
  let shown = ''
  let used = 0
  for (const { segment } of graphemes.segment(text)) {
    used += wide.test(segment) ? 2 : 1
    if (used > columns - 1) break
    shown += segment
  }
  return columns > 0 ? `${shown}\u2026` : ''
}
