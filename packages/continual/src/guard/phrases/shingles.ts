/** Hashes of all stretches of so many bytes of a text, one for each byte where one begins. */

const factor = 0x01000193
const utf8 = new TextEncoder()

/** UTF-8 bytes of a text. */
export const bytesOfText = (text: string): Uint8Array => utf8.encode(text)

/**
 * Rolling polynomial hashes modulo 2³² (Karp and Rabin 1987), each mixed so that all of its bits depend on
 * all bytes. In time linear in the bytes.
 *
 * @param length Bytes of a stretch, ≥ 1.
 * @returns None for a text that is shorter.
 */
export function shinglesOf(bytes: Uint8Array, length: number): Uint32Array {
  const result = new Uint32Array(Math.max(0, bytes.length - length + 1))
  let oldest = 1
  for (let i = 1; i < length; i++) oldest = Math.imul(oldest, factor)
  let hash = 0
  for (let i = 0; i < bytes.length; i++) {
    if (i >= length) hash = (hash - Math.imul(bytes[i - length] + 1, oldest)) | 0
    hash = (Math.imul(hash, factor) + bytes[i] + 1) | 0
    if (i >= length - 1) result[i - length + 1] = mixed(hash)
  }
  return result
}

/** The finalizer of MurmurHash3 (Appleby 2011): every bit of the input changes half of the output's. */
function mixed(hash: number): number {
  let h = hash
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
