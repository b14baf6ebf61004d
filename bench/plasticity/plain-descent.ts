/** The learner's steps beside the same steps in plain numbers. */
import { sgd } from '@burgeon/autograd/optim'
import { Learner, regressor } from '@burgeon/continual'
import { openWasm } from '@burgeon/tensor/wasm'
import { fastBits, slowBits, slowRegression } from './slow-regression.ts'

/** The largest difference between losses of a learner and of gradient descent in double precision. */
export async function differenceFromPlain(rate: number, units: number, steps: number): Promise<number> {
  const inputs = slowBits + fastBits
  const device = openWasm({ threads: 1 })
  const model = regressor({ inputs, hidden: [units], outputs: 1, initial: 'he', device })
  const learner = new Learner({ model, optimizer: sgd(rate) })
  const numbers = async (path: string): Promise<number[]> => [
    ...(await model.parameters.get(path).tensor.read()),
  ]
  const [incoming, bias] = [await numbers('layers.0.weight'), await numbers('layers.0.bias')]
  const [outgoing, [start]] = [await numbers('layers.1.weight'), await numbers('layers.1.bias')]
  let last = start
  let largest = 0
  const stream = slowRegression(0, 100)
  for (let step = 0; step < steps; step++) {
    const { value: batch } = stream.next()
    const { loss } = await learner.observe(batch)
    const hidden = bias.map((own, unit) =>
      Math.max(
        0,
        batch.inputs.reduce((sum: number, x, i) => sum + x * incoming[i * units + unit], own),
      ),
    )
    const error = hidden.reduce((sum, h, unit) => sum + h * outgoing[unit], last) - batch.targets[0]
    largest = Math.max(largest, Math.abs(error * error - loss))
    hidden.forEach((h, unit) => {
      const change = h > 0 ? 2 * rate * error * outgoing[unit] : 0
      batch.inputs.forEach((x, i) => (incoming[i * units + unit] -= change * x))
      bias[unit] -= change
      outgoing[unit] -= 2 * rate * error * h
    })
    last -= 2 * rate * error
  }
  learner.dispose()
  model.dispose()
  return largest
}
