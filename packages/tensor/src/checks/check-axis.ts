/** Looks at an axis where it comes in. */
import { normalizeAxes } from '../shape.ts'
import { checkArgument } from './check-options.ts'
import * as checks from './checks.ts'

/** The axis counted from the left. Throws OptionError for what is no integer, ShapeError for one that a tensor of that rank has not. */
export function checkAxis(op: string, axis: number, rank: number): number {
  checkArgument(op, 'axis', axis, checks.integer())
  return normalizeAxes(op, [axis], rank)[0]
}
