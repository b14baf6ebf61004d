/** Bytes by their digest: weights, updates and checkpoints that are too large for a message. */
import { type Check, checks } from '@burgeon/tensor'

/**
 * A store of bytes, each under its SHA-256. Whoever knows a digest gets the very bytes or an error, whatever the
 * store has done to them.
 */
export interface Blobs {
  /**
   * Keeps bytes; resolves with their digest, 64 hexadecimal digits, when they can be fetched. To put the same
   * twice is to put them once.
   *
   * @throws OptionError unless they are bytes, BlobError if they could not be kept.
   */
  put(bytes: Uint8Array): Promise<string>
  /**
   * Fetches bytes: the very ones.
   *
   * @throws OptionError unless it is a digest, BlobError if there are none or they are damaged.
   */
  get(digest: string): Promise<Uint8Array>
  /** Whether there are bytes of a digest; that they are whole shows when they are fetched. */
  has(digest: string): Promise<boolean>
  /** Digests of all that is kept, in alphabetical order. */
  list(): Promise<readonly string[]>
  /** Lets go of bytes; of ones that are not there, too. */
  remove(digest: string): Promise<void>
}

/** Check of a store of bytes. */
export const someBlobs: Check<Blobs> = checks.role<Blobs>(
  'a store of bytes, such as memoryBlobs()',
  'put',
  'get',
  'has',
  'list',
  'remove',
)

/** Check of a digest. */
export const aDigest: Check<string> = {
  expected: 'a SHA-256: 64 hexadecimal digits in lower case',
  accepts: (value): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value),
}

/** Check of bytes. */
export const someBytes: Check<Uint8Array> = checks.instance('a Uint8Array', Uint8Array)
