/** The 256 bytes as characters that can be printed, as in GPT-2 (Radford et al. 2019), and back. */

/** The character of each byte: itself where it can be seen, else the next one from U+0100 on. */
export const characterOfByte: readonly string[] = (() => {
  let next = 0x100
  const isSeen = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isSeen(byte) ? byte : next++))
})()

const byteOfCharacter = new Map(characterOfByte.map((character, byte) => [character, byte]))
const encoder = new TextEncoder()

/** A text's UTF-8 as characters, one for each byte. */
export function bytesAsCharacters(text: string): string {
  let result = ''
  for (const byte of encoder.encode(text)) result += characterOfByte[byte]
  return result
}

/** The bytes that characters stand for, or of the text itself where one stands for none. */
export function charactersAsBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const byte = byteOfCharacter.get(text[i])
    if (byte === undefined) return encoder.encode(text)
    bytes[i] = byte
  }
  return bytes
}

/** The token of byte fallback for a byte, such as `<0xAB>`. */
export const nameOfByte = (byte: number): string => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`

/** The byte that `<0xAB>` names, or −1 for any other token. */
export function byteNamed(token: string): number {
  return /^<0x[0-9A-Fa-f]{2}>$/.test(token) ? Number.parseInt(token.slice(3, 5), 16) : -1
}
