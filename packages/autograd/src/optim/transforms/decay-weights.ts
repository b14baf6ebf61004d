import { checkArgument, checks, elementwise, expression } from '@burgeon/tensor'
import { type GradientTransform, stateless } from './gradient-transform.ts'

const { add, input, multiply, scalar } = expression
const pulled = add(input(0), multiply(scalar(0), input(1)))

/**
 * Pulls weights to 0: g + rate·w in the place of g. A stage for before `sgd`, where it is both L2
 * regularization and, without momentum, decoupled decay. Optimizers that divide by the size of the gradient
 * (`adamw`, `lion`, `muon`, `adafactor`) have a decay of their own, which is not divided.
 *
 * @param rate ≥ 0; the learning rate of the optimizer multiplies it.
 * @param decays Which parameters decay; all unless given.
 * @throws OptionError for a negative rate.
 */
export function decayWeights(
  rate: number,
  decays: (path: string) => boolean = () => true,
): GradientTransform {
  checkArgument('decayWeights', 'rate', rate, checks.number({ from: 0 }))
  checkArgument('decayWeights', 'decays', decays, checks.callback('a function of a path'))
  return stateless(`decay weights by ${rate}`, (gradients, { parameters }) =>
    Object.fromEntries(
      Object.entries(gradients).map(([path, gradient]) => [
        path,
        decays(path) ? elementwise(pulled, [gradient, parameters[path]], [rate]) : gradient,
      ]),
    ),
  )
}
