/** Text inside of a PNG picture, in a `tEXt` chunk (PNG, third edition, section 11.3.3.2). */
import { crc32 } from 'node:zlib'

const signatureBytes = 8

/** The picture with a keyword and its text before everything that is painted. Both are Latin-1. */
export function withPngText(png: Uint8Array, keyword: string, text: string): Uint8Array {
  const content = Buffer.from(`tEXt${keyword}\0${text}`, 'latin1')
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(content.length - 4)
  checksum.writeUInt32BE(crc32(content))
  // The first chunk is the header, which must stay first.
  const at = signatureBytes + 12 + Buffer.from(png).readUInt32BE(signatureBytes)
  return Buffer.concat([png.subarray(0, at), length, content, checksum, png.subarray(at)])
}

/** The text of a keyword, or null. */
export function pngText(png: Uint8Array, keyword: string): string | null {
  const bytes = Buffer.from(png)
  for (let at = signatureBytes; at + 12 <= bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    const content = bytes.toString('latin1', at + 4, at + 8 + bytes.readUInt32BE(at))
    if (content.startsWith(`tEXt${keyword}\0`)) return content.slice(keyword.length + 5)
  }
  return null
}
