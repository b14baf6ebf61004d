/**
 * `@burgeon/autograd/testing`: checks for gradient rules and gradient transforms, for use in any test runner.
 */
export { checkGradient, type GradientCheck, type GradientCheckOptions } from './check-gradient.ts'
export { checkGradientTransform, type TransformExpectation } from './check-gradient-transform.ts'
