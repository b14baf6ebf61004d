import { BurgeonError } from '@burgeon/tensor'

/** The command was given something it cannot work with; the message is one line for the user. */
export class UsageError extends BurgeonError {
  override readonly name = 'UsageError'
}
