/** Opens the peers that are there, and says how to get the others. */
import type { BenchmarkRow } from '../benchmark.ts'
import { openJax } from './jax.ts'
import type { Peer } from './peer.ts'
import { openTfjs } from './tfjs.ts'
import { openTorch } from './torch.ts'

const known: readonly {
  name: string
  open: (options: { oneThread?: boolean }) => Promise<Peer | undefined>
  install: string
}[] = [
  { name: 'TensorFlow.js', open: openTfjs, install: 'npm ci --prefix bench/peers' },
  { name: 'jax-js', open: openJax, install: 'npm ci --prefix bench/peers' },
  { name: 'PyTorch', open: openTorch, install: 'apt-get install python3-torch libopenblas0-pthread' },
]

/** The peers, and a row for each that is missing. In Node those in JavaScript have one thread in any case. */
export async function openPeers(
  options: { oneThread?: boolean } = {},
): Promise<{ peers: Peer[]; missing: BenchmarkRow[] }> {
  const peers: Peer[] = []
  const missing: BenchmarkRow[] = []
  for (const { name, open, install } of known) {
    const peer = await open(options)
    if (peer !== undefined) peers.push(peer)
    else missing.push({ case: name, metric: 'not installed', value: 0, unit: `(${install})` })
  }
  return { peers, missing }
}
