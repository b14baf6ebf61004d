/** `npm run bench -- ops`: single operations on one thread, beside the peers that are installed. */
import { openWasm } from '@burgeon/tensor/wasm'
import type { Benchmark, BenchmarkRow } from '../benchmark.ts'
import { openEagerJax } from '../peers/jax.ts'
import { openPeers } from '../peers/open-peers.ts'
import { attentionOps, otherOps } from './kernels.ts'
import { products } from './products.ts'

export const ops: Benchmark = async ({ quick, note }) => {
  const device = openWasm({ threads: 1 })
  const plain = openWasm({ threads: 1, revectorize: false })
  const { peers, missing } = await openPeers({ oneThread: true })
  const eagerJax = await openEagerJax()
  const parts = [
    await products({ device, plain, peers, ...(eagerJax && { eagerJax }) }, quick, note),
    await attentionOps(device, peers),
    await otherOps(device),
  ]
  for (const peer of peers) await peer.close()
  const peaks = (
    [
      ['peak of the micro-kernel', device],
      ['peak of the micro-kernel, not revectorised', plain],
    ] as const
  ).map(([name, { peakFlops = Number.NaN }]): BenchmarkRow => {
    return { case: name, metric: 'speed', value: peakFlops / 1e9, unit: 'GFLOP/s' }
  })
  return {
    rows: [...peaks, ...parts.flatMap(({ rows }) => rows), ...missing],
    checks: parts.flatMap(({ checks }) => checks),
  }
}
