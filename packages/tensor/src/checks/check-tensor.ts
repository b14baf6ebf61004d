/** Checks a tensor where it comes in. The cost is one `instanceof`, because ops are called very often. */
import { OptionError } from '../errors.ts'
import { Tensor } from '../tensor.ts'
import { shown } from './check-options.ts'

/** Throws OptionError unless `value` is a tensor. */
export function checkTensor(op: string, name: string, value: unknown): asserts value is Tensor {
  if (value instanceof Tensor) return
  throw new OptionError(`${op}: got ${name} ${shown(value)}; expected a tensor. Make one with tensor(…).`)
}
