/**
 * Sine curves to be learnt from a few points, and the small network that learns them (Finn et al. 2017,
 * section 5.1).
 */
import type { MetaTask } from 'burgeon/continual'
import {
  add,
  matmul,
  mean,
  type RandomStream,
  relu,
  square,
  subtract,
  tensor,
  type Tensor,
  type TensorsByPath,
} from 'burgeon/tensor'

/** Points that a learner of a curve sees. */
export const shots = 10

const hidden = 40

/**
 * 1-40-40-1 with numbers drawn uniformly up to 1/√(inputs), biases too. Row vectors as biases, so that copies
 * broadcast.
 */
export function sineNet(random: RandomStream): Record<string, Tensor> {
  const drawn = (inputs: number, shape: readonly [number, number]): Tensor => {
    const bound = 1 / Math.sqrt(inputs)
    const numbers = Float32Array.from(
      { length: shape[0] * shape[1] },
      () => bound * (2 * random.uniform() - 1),
    )
    return tensor(numbers, { shape })
  }
  return {
    'in.weight': drawn(1, [1, hidden]),
    'in.bias': drawn(1, [1, hidden]),
    'middle.weight': drawn(hidden, [hidden, hidden]),
    'middle.bias': drawn(hidden, [1, hidden]),
    'out.weight': drawn(hidden, [hidden, 1]),
    'out.bias': drawn(hidden, [1, 1]),
  }
}

/** x `[copies, points, 1]` through a network for each copy. */
function predict(w: TensorsByPath, x: Tensor): Tensor {
  const first = relu(add(matmul(x, w['in.weight']), w['in.bias']))
  const second = relu(add(matmul(first, w['middle.weight']), w['middle.bias']))
  return add(matmul(second, w['out.weight']), w['out.bias'])
}

/**
 * Curves side by side: amplitude·sin(x − phase), amplitude in [0.1, 5], phase in [0, π], x in [−5, 5],
 * without noise. Both losses are mean squared errors.
 */
export function sineTasks(random: RandomStream, copies: number, queryPoints: number): MetaTask {
  const between = (low: number, high: number): number => low + (high - low) * random.uniform()
  const curves = Array.from({ length: copies }, () => [between(0.1, 5), between(0, Math.PI)] as const)
  const errorOn = (points: number): ((w: TensorsByPath) => Tensor) => {
    const x = curves.map(() => Array.from({ length: points }, () => between(-5, 5)))
    const y = curves.map(([amplitude, phase], i) => x[i].map((at) => amplitude * Math.sin(at - phase)))
    const shape = [copies, points, 1]
    const [inputs, targets] = [tensor(x.flat(), { shape }), tensor(y.flat(), { shape })]
    return (w) => mean(square(subtract(predict(w, inputs), targets)), { axes: [1, 2] })
  }
  return { support: errorOn(shots), query: errorOn(queryPoints), copies }
}
