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
  | 'bad-table'
  | 'source-failed'

/**
 * A stream that cannot be built or read. The message is one line: what came, what was expected, what to do.
 */
export class StreamError extends BurgeonError {
  override readonly name = 'StreamError'
  readonly code: StreamErrorCode
  /** Line of a table where it went wrong, from 1. */
  readonly line: number | undefined

  constructor(code: StreamErrorCode, message: string, options?: ErrorOptions & { readonly line?: number }) {
    super(message, options)
    this.code = code
    this.line = options?.line
  }
}
