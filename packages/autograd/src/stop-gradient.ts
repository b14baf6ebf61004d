import { checkArgument, checks, reshape, type Tensor, withoutEngines } from '@burgeon/tensor'

/** The same numbers, seen by every tape as a constant. */
export function stopGradient(x: Tensor): Tensor {
  checkArgument('stopGradient', 'x', x, checks.tensor)
  return withoutEngines(() => reshape(x, x.shape))
}
