/** `@burgeon/autograd/testing`: checks for gradient rules, for use in any test runner. */
export { checkGradient, type GradientCheck, type GradientCheckOptions } from './check-gradient.ts'
