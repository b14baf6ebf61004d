/** How much may be sent at once. */
import type { Check } from '@burgeon/tensor'

/** Bytes that a message or an entry may have; what is larger goes into blobs, and its digest is sent. */
export const maxPayload: number = 2 ** 19

/** Check of what is sent or logged. */
export const aPayload: Check<Uint8Array> = {
  expected: `a Uint8Array of at most ${maxPayload} bytes`,
  accepts: (value): value is Uint8Array => value instanceof Uint8Array && value.length <= maxPayload,
}
