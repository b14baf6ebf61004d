/** The typed errors of differentiation. */
import { BurgeonError } from '@burgeon/tensor'

/** A gradient was asked for where there is none. */
export class NotDifferentiableError extends BurgeonError {
  override readonly name = 'NotDifferentiableError'
}
