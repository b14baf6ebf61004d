/**
 * A short program with every kind of matrix product of a training step: it tells whether two ways of
 * compiling them agree.
 */
import type { Device } from '../device.ts'
import { runOp } from '../engine.ts'
import { multiply, subtract } from '../ops/elementwise/arithmetic.ts'
import { linear } from '../ops/linear/linear.ts'
import { matmul } from '../ops/matmul/matmul.ts'
import { randomUniform } from '../ops/random/random.ts'
import { openScope } from '../scope.ts'
import type { Tensor } from '../tensor.ts'

/** Runs the program, with ragged sizes, and returns the bytes of its results. */
export function selfTest(device: Device): Uint8Array[] {
  using _ = openScope()
  let seed = 0
  const noise = (...shape: number[]): Tensor =>
    subtract(multiply(randomUniform(device, [7, seed++], shape), 4), 2)
  const products = [false, true].flatMap((transposeA) =>
    [false, true].flatMap((transposeB) =>
      [1, 7, 67].map((m) => {
        const [a, b] = [
          transposeA ? noise(300, m) : noise(m, 300),
          transposeB ? noise(43, 300) : noise(300, 43),
        ]
        return matmul(a, b, { transposeA, transposeB })
      }),
    ),
  )
  const [q, k, v] = [noise(2, 67, 2, 9), noise(2, 67, 1, 9), noise(2, 67, 1, 9)]
  const attrs = { scale: 1 / 3, causal: true, keys: 67 }
  const [o, lse] = runOp('attention', [q, k, v], attrs)
  const results = [
    ...products,
    matmul(noise(3, 5, 7), noise(7, 33)),
    linear(noise(50, 19), noise(19, 30), noise(30)),
    ...[o, lse],
    ...runOp('attentionGrad', [noise(2, 67, 2, 9), q, k, v, o, lse], attrs),
  ]
  return results.map((result) => {
    const { buffer, byteOffset, byteLength } = result.readSync()
    return new Uint8Array(buffer, byteOffset, byteLength)
  })
}
