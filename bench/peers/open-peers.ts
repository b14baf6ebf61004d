/** Opens the peers that are there, and says how to get the others. */
import type { BenchmarkRow } from '../benchmark.ts'
import { openJax } from './jax.ts'
import type { Peer } from './peer.ts'
import { openTfjs } from './tfjs.ts'
import { openTorchSettings } from './torch.ts'

const known: readonly {
  name: string
  open: (options: { oneThread?: boolean }) => Promise<readonly Peer[]>
  install: string
}[] = [
  { name: 'TensorFlow.js', open: () => oneIf(openTfjs()), install: 'npm ci --prefix bench/peers' },
  { name: 'jax-js', open: () => oneIf(openJax()), install: 'npm ci --prefix bench/peers' },
  {
    name: 'PyTorch',
    open: openTorchSettings,
    install: 'apt-get install python3-torch libopenblas0-pthread libopenblas0-openmp',
  },
]

async function oneIf(opening: Promise<Peer | undefined>): Promise<Peer[]> {
  const peer = await opening
  return peer === undefined ? [] : [peer]
}

/** The peers, and a row for each that is missing. In Node those in JavaScript have one thread in any case. */
export async function openPeers(
  options: { oneThread?: boolean } = {},
): Promise<{ peers: Peer[]; missing: BenchmarkRow[] }> {
  const peers: Peer[] = []
  const missing: BenchmarkRow[] = []
  for (const { name, open, install } of known) {
    const found = await open(options)
    peers.push(...found)
    if (found.length === 0)
      missing.push({ case: name, metric: 'not installed', value: 0, unit: `(${install})` })
  }
  return { peers, missing }
}
