import { checkArgument, checks, run, type Tensor } from '@burgeon/tensor'

/** The same numbers, seen by every tape as a constant. */
export function stopGradient(x: Tensor): Tensor {
  checkArgument('stopGradient', 'x', x, checks.tensor)
  return run('reshape', [x], { shape: x.shape, stopsGradient: true })[0]
}
