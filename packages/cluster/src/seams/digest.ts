/** The name of bytes. */
import { checkArgument } from '@burgeon/tensor'
import { someBytes } from './blobs.ts'

/** The SHA-256 of bytes as 64 hexadecimal digits. Throws OptionError unless they are bytes. */
export async function digestOf(bytes: Uint8Array): Promise<string> {
  checkArgument('digestOf', 'bytes', bytes, someBytes)
  // What lies in memory that is shared is not taken.
  const own = bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes)
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', own))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
