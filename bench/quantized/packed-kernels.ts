/** Times of products with packed weights beside single floats, at the shapes of GPT-2 small. */
import {
  matmul,
  packedMatmul,
  type PackedMatmulOptions,
  packedWords,
  packRows,
  packWeights,
  scope,
  type Tensor,
} from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import type { BenchmarkRow } from '../benchmark.ts'

const kinds: readonly (readonly [string, PackedMatmulOptions])[] = [
  ['bf16', { format: 'bf16' }],
  ['f16', { format: 'f16' }],
  ['int8', { format: 'int8' }],
  ['int8, activations int8', { format: 'int8', activations: 'int8' }],
  ['int8, activations int7', { format: 'int8', activations: 'int7' }],
  ['int4', { format: 'int4' }],
  ['int4, activations int8', { format: 'int4', activations: 'int8' }],
]

/** Rows of x, and the matrix. */
const products = [
  { name: 'head 50,257×768', N: 50257, K: 768 },
  { name: 'MLP 3072×768', N: 3072, K: 768 },
  { name: 'MLP 768×3072', N: 768, K: 3072 },
] as const

/** Fastest times on one thread, and the ratio to single floats of the same run. */
export function timePackedKernels(rounds: number): BenchmarkRow[] {
  const device = openWasm({ threads: 1 })
  const rows: BenchmarkRow[] = []
  for (const { name, N, K } of products) {
    const numbers = Float32Array.from({ length: N * K }, (_, i) => Math.sin(i * 0.7) * 0.05)
    const weights = device.tensor(numbers, { shape: [N, K], dtype: 'f32' })
    for (const M of [1, 8]) {
      const x = device.tensor(
        Float32Array.from({ length: M * K }, (_, i) => Math.cos(i)),
        { shape: [M, K], dtype: 'f32' },
      )
      const whole = fastest(rounds, () => matmul(x, weights, { transposeB: true }))
      for (const [kind, options] of kinds) {
        const packed = packedOf(weights, numbers, options)
        const own = fastest(rounds, () => packedMatmul(x, packed, options))
        packed.dispose()
        rows.push({
          ...{
            case: `${name}, ${M} ${M === 1 ? 'row' : 'rows'}`,
            metric: `time in ${kind}`,
            value: own,
            unit: 'ms',
          },
          ...{ peer: 'our f32', peerValue: whole, ratio: whole / own },
        })
      }
      x.dispose()
    }
    weights.dispose()
  }
  return rows
}

function packedOf(weights: Tensor, numbers: Float32Array, { format }: PackedMatmulOptions): Tensor {
  if (format !== 'int4') return packRows(weights, format)
  const [rows, width] = weights.shape
  const words = packWeights(numbers, { format, rows, width })
  return weights.device.tensor(words, { shape: [rows, packedWords({ format }, width)], dtype: 'i32' })
}

function fastest(rounds: number, run: () => Tensor): number {
  let least = Infinity
  for (let i = 0; i < rounds + 3; i++) {
    const before = performance.now()
    scope(() => void run())
    if (i >= 3) least = Math.min(least, performance.now() - before)
  }
  return least
}
