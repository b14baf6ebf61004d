import { checkArgument, checks, runOp, type Tensor } from '@burgeon/tensor'

/** Returns the same numbers, which every tape takes for a constant. */
export function stopGradient(x: Tensor): Tensor {
  checkArgument('stopGradient', 'x', x, checks.tensor)
  return runOp('reshape', [x], { shape: x.shape, stopsGradient: true })[0]
}
