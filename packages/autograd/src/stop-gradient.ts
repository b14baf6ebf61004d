import { checkArgument, checks, runOp, type Tensor } from '@burgeon/tensor'

/** The same numbers, seen by every tape as a constant. */
export function stopGradient(x: Tensor): Tensor {
  checkArgument('stopGradient', 'x', x, checks.tensor)
  return runOp('reshape', [x], { shape: x.shape, stopsGradient: true })[0]
}
