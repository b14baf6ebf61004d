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
import { aBatch, type Batch } from '../stream/batch.ts'
import {
  batchFromRows,
  recoded,
  type Row,
  rowsFromState,
  rowsIn,
  type SavedRows,
  savedRows,
  withoutPadding,
} from '../stream/row.ts'
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

interface Draws {
  readonly reservoir: unknown
  readonly random: RandomState
  /** Fraction of a row carried over to the next batch. None in a state of an earlier version. */
  readonly owed?: number
}

type State = Draws & SavedRows

const stateChecks: StateChecks<Draws> = {
  reservoir: checks.object('the state of a reservoir'),
  random: checks.object('the state of a random stream'),
  owed: optional(checks.number({ from: 0 })),
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
  let rows: Row[] = []
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
    return batchFromRows(chosen.map((slot) => rows[slot]))
  }
  const keep = (batch: Batch): void => {
    for (const row of rowsIn(batch)) {
      const slot = reservoir.offer(below)
      if (slot !== null) rows[slot] = row
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
      rows = rows.map((row) => withoutPadding(recoded(row, encoded)))
    },
    toState: (): State => ({
      reservoir: reservoir.toState(),
      random: random.toState(),
      owed,
      ...savedRows(rows),
    }),
    restore(state: unknown) {
      const saved = checkState<Draws>('replay', state, stateChecks)
      const [savedReservoir, savedRandom] = [
        Reservoir.fromState(saved.reservoir),
        RandomStream.fromState(saved.random),
      ]
      const { size, capacity: slots } = savedReservoir
      const kept = rowsFromState('replay', state, size)
      if (slots !== capacity) {
        throw new StateError(
          `replay: the saved state has ${size} rows in ${slots} slots; expected as many rows as slots, and ${capacity} slots. ` +
            'Build it with the saved options; if they are the same, the file is damaged.',
        )
      }
      reservoir = savedReservoir
      random = savedRandom
      owed = saved.owed ?? 0
      rows = kept.map(withoutPadding)
    },
  }
}
