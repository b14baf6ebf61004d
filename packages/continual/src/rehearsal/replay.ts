/** Experience replay: old rows from a memory are learnt again beside the new ones. */
import { checkOptions, checks } from '@burgeon/tensor'
import { aBatch, type Batch } from '../stream/batch.ts'
import type { Origin } from '../stream/origin.ts'
import { aMemory, type Memory } from './memory/memory.ts'
import { reservoirMemory } from './memory/reservoir-memory.ts'
import type { Rehearsal } from './rehearsal.ts'
import { aRetrieval, type Retrieval } from './retrieval/retrieval.ts'
import { uniform } from './retrieval/uniform.ts'
import { KeptRows } from './storage/kept-rows.ts'
import { aCapacity, type Capacity, describe } from './storage/row-store.ts'

/** Which rows are kept, which of them are learnt again, and how many. */
export interface ReplayOptions {
  /**
   * Rows kept, ≥ 1, or the bytes that they may take, ≥ 1. Tokens are packed, so a row of bytes takes one byte
   * per token and one more. A row that alone takes more than there is room for is left out.
   */
  readonly capacity: Capacity
  /** Which rows stay. Default `reservoirMemory()`. It belongs to this replay alone. */
  readonly memory?: Memory
  /** Which of them are learnt again. Default `uniform()`. */
  readonly retrieval?: Retrieval
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

/** A rehearsal that keeps rows. */
export interface Replay extends Rehearsal {
  /** Rows in memory. */
  readonly rows: number
  /** Bytes that they take, packed. */
  readonly bytes: number
  mark(): () => void
  recode(encoded: (row: Int32Array) => Int32Array): void
  forget(isMeant: (origin: Origin) => boolean): number
}

/**
 * Keeps rows of the stream as a memory decides, and mixes those that a retrieval chooses into every batch.
 *
 * @throws OptionError for a capacity below 1, a share that is not positive, or what plays no role.
 * @example
 * ```ts
 * const rehearsal = replay({ capacity: { bytes: 64_000 }, memory: balancedMemory() })
 * ```
 */
export function replay(options: ReplayOptions): Replay {
  checkOptions('replay', options, {
    capacity: checks.required(aCapacity),
    memory: aMemory,
    retrieval: aRetrieval,
    share: checks.number({ above: 0 }),
    seed: checks.seed,
    first: aBatch,
  })
  const { capacity, memory = reservoirMemory(), retrieval = uniform(), share = 1, seed = 0, first } = options
  const kept = new KeptRows({ capacity, memory, share, seed })
  if (first) kept.offer(first, [], 0)
  return {
    name: nameOf(capacity, share, memory, retrieval),
    get rows() {
      return kept.store.rows.length
    },
    get bytes() {
      return kept.store.bytes
    },
    get room() {
      return typeof capacity === 'number'
        ? { used: kept.store.rows.length, most: capacity }
        : { used: kept.store.bytes, most: capacity.bytes }
    },
    recall(context) {
      const wanted = kept.due(context.fresh.rows, context.shareFactor)
      if (wanted === 0) return kept.recall([])
      const { store, draw } = kept
      const candidates = {
        size: store.rows.length,
        draw,
        drawPlaces: (count: number) => kept.places(count, context.domainFactors),
        batchOf: (places: readonly number[]) => store.batchOf(places),
      }
      const places = retrieval.choose(wanted, candidates, context)
      return places instanceof Promise ? places.then((some) => kept.recall(some)) : kept.recall(places)
    },
    mark: () => kept.mark(),
    remember({ fresh, rowLosses, oldLosses, step }) {
      kept.learnt(oldLosses, step)
      kept.offer(fresh, rowLosses, step)
    },
    sample: (rows) => kept.sample(rows),
    recode: (encoded) => kept.recode(encoded),
    forget: (isMeant) => kept.forget(isMeant),
    toState: () => kept.toState(),
    restore: (state) => kept.restore(state),
  }
}

/** The parts that are as they are by default are not named. */
function nameOf(capacity: Capacity, share: number, memory: Memory, retrieval: Retrieval): string {
  const parts = [memory.name, retrieval.name].filter((name) => name !== 'reservoir' && name !== 'uniform')
  return [`replay ${describe(capacity)}, share ${share}`, ...parts].join(', ')
}
