/** Classes of bytes, by which weak places of a model are named. */

const between = (from: string, to: string, byte: number): boolean =>
  byte >= from.charCodeAt(0) && byte <= to.charCodeAt(0)

/** The class of the first byte of a token; special tokens stand for none. */
export function byteClassOf(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'special tokens'
  const [byte] = bytes
  if (byte === 0x0a || byte === 0x0d) return 'line ends'
  if (byte === 0x20 || byte === 0x09) return 'spaces'
  if (byte < 0x20 || byte === 0x7f) return 'control characters'
  if (byte >= 0x80) return 'beyond ASCII'
  if (between('a', 'z', byte)) return 'small letters'
  if (between('A', 'Z', byte)) return 'capital letters'
  return between('0', '9', byte) ? 'digits' : 'punctuation'
}
