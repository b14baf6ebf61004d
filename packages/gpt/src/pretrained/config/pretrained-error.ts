import { BurgeonError } from '@burgeon/tensor'

/**
 * A folder of pretrained weights, or a model that is to become one, is not what it should be. The message
 * names file, key or tensor.
 */
export class PretrainedError extends BurgeonError {
  override readonly name = 'PretrainedError'
}
