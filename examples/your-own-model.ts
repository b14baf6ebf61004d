/** A model of your own in a learner: an object of four members. Run with `node --conditions=@burgeon/source examples/your-own-model.ts`. */
import { Learner, reservoirReplay, sgd, tensor } from 'burgeon'
import type { Model } from 'burgeon/continual'
import {
  keyFromSeed,
  matmul,
  multiply,
  ParameterStore,
  plainTensors,
  RandomStream,
  scope,
  square,
  subtract,
  sum,
} from 'burgeon/tensor'

/** Tells classes apart by how near a row is to a learnt point of each. */
function nearestPoint(features: number, classes: number): Model {
  const parameters = new ParameterStore()
  const random = new RandomStream(keyFromSeed(1))
  const numbers = Float32Array.from({ length: features * classes }, () => random.normal())
  scope(() => parameters.add('points', ['input', 'output'], tensor(numbers, { shape: [features, classes] })))
  return {
    device: parameters.get('points').tensor.device,
    parameters,
    // −‖x − p‖² = 2·x·p − ‖p‖², but for ‖x‖², which is the same for every class: logits, [rows, classes].
    forward: (x, { points } = parameters.tensors()) =>
      subtract(multiply(matmul(x, points), 2), sum(square(points), { axes: [0] })),
    toState: () => plainTensors(parameters.tensors()),
  }
}

const model = nearestPoint(2, 2)
const strategy = { rehearsal: reservoirReplay({ capacity: 50 }) }
const learner = new Learner({ model, optimizer: sgd(0.05), strategy })
const random = new RandomStream(keyFromSeed(2))
for (let step = 1; step <= 200; step++) {
  const targets = Float32Array.from({ length: 8 }, () => random.below(2))
  const inputs = Float32Array.from({ length: 16 }, (_, i) => random.normal() + 3 * targets[i >> 1])
  const domains = new Array<string>(8).fill('two clouds')
  const { loss } = await learner.observe({ rows: 8, inputs, targets, domains })
  if (step % 50 === 0) console.log(`step ${step}: a loss of ${loss.toFixed(2)} on what is new`)
}
