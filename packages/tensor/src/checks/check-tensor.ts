/** Looks at a tensor where it comes in. Costs an `instanceof`, for ops are called very often. */
import { OptionError } from '../errors.ts'
import { Tensor } from '../tensor.ts'
import { shown } from './check-options.ts'

/** Throws OptionError for what is no tensor. */
export function checkTensor(op: string, name: string, value: unknown): asserts value is Tensor {
  if (value instanceof Tensor) return
  throw new OptionError(`${op}: got ${name} ${shown(value)}; expected a tensor. Make one with tensor(…).`)
}
