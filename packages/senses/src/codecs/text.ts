/** Text, as UTF-8. */
import { checkArgument, checks } from '@burgeon/tensor'
import { checkPieceBytes, checkSized, type Codec, gridInTime, inTime } from '../codec.ts'
import { SenseError } from '../sense-error.ts'

/**
 * Text as UTF-8, a patch for each byte. Its size is empty.
 *
 * Lossless; a text with half of a surrogate pair, which UTF-8 cannot write, is refused, and bytes that are
 * not UTF-8 are no text.
 */
export const text: Codec<string> = {
  name: 'text',
  version: 1,
  loss: null,
  gridOf: gridInTime('text', 1),
  encode(piece) {
    checkArgument('text', 'piece', piece, checks.text)
    checkPieceBytes('text', piece.length)
    if (/\p{Surrogate}/u.test(piece)) {
      throw new SenseError('bad-piece', 'text: got half of a surrogate pair; expected well-formed text.')
    }
    const bytes = new TextEncoder().encode(piece)
    checkPieceBytes('text', bytes.length)
    return inTime(bytes, [], 1)
  },
  decode(sized) {
    const { bytes } = checkSized('text', sized, 0)
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    } catch (cause) {
      throw new SenseError('bad-piece', 'text: got bytes that are not UTF-8; expected text.', { cause })
    }
  },
}
