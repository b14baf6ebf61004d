/**
 * Experience replay from a reservoir: every row ever seen has the same chance to be in memory (Vitter 1985).
 */
import {
  checkOptions,
  checks,
  checkState,
  keyFromSeed,
  optional,
  type RandomState,
  RandomStream,
  type StateChecks,
  StateError,
} from '@burgeon/tensor'
import { count, savedTokens } from '../saved-state.ts'
import { aBatch, type Batch, batchOfRows, padding, rowOf, trimmed } from '../stream/batch.ts'
import type { Rehearsal } from './rehearsal.ts'
import { Reservoir } from './reservoir.ts'

/** How much is remembered, and how much of it is learnt again. */
export interface ReservoirReplayOptions {
  /** Rows kept, ≥ 1. */
  readonly capacity: number
  /**
   * Old rows learnt per new row, > 0, over any number of batches: fractions add up until they make a row.
   * Default 1.
   */
  readonly share?: number
  /** 0 unless given. */
  readonly seed?: number
  /** Rows that are in memory before anything was learnt; none unless given. */
  readonly first?: Batch
}

interface State {
  readonly reservoir: unknown
  readonly random: RandomState
  /** Fraction of a row carried over to the next batch. None in a state of an earlier version. */
  readonly owed?: number
  readonly length: number
  /** All kept rows one after another, the shorter ones padded to `length`. */
  readonly tokens: Int32Array
  readonly domains: readonly string[]
}

const stateChecks: StateChecks<State> = {
  reservoir: checks.object('the state of a reservoir'),
  random: checks.object('the state of a random stream'),
  owed: optional(checks.number({ from: 0 })),
  length: count,
  tokens: savedTokens,
  domains: checks.list('a list of names', checks.text),
}

/**
 * Keeps a uniform sample of the rows seen so far and mixes some of them into every batch.
 *
 * @throws OptionError for a capacity below 1 or a share that is not positive.
 */
export function reservoirReplay(options: ReservoirReplayOptions): Rehearsal {
  checkOptions('reservoirReplay', options, {
    capacity: checks.required(checks.integer({ from: 1 })),
    share: checks.number({ above: 0 }),
    seed: checks.seed,
    first: aBatch,
  })
  const { capacity, share = 1, seed = 0, first } = options
  let reservoir = new Reservoir(capacity)
  let random = new RandomStream(keyFromSeed(seed)).named('replay')
  const rows: Int32Array[] = []
  const domains: string[] = []
  const below = (limit: number): number => random.below(limit)
  let owed = 0

  /** How many whole old rows this batch takes; the rest of the share is carried over. */
  const due = (freshRows: number): number => {
    // The allowance is for rounding: ten batches of a tenth make one row.
    const whole = Math.floor(owed + freshRows * share + 1e-9)
    owed = Math.max(0, owed + freshRows * share - whole)
    return whole
  }
  const sample = (count: number): Batch | null => {
    if (rows.length === 0 || count === 0) return null
    const chosen = reservoir.sample(Math.min(count, rows.length), below)
    const own = chosen.map((slot) => rows[slot])
    return batchOfRows(
      own,
      chosen.map((slot) => domains[slot]),
      longest(own) - 1,
    )
  }
  const keep = (batch: Batch): void => {
    for (let i = 0; i < batch.rows; i++) {
      const slot = reservoir.offer(below)
      if (slot === null) continue
      rows[slot] = trimmed(rowOf(batch, i))
      domains[slot] = batch.domains[i]
    }
  }
  if (first) keep(first)
  return {
    name: `replay ${capacity} rows, share ${share}`,
    // Nothing is owed while there is nothing to rehearse.
    recall: ({ fresh }) => (rows.length === 0 ? null : sample(due(fresh.rows))),
    mark() {
      const [randomBefore, owedBefore] = [random.toState(), owed]
      return () => {
        random = RandomStream.fromState(randomBefore)
        owed = owedBefore
      }
    },
    remember: ({ fresh }) => keep(fresh),
    sample,
    recode(encoded) {
      rows.forEach((row, i) => (rows[i] = trimmed(encoded(row))))
    },
    toState(): State {
      const length = longest(rows)
      const tokens = new Int32Array(rows.length * length).fill(padding)
      rows.forEach((row, i) => tokens.set(row, i * length))
      return {
        reservoir: reservoir.toState(),
        random: random.toState(),
        owed,
        length,
        tokens,
        domains: [...domains],
      }
    },
    restore(state: unknown) {
      const saved = checkState<State>('replay', state, stateChecks)
      const [savedReservoir, savedRandom] = [
        Reservoir.fromState(saved.reservoir),
        RandomStream.fromState(saved.random),
      ]
      const slots = savedReservoir.size
      const isWhole = saved.domains.length === slots && saved.tokens.length === slots * saved.length
      if (savedReservoir.capacity !== capacity || !isWhole) {
        throw new StateError(
          `replay: the saved state has ${saved.tokens.length} tokens in rows of ${saved.length}, ${saved.domains.length} domains and ` +
            `${slots} slots of ${savedReservoir.capacity} in use; expected as many rows as slots, and ${capacity} slots. ` +
            'Build it with the saved options; if they are the same, the file is damaged.',
        )
      }
      reservoir = savedReservoir
      random = savedRandom
      owed = saved.owed ?? 0
      rows.length = 0
      domains.length = 0
      const tokens = Int32Array.from(saved.tokens)
      for (const [i, domain] of saved.domains.entries()) {
        rows.push(trimmed(tokens.slice(i * saved.length, (i + 1) * saved.length)))
        domains.push(domain)
      }
    },
  }
}

const longest = (rows: readonly Int32Array[]): number =>
  rows.reduce((most, { length }) => Math.max(most, length), 0)
