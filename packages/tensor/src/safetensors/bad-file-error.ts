import { BurgeonError } from '../errors.ts'

/** A file is not what its format says; the message names the field, what came and what was expected. */
export class BadFileError extends BurgeonError {
  override readonly name = 'BadFileError'
}
