/** The typed errors of differentiation. */
import { BurgeonError } from '@burgeon/tensor'

/** A gradient was asked for where none exists. */
export class NotDifferentiableError extends BurgeonError {
  override readonly name = 'NotDifferentiableError'
}
