/** Typographic characters → the ASCII that means the same. */
const ascii: Readonly<Record<string, string>> = {
  '\u2018': "'",
  '\u2019': "'",
  '\u201a': "'",
  '\u2032': "'",
  '\u201c': '"',
  '\u201d': '"',
  '\u201e': '"',
  '\u2033': '"',
  '\u00ab': '"',
  '\u00bb': '"',
  '\u2010': '-',
  '\u2011': '-',
  '\u2012': '-',
  '\u2013': '-',
  '\u2014': '--',
  '\u2015': '--',
  '\u2212': '-',
  '\u2026': '...',
  '\u2022': '*',
  '\u00b7': '*',
  '\u00d7': 'x',
  '\u2190': '<-',
  '\u2192': '->',
  '\u21d2': '=>',
  '\u2264': '<=',
  '\u2265': '>=',
  '\u2260': '!=',
  '\u00a9': '(c)',
  '\u00ae': '(R)',
  '\u2122': '(TM)',
  '\u00a0': ' ',
}
const mapped = new RegExp(`[${Object.keys(ascii).join('')}]`, 'g')
const otherSpaces = /[\u2000-\u200a\u202f\u205f\u3000]/g
const invisible = /\p{Cf}|\p{Variation_Selector}/gu
const control = /[^\P{Cc}\n\t]/gu

/**
 * File bytes → ASCII-friendly text: LF line ends, typographic punctuation as ASCII, no byte order mark,
 * invisible or control characters (tabs stay), no space at line ends. Other characters stay as they are;
 * bytes that are not UTF-8 become U+FFFD.
 */
export function plainText(bytes: Uint8Array): string {
  return new TextDecoder('utf-8')
    .decode(bytes)
    .replace(/\r\n?/g, '\n')
    .replace(mapped, (character) => ascii[character])
    .replace(otherSpaces, ' ')
    .replace(invisible, '')
    .replace(control, '')
    .replace(/[ \t]+$/gm, '')
}
