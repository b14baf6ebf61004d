import { BurgeonError } from '@burgeon/tensor'

/** Weights that were announced cannot be had, or are not those that were announced. What there is stays as it is. */
export class WeightsError extends BurgeonError {
  override readonly name = 'WeightsError'
}
