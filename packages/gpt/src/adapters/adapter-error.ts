import { BurgeonError } from '@burgeon/tensor'

/** An adapter does not fit its model, or what is asked of it. The message names the block, map or tensor. */
export class AdapterError extends BurgeonError {
  override readonly name = 'AdapterError'
}
