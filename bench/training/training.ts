/** `npm run bench -- training`: steps against the peers, how cost grows, and what must stay the same. */
import { openWasm } from '@burgeon/tensor/wasm'
import type { Benchmark, BenchmarkCheck, BenchmarkRow } from '../benchmark.ts'
import { openPeers } from '../peers/open-peers.ts'
import { againstPeers } from './against-peers.ts'
import { costOfGeneration, costOfGrowth, memoryChecks, threadChecks } from './cost.ts'
import { baby, gpt2Small, tiny } from './sizes.ts'

export const training: Benchmark = async ({ quick, note }) => {
  const device = openWasm()
  const rows: BenchmarkRow[] = []
  const checks: BenchmarkCheck[] = []
  const { peers, missing } = await openPeers()
  for (const sizes of quick ? [tiny] : [tiny, baby, gpt2Small]) {
    const result = await againstPeers(sizes, device, peers, note)
    rows.push(...result.rows)
    checks.push(...result.checks)
  }
  rows.push(...missing)
  for (const peer of peers) await peer.close()
  note('how the cost grows')
  if (!quick) rows.push(...(await costOfGrowth(device)))
  rows.push(...(await costOfGeneration(device, quick ? [tiny] : [tiny, baby, gpt2Small])))
  checks.push(...(await threadChecks()), ...(await memoryChecks(device, quick ? 1000 : 10_000)))
  return { rows, checks }
}
