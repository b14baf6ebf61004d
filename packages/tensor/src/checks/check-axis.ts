/** Checks an axis where it comes in. */
import { normalizeAxes } from '../shape.ts'
import { checkArgument } from './check-options.ts'
import * as checks from './checks.ts'

/**
 * Returns the axis counted from the left. Throws OptionError unless it is an integer, ShapeError for an axis
 * that a tensor of that rank does not have.
 */
export function checkAxis(op: string, axis: number, rank: number): number {
  checkArgument(op, 'axis', axis, checks.integer())
  return normalizeAxes(op, [axis], rank)[0]
}
