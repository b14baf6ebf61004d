import { BurgeonError } from '@burgeon/tensor'

/**
 * An adapter does not fit its model, or a folder of one is not what it should be. The message names the
 * block, or file, key and tensor.
 */
export class AdapterError extends BurgeonError {
  override readonly name = 'AdapterError'
}
