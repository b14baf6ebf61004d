/** Experience replay from a reservoir: every row ever seen has the same chance to be in memory (Vitter 1985). */
import { keyFromSeed, OptionError, type RandomState, RandomStream } from '@burgeon/tensor'
import { type Batch, batchOfRows, rowOf } from '../stream/batch.ts'
import type { Rehearsal } from './rehearsal.ts'
import { Reservoir } from './reservoir.ts'

/** How much is remembered, and how much of it is learnt again. */
export interface ReservoirReplayOptions {
  /** Rows kept, ≥ 1. */
  readonly capacity: number
  /** Old rows learnt per new row, > 0; 1 unless given. */
  readonly share?: number
  /** 0 unless given. */
  readonly seed?: number
}

interface State {
  readonly reservoir: unknown
  readonly random: RandomState
  readonly length: number
  /** All kept rows one after another. */
  readonly tokens: Int32Array
  readonly domains: readonly string[]
}

/**
 * Keeps a uniform sample of the rows seen so far and mixes some of them into every batch.
 *
 * @throws OptionError for a capacity below 1 or a share that is not positive.
 */
export function reservoirReplay(options: ReservoirReplayOptions): Rehearsal {
  const { capacity, share = 1, seed = 0 } = options
  if (!(share > 0)) throw new OptionError(`reservoirReplay: got share ${share}; expected a positive number.`)
  let reservoir = new Reservoir(capacity)
  let random = new RandomStream(keyFromSeed(seed)).named('replay')
  const rows: Int32Array[] = []
  const domains: string[] = []
  const below = (limit: number): number => random.below(limit)

  const sample = (count: number): Batch | null => {
    if (rows.length === 0) return null
    const chosen = reservoir.sample(Math.min(count, rows.length), below)
    return batchOfRows(
      chosen.map((slot) => rows[slot]),
      chosen.map((slot) => domains[slot]),
      rows[0].length - 1,
    )
  }
  return {
    name: `replay ${capacity} rows, share ${share}`,
    recall: (fresh) => sample(Math.max(1, Math.round(fresh.rows * share))),
    remember(fresh) {
      for (let i = 0; i < fresh.rows; i++) {
        const slot = reservoir.offer(below)
        if (slot === null) continue
        rows[slot] = rowOf(fresh, i)
        domains[slot] = fresh.domains[i]
      }
    },
    sample,
    recode(encoded) {
      rows.forEach((row, i) => (rows[i] = encoded(row)))
    },
    toState(): State {
      const length = rows[0]?.length ?? 0
      const tokens = new Int32Array(rows.length * length)
      rows.forEach((row, i) => tokens.set(row, i * length))
      return {
        reservoir: reservoir.toState(),
        random: random.toState(),
        length,
        tokens,
        domains: [...domains],
      }
    },
    restore(state: unknown) {
      const saved = state as State
      reservoir = Reservoir.fromState(saved.reservoir)
      random = RandomStream.fromState(saved.random)
      rows.length = 0
      domains.length = 0
      for (const [i, domain] of saved.domains.entries()) {
        rows.push(saved.tokens.slice(i * saved.length, (i + 1) * saved.length))
        domains.push(domain)
      }
    },
  }
}
