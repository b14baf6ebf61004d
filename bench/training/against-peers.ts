/**
 * One whole training step of the same GPT, ours and the peers' in turn: forward, backward, clipping, AdamW.
 */
import type { Device } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { atLeast, atMost, type BenchmarkCheck, type BenchmarkRow } from '../benchmark.ts'
import { median, type Peer, type Trainer, type TrainingCase } from '../peers/peer.ts'
import { initialWeights, ourTrainer } from './our-trainer.ts'
import { baby, tiny } from './sizes.ts'

/** Steps that are compared before anything is timed, and how far losses may lie apart. */
const [checkedSteps, tolerance] = [3, 1e-3]
const rounds = 3
/** A peer gets this long for a size; then it has to make do with the steps it has. */
const maxMilliseconds = 40_000

/**
 * How many times as fast ours must be, as `openWasm()` comes; and than PyTorch without V8's revectorisation.
 */
const bounds: Record<string, { javascript: number; torch?: number; torchPlain?: number }> = {
  tiny: { javascript: 3, torch: 1 },
  baby: { javascript: 3, torch: 0.9, torchPlain: 0.6 },
  'GPT-2 small': { javascript: 3 },
}

interface Entrant {
  readonly name: string
  readonly kind: 'ours' | 'JavaScript' | 'native'
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
  const entrants: Entrant[] = []
  const enter = async (name: string, kind: Entrant['kind'], trainer: Trainer): Promise<Entrant> => {
    const start = performance.now()
    const { losses } = await trainer.run(0, checkedSteps)
    const entrant = { name, kind, trainer, losses, times: [], spent: performance.now() - start }
    entrants.push(entrant)
    note(`${sizes.name}: ${name} starts with losses ${losses.map((loss) => loss.toFixed(4)).join(', ')}`)
    return entrant
  }
  const ours = await enter('burgeon', 'ours', ourTrainer(sizes, device))
  const plain = await enter(
    'burgeon, not revectorised',
    'ours',
    ourTrainer(sizes, openWasm({ revectorize: false })),
  )
  const weights = await initialWeights(sizes, device)
  const failed: BenchmarkRow[] = []
  for (const peer of peers) {
    const kind = peer.isJavaScript ? 'JavaScript' : 'native'
    // A library may not have the memory for a model; then it is no peer in that size.
    try {
      await enter(peer.name, kind, await peer.trainer(sizes, weights))
    } catch (error) {
      const [why] = String(error).split('\n')
      note(`${sizes.name}: ${peer.name} fails: ${why}`)
      failed.push({
        case: `training step, ${sizes.name}, ${peer.name}`,
        metric: 'fails',
        value: 0,
        unit: `(${why})`,
      })
    }
  }
  const others = entrants.filter(({ kind }) => kind !== 'ours')
  const checks = [
    atMost(
      `${sizes.name}: losses that revectorisation changes`,
      ours.losses.filter((loss, i) => loss !== plain.losses[i]).length,
      0,
    ),
    ...others.map(({ name, losses }) => {
      const apart = Math.max(...losses.map((loss, i) => Math.abs(loss - ours.losses[i])))
      return atMost(`${sizes.name}: losses of ${name} and ours lie apart by`, apart, tolerance)
    }),
  ]
  for (let round = 0; round < rounds; round++) {
    for (const entrant of entrants) await measure(entrant, round, sizes)
  }
  for (const { trainer } of entrants) await trainer.dispose()
  const rows = [ours, plain].flatMap((own) => rowsOf(sizes, own, others))
  for (const { case: about, value, peer, peerValue } of rows) {
    note(`${about}: ${value.toFixed(1)} ms${peer ? `, ${peer} ${peerValue?.toFixed(1)} ms` : ''}`)
  }
  return { rows: [...rows, ...failed], checks: [...checks, ...speedChecks(sizes, ours, plain, others)] }
}

/** One of ours against each of the others. */
function rowsOf(sizes: TrainingCase, { name, times }: Entrant, others: readonly Entrant[]): BenchmarkRow[] {
  const value = median(times)
  const about = {
    ...{ case: `training step, ${sizes.name}${name.replace('burgeon', '')}`, metric: 'median' },
    ...{ value, unit: 'ms' },
  }
  if (others.length === 0) return [about]
  return others.map((peer) => {
    const peerValue = median(peer.times)
    return { ...about, peer: peer.name, peerValue, ratio: peerValue / value }
  })
}

function speedChecks(
  sizes: TrainingCase,
  ours: Entrant,
  plain: Entrant,
  others: readonly Entrant[],
): BenchmarkCheck[] {
  const { javascript, torch, torchPlain } = bounds[sizes.name]
  const checks: BenchmarkCheck[] = []
  const against = (what: string, own: Entrant, kind: Entrant['kind'], bound: number | undefined): void => {
    const times = others.filter((other) => other.kind === kind).map((other) => median(other.times))
    if (times.length === 0 || bound === undefined) return
    checks.push(
      atLeast(`${sizes.name}: times as fast as ${what}`, Math.min(...times) / median(own.times), bound),
    )
  }
  against('the best in JavaScript', ours, 'JavaScript', javascript)
  against('PyTorch', ours, 'native', torch)
  against('PyTorch, not revectorised', plain, 'native', torchPlain)
  return checks
}

/** Steps of a round: many of a small model, one of a large one, none of a peer whose time is up. */
async function measure(entrant: Entrant, round: number, sizes: TrainingCase): Promise<void> {
  if (entrant.times.length > 0 && entrant.spent > maxMilliseconds) return
  const count = sizes === tiny ? (entrant.times.some((time) => time > 500) ? 1 : 20) : sizes === baby ? 2 : 1
  const { milliseconds } = await entrant.trainer.run(checkedSteps + round * 20, count)
  entrant.times.push(...milliseconds)
  entrant.spent += milliseconds.reduce((a, b) => a + b, 0)
}
