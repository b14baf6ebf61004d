/** `@burgeon/autograd`: gradients. The public list, nothing else. */
export { checkpoint } from '@burgeon/tensor'
export { NotDifferentiableError } from './errors.ts'
export { type GradientOf, grad, type TensorTree, type ValueAndGradient, valueAndGrad } from './grad.ts'
export { pullBack, type Recording, recordTape } from './gradients.ts'
export {
  type ExampleOptions,
  sumOfAbsoluteGradients,
  sumOfSquaredGradients,
  type ValueAndMagnitudes,
  type ValueAndSquares,
} from './per-example/sums-over-examples.ts'
export { hvp, jacobian, jvp, type ValueAndProduct, vjp } from './products.ts'
export { stopGradient } from './stop-gradient.ts'
export { Tape } from './tape.ts'
