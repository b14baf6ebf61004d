/** Digests that say nothing to who has not the secret they begin with. */
import { createHash, randomBytes } from 'node:crypto'

const saltBytes = 16

/** A secret that nobody can guess, in hexadecimal. */
export const newSalt = (): string => randomBytes(saltBytes).toString('hex')

/**
 * SHA-256 of a salt and the JSON of something, in hexadecimal. Without the salt not even a short text can be
 * found by trying.
 */
export function saltedDigest(salt: string, of: unknown): string {
  return createHash('sha256').update(Buffer.from(salt, 'hex')).update(JSON.stringify(of)).digest('hex')
}
