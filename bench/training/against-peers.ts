/** One whole training step of the same GPT, ours and the peers' in turn: forward, backward, clipping, AdamW. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Device } from '@burgeon/tensor'
import { atLeast, atMost, type BenchmarkCheck, type BenchmarkRow } from '../benchmark.ts'
import { median, type Peer, type Trainer, type TrainingCase } from '../peers/peer.ts'
import { initialWeights, ourTrainer } from './our-trainer.ts'
import { baby, tiny } from './sizes.ts'

/** Steps that are compared before anything is timed, and how far losses may lie apart. */
const [checkedSteps, tolerance] = [3, 1e-3]
const rounds = 3
/** A peer gets this long for a size; then it has to make do with the steps it has. */
const mostMilliseconds = 40_000

/** How many times faster ours must be: than the best in JavaScript, and than PyTorch, as it is and revectorised. */
const bounds: Record<string, { javascript: number; torch?: number; revectorized?: number }> = {
  tiny: { javascript: 3, torch: 1 },
  baby: { javascript: 3, torch: 0.6, revectorized: 0.9 },
  'GPT-2 small': { javascript: 3 },
}

interface Entrant {
  readonly name: string
  readonly isJavaScript: boolean
  readonly trainer: Trainer
  readonly losses: number[]
  readonly times: number[]
  spent: number
}

/** Measures one size. */
export async function againstPeers(
  sizes: TrainingCase,
  device: Device,
  peers: readonly Peer[],
  note: (line: string) => void,
): Promise<{ rows: BenchmarkRow[]; checks: BenchmarkCheck[] }> {
  const weights = await initialWeights(sizes, device)
  const entrants: Entrant[] = []
  const enter = async (name: string, isJavaScript: boolean, trainer: Trainer): Promise<void> => {
    const start = performance.now()
    const { losses } = await trainer.run(0, checkedSteps)
    entrants.push({ name, isJavaScript, trainer, losses, times: [], spent: performance.now() - start })
    note(`${sizes.name}: ${name} starts with losses ${losses.map((loss) => loss.toFixed(4)).join(', ')}`)
  }
  await enter('burgeon', false, ourTrainer(sizes, device))
  for (const peer of peers) await enter(peer.name, peer.isJavaScript, await peer.trainer(sizes, weights))
  const [ours, ...others] = entrants
  const checks = others.map(({ name, losses }) => {
    const apart = Math.max(...losses.map((loss, i) => Math.abs(loss - ours.losses[i])))
    return atMost(`${sizes.name}: losses of ${name} and ours lie apart by`, apart, tolerance)
  })
  for (let round = 0; round < rounds; round++) {
    for (const entrant of entrants) await measure(entrant, round, sizes)
  }
  for (const { trainer } of entrants) await trainer.dispose()

  const own = median(ours.times)
  const revectorized = revectorizedStep(sizes, ours.losses, checks)
  const about = { case: `training step, ${sizes.name}`, metric: 'median', unit: 'ms' }
  const rows: BenchmarkRow[] = []
  for (const { name, times } of others) {
    const theirs = median(times)
    note(`${sizes.name}: ours ${own.toFixed(1)} ms, ${name} ${theirs.toFixed(1)} ms`)
    rows.push({ ...about, value: own, peer: name, peerValue: theirs, ratio: theirs / own })
  }
  if (others.length === 0) rows.push({ ...about, value: own })
  const torch = others.find(({ isJavaScript }) => !isJavaScript)
  const theirs = torch && median(torch.times)
  rows.push({
    ...{ ...about, case: `${about.case}, revectorised`, value: revectorized },
    ...(torch && theirs && { peer: torch.name, peerValue: theirs, ratio: theirs / revectorized }),
  })
  const bound = bounds[sizes.name]
  const best = Math.min(...others.filter((one) => one.isJavaScript).map(({ times }) => median(times)))
  if (Number.isFinite(best)) {
    checks.push(
      atLeast(`${sizes.name}: times faster than the best in JavaScript`, best / own, bound.javascript),
    )
  }
  if (theirs !== undefined && bound.torch !== undefined) {
    checks.push(atLeast(`${sizes.name}: times as fast as PyTorch`, theirs / own, bound.torch))
  }
  if (theirs !== undefined && bound.revectorized !== undefined) {
    const ratio = theirs / revectorized
    checks.push(atLeast(`${sizes.name}: times as fast as PyTorch, revectorised`, ratio, bound.revectorized))
  }
  return { rows, checks }
}

/** Steps of a round: many of a small model, one of a large one, none of a peer whose time is up. */
async function measure(entrant: Entrant, round: number, sizes: TrainingCase): Promise<void> {
  if (entrant.times.length > 0 && entrant.spent > mostMilliseconds) return
  const count = sizes === tiny ? (entrant.times.some((time) => time > 500) ? 1 : 20) : sizes === baby ? 2 : 1
  const { milliseconds } = await entrant.trainer.run(checkedSteps + round * 20, count)
  entrant.times.push(...milliseconds)
  entrant.spent += milliseconds.reduce((a, b) => a + b, 0)
}

function revectorizedStep(sizes: TrainingCase, losses: readonly number[], checks: BenchmarkCheck[]): number {
  const script = fileURLToPath(new URL('revectorized.ts', import.meta.url))
  const steps = sizes === tiny ? 60 : 6
  const flags = ['--conditions=@burgeon/source', script, sizes.name, String(steps)]
  const output = execFileSync(process.execPath, flags, { encoding: 'utf8' })
  const result = JSON.parse(output) as { losses: number[]; milliseconds: number[] }
  const different = losses.filter((loss, i) => loss !== result.losses[i]).length
  checks.push(atMost(`${sizes.name}: losses that revectorisation changes`, different, 0))
  return median(result.milliseconds.slice(checkedSteps))
}
