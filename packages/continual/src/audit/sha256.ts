/** SHA-256 (FIPS 180-4, section 6.2) of bytes that are all there; the same anywhere, and at once. */

const roots = Uint32Array.from(primes(64), (prime) => fractionOf(Math.cbrt(prime)))
const begin = Uint32Array.from(primes(8), (prime) => fractionOf(Math.sqrt(prime)))

/** The digest of bytes, 32 of them. */
export function sha256(bytes: Uint8Array): Uint8Array {
  const blocks = padded(bytes)
  const view = new DataView(blocks.buffer)
  const state = Uint32Array.from(begin)
  const words = new Uint32Array(64)
  for (let at = 0; at < blocks.length; at += 64) {
    for (let i = 0; i < 16; i++) words[i] = view.getUint32(at + 4 * i)
    for (let i = 16; i < 64; i++) {
      const [a, b] = [words[i - 15], words[i - 2]]
      const low = right(a, 7) ^ right(a, 18) ^ (a >>> 3)
      const high = right(b, 17) ^ right(b, 19) ^ (b >>> 10)
      words[i] = words[i - 16] + low + words[i - 7] + high
    }
    compress(state, words)
  }
  const digest = new DataView(new ArrayBuffer(32))
  for (const [i, word] of state.entries()) digest.setUint32(4 * i, word)
  return new Uint8Array(digest.buffer)
}

function compress(state: Uint32Array, words: Uint32Array): void {
  let [a, b, c, d, e, f, g, h] = state
  for (let i = 0; i < 64; i++) {
    const big1 = right(e, 6) ^ right(e, 11) ^ right(e, 25)
    const first = (h + big1 + ((e & f) ^ (~e & g)) + roots[i] + words[i]) | 0
    const big0 = right(a, 2) ^ right(a, 13) ^ right(a, 22)
    const second = (big0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + first) | 0
    d = c
    c = b
    b = a
    a = (first + second) | 0
  }
  for (const [i, word] of [a, b, c, d, e, f, g, h].entries()) state[i] += word
}

const right = (word: number, by: number): number => (word >>> by) | (word << (32 - by))

/** The message, a bit 1, zeros, and its length in bits as 64 of them: whole blocks of 64 bytes. */
function padded(bytes: Uint8Array): Uint8Array {
  const blocks = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64)
  blocks.set(bytes)
  blocks[bytes.length] = 0x80
  const view = new DataView(blocks.buffer)
  view.setUint32(blocks.length - 8, Math.floor(bytes.length / 2 ** 29))
  view.setUint32(blocks.length - 4, (bytes.length * 8) >>> 0)
  return blocks
}

/** The first 32 bits behind the point. */
function fractionOf(root: number): number {
  return Math.floor((root % 1) * 2 ** 32)
}

function primes(count: number): number[] {
  const found: number[] = []
  for (let n = 2; found.length < count; n++) if (found.every((prime) => n % prime !== 0)) found.push(n)
  return found
}

/** Bytes as hexadecimal digits. */
export function hexOf(bytes: Uint8Array): string {
  let digits = ''
  for (const byte of bytes) digits += hexOfByte[byte]
  return digits
}

const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** The bytes of hexadecimal digits, two for each. */
export const bytesOfHex = (hex: string): Uint8Array =>
  Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16))
