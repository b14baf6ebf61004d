/** A short program that meets the kernels of a training step, for telling whether two ways of compiling them agree. */
import type { Device } from './device.ts'
import { run } from './engine.ts'
import { adamwUpdate } from './ops/adamw/adamw.ts'
import {
  cos,
  erf,
  exp,
  gelu,
  log,
  multiply,
  sin,
  square,
  subtract,
  sigmoid,
  tanh,
} from './ops/elementwise/arithmetic.ts'
import { globalNorm } from './ops/global-norm/global-norm.ts'
import { linear } from './ops/linear/linear.ts'
import { matmul } from './ops/matmul/matmul.ts'
import { randomUniform } from './ops/random/random.ts'
import { sum } from './ops/reduce/reduce.ts'
import { rmsNorm } from './ops/rms-norm/rms-norm.ts'
import { openScope } from './scope.ts'
import type { Tensor } from './tensor.ts'

/** Runs the program, with ragged sizes, and answers the bytes of its results. */
export function selfTest(device: Device): Uint8Array[] {
  using _ = openScope()
  let seed = 0
  const noise = (...shape: number[]): Tensor =>
    subtract(multiply(randomUniform(device, [7, seed++], shape), 4), 2)
  const [rows, columns] = [61, 37]
  const [x, gain, bias] = [noise(rows, columns), noise(columns), noise(columns)]
  const [q, k, v] = [noise(2, 67, 2, 9), noise(2, 67, 1, 9), noise(2, 67, 1, 9)]
  const [o, lse] = run('attention', [q, k, v], { scale: 1 / 3, causal: true, keys: 67 })
  const targets = device.tensor(
    Array.from({ length: rows }, (_row, i) => (i % 9 === 0 ? -1 : i % columns)),
    { shape: [rows], dtype: 'i32' },
  )
  const normal = run('layerNorm', [x, gain, bias], { epsilon: 1e-5 })
  const losses = run('crossEntropy', [x, targets], {})
  const moments = [noise(rows, columns), square(noise(rows, columns))]
  const step = { learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1, step: 3 }
  const results = [
    matmul(noise(67, 300), noise(300, 43)),
    matmul(noise(300, 67), noise(43, 300), { transposeA: true, transposeB: true }),
    matmul(noise(3, 5, 7), noise(7, 33)),
    linear(noise(50, 19), noise(19, 30), noise(30)),
    ...[exp, sigmoid, tanh, erf, sin, cos, gelu].map((f) => f(x)),
    log(square(x)),
    sum(x),
    sum(x, { axes: [0] }),
    sum(x, { axes: [1] }),
    ...normal,
    ...run('layerNormGrad', [noise(rows, columns), x, gain, normal[1], normal[2]], {}),
    rmsNorm(x, gain),
    ...[o, lse],
    ...run('attentionGrad', [noise(2, 67, 2, 9), q, k, v, o, lse], { scale: 1 / 3, causal: true, keys: 67 }),
    ...losses,
    ...run('crossEntropyGrad', [noise(rows), x, targets, losses[1]], {}),
    globalNorm([x, gain]),
    adamwUpdate(x, noise(rows, columns), moments[0], moments[1], step),
    ...moments,
  ]
  return results.map((result) => {
    const { buffer, byteOffset, byteLength } = result.readSync()
    return new Uint8Array(buffer, byteOffset, byteLength)
  })
}
