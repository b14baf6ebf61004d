import { BurgeonError } from '@burgeon/tensor'

/** The stages of a model do not fit together, or one of them failed, is gone, or is not where the others are. */
export class ShardError extends BurgeonError {
  override readonly name = 'ShardError'
}
