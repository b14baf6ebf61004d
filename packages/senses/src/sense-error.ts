import { BurgeonError } from '@burgeon/tensor'

/** Code of an error of a piece, for programs; the message is for people. */
export type SenseErrorCode =
  /** The piece is no picture, sound, series or text that the codec or reader knows. */
  | 'bad-piece'
  /** It ends before it is whole. */
  | 'truncated'
  /** It is larger than the limits allow. */
  | 'too-large'
  /** It is valid, and of a form that is not read here. */
  | 'unsupported'
  /** The file cannot be read at all. */
  | 'unreadable'

/**
 * A piece that cannot be encoded, decoded or read. The message is one line: which piece or file, what came,
 * what was expected.
 */
export class SenseError extends BurgeonError {
  override readonly name = 'SenseError'
  readonly code: SenseErrorCode

  constructor(code: SenseErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
