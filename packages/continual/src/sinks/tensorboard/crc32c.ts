/** The checksum of TFRecord files. */
import { cyclicChecksum } from '../../stream/cyclic-checksum.ts'

/** CRC-32C (RFC 3720, appendix B.4), by the polynomial of Castagnoli. */
export const crc32c: (bytes: Uint8Array) => number = cyclicChecksum(0x82f63b78)

/** A checksum as records hold it: turned by 15 bits, and moved, so that checksums of checksums differ. */
export function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}
