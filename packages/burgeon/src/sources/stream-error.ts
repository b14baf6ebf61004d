import { BurgeonError } from '@burgeon/tensor'

/** Code of an error of a stream of text, for programs; the message is for people. */
export type StreamErrorCode =
  | 'no-lock-file'
  | 'not-installed'
  | 'too-little-text'
  | 'missing-path'
  | 'unreadable'
  | 'no-text-file'
  | 'not-text'
  | 'empty-input'
  | 'source-changed'

/**
 * A stream that cannot be built or read. The message is one line: what came, what was expected, what to do.
 */
export class StreamError extends BurgeonError {
  override readonly name = 'StreamError'
  readonly code: StreamErrorCode

  constructor(code: StreamErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
