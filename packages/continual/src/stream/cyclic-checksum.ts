/** Cyclic redundancy checks of 32 bits. */

/**
 * The checksum by a polynomial, its bits reversed: begun with ones, and all bits turned at the end, as CRC-32
 * (ISO 3309) and CRC-32C (RFC 3720, appendix B.4) are.
 */
export function cyclicChecksum(polynomial: number): (bytes: Uint8Array) => number {
  /** Remainders of all bytes. */
  const table = Uint32Array.from({ length: 256 }, (_, byte) => {
    let remainder = byte
    for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? polynomial : 0)
    return remainder
  })
  return (bytes) => {
    let crc = 0xffffffff
    for (const byte of bytes) crc = (crc >>> 8) ^ table[(crc ^ byte) & 0xff]
    return (crc ^ 0xffffffff) >>> 0
  }
}
