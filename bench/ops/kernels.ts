/**
 * The ops of a training step besides matrix products: each op checked against the reference, then timed on
 * one thread.
 */
import {
  add,
  crossEntropy,
  type Device,
  gelu,
  layerNorm,
  openScope,
  scopeAsync,
  runOp,
  type Tensor,
  tensorFrom,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { largestDifference } from '@burgeon/tensor/testing'
import { atMost, type BenchmarkCheck, type BenchmarkRow } from '../benchmark.ts'
import { inTurn, median, medianOf, type Peer, timesAsFast } from '../peers/peer.ts'

type Noise = (...shape: number[]) => Tensor

interface KernelCase {
  readonly name: string
  /** Makes the operands; what it returns runs the op on them. */
  readonly prepare: (noise: Noise, device: Device) => () => Tensor
  /** Bytes that the op must read and write at least. */
  readonly bytes: number
}

const [rows, columns] = [768, 512]
const count = rows * columns

const kernels: readonly KernelCase[] = [
  {
    name: `add [${rows}, ${columns}]`,
    bytes: 12 * count,
    prepare: (noise) => {
      const [a, b] = [noise(rows, columns), noise(rows, columns)]
      return () => add(a, b)
    },
  },
  {
    name: `gelu [${rows}, ${columns}]`,
    bytes: 8 * count,
    prepare: (noise) => {
      const a = noise(rows, columns)
      return () => gelu(a)
    },
  },
  {
    name: `layerNorm [${rows}, ${columns}]`,
    bytes: 8 * count,
    prepare: (noise) => {
      const [x, gain, bias] = [noise(rows, columns), noise(columns), noise(columns)]
      return () => layerNorm(x, gain, bias)
    },
  },
  {
    name: `crossEntropy [${rows}, ${columns}]`,
    bytes: 4 * count,
    prepare: (noise, device) => {
      const logits = noise(rows, columns)
      const ids = Array.from({ length: rows }, (_, i) => (i * 31) % columns)
      const targets = device.tensor(ids, { shape: [rows], dtype: 'i32' })
      return () => crossEntropy(logits, targets)
    },
  },
]

/** Milliseconds and bytes per second of each. */
export async function otherOps(device: Device): Promise<{ rows: BenchmarkRow[]; checks: BenchmarkCheck[] }> {
  const all: BenchmarkRow[] = []
  const checks: BenchmarkCheck[] = []
  for (const { name, bytes, prepare } of kernels) {
    const milliseconds = await scopeAsync((part) => {
      const [ours, expected] = [device, openReference()].map((on) => part(() => prepare(noiseOn(on), on)))
      const difference = part(() => largestDifference(ours().readSync(), expected().readSync()))
      checks.push(atMost(`${name}: difference from the reference`, difference, 1e-5))
      return medianOf(() => {
        using _step = openScope()
        ours()
      })
    })
    all.push({ case: name, metric: 'median', value: milliseconds, unit: 'ms' })
    all.push({ case: name, metric: 'traffic', value: bytes / milliseconds / 1e6, unit: 'GB/s' })
  }
  return { rows: all, checks }
}

/** Causal attention forward, [batch, tokens, heads, head width], beside the peers. */
export async function attentionOps(
  device: Device,
  peers: readonly Peer[],
): Promise<{ rows: BenchmarkRow[]; checks: BenchmarkCheck[] }> {
  const all: BenchmarkRow[] = []
  const checks: BenchmarkCheck[] = []
  const attend = (on: Device, [b, t, h, d]: readonly number[]) => {
    const noise = noiseOn(on)
    const inputs = [noise(b, t, h, d), noise(b, t, h, d), noise(b, t, h, d)]
    return () => runOp('attention', inputs, { scale: 1 / Math.sqrt(d), causal: true, keys: t })[0]
  }
  {
    using _ = openScope()
    const small = [2, 67, 2, 32]
    const [ours, expected] = [device, openReference()].map((on) => attend(on, small)().readSync())
    checks.push(atMost('attention: difference from the reference', largestDifference(ours, expected), 1e-5))
  }
  for (const shape of [[12, 64, 4, 32] as const, [8, 256, 6, 64] as const]) {
    const [own, ...theirs] = await scopeAsync((part) => {
      const ours = part(() => attend(device, shape))
      return inTurn([
        {
          name: 'burgeon',
          measure: () =>
            medianOf(() => {
              using _step = openScope()
              ours().readSync()
            }),
        },
        ...peers.map(({ name, attention }) => ({
          name,
          measure: () => attention?.(shape) ?? Promise.resolve(Number.NaN),
        })),
      ])
    })
    const value = median(own.times)
    const about = { case: `attention [${shape.join(', ')}]`, metric: 'median', unit: 'ms', value }
    for (const peer of theirs) {
      const ratio = timesAsFast(own, peer)
      all.push({ ...about, peer: peer.name, peerValue: median(peer.times), ratio })
    }
    if (peers.length === 0) all.push(about)
  }
  return { rows: all, checks }
}

function noiseOn(device: Device): Noise {
  let seed = 0
  return (...shape) => {
    const phase = ++seed
    return tensorFrom(shape, (i) => Math.fround(2 * Math.sin(i * 0.7 + phase + (i % 89))), device)
  }
}
