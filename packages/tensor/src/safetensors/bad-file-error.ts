import { BurgeonError } from '../errors.ts'

/**
 * A file does not follow its format; the message names the field, the value it has and the value expected.
 */
export class BadFileError extends BurgeonError {
  override readonly name = 'BadFileError'
}
