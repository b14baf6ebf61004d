/** Probes chosen by a hash, so that what is held back is the same in every life. */
import {
  checkOptions,
  checks,
  checkState,
  foldIn,
  keyFromSeed,
  RandomStream,
  type StateChecks,
} from '@burgeon/tensor'
import { balancedMemory } from '../rehearsal/memory/balanced-memory.ts'
import { KeptRows } from '../rehearsal/storage/kept-rows.ts'
import { count, entriesOf, requireSameOptions, stateOfKind } from '../saved-state.ts'
import { type Batch, isTokenBatch } from '../stream/batch.ts'
import { cyclicChecksum } from '../stream/cyclic-checksum.ts'
import { isTokenRow, type Row, withoutPadding } from '../stream/row.ts'
import type { MeanBits, Probes } from './probes.ts'
import type { ProbeLosses } from '../journal/probe-losses.ts'

/** How much is held back, and how often it is measured. */
export interface HeldBackOptions {
  /** Share of the experiences that is held back, above 0 and below 1. Default 0.02. */
  readonly share?: number
  /** Rows kept, of each domain a uniform sample, ≥ 1. Default 256. */
  readonly capacity?: number
  /** Steps from one measurement to the next, ≥ 1. Default 100. */
  readonly every?: number
  /** Rows of each domain that are measured, ≥ 1: those kept first, so mostly the same. Default 32. */
  readonly rows?: number
  /**
   * Most operations that measuring in steps may take, as a share of those of learning, above 0: a prediction
   * that is learnt counts three times, one that is measured once. A measurement that is due waits until it is
   * paid for. Default 0.03.
   */
  readonly costShare?: number
  /** Another seed holds other experiences back. Default 0. */
  readonly seed?: number
}

interface State {
  readonly kind: 'held back'
  readonly share: number
  readonly seed: number
  readonly rows: unknown
  /** The lowest mean of each domain, in bits. */
  readonly best: readonly (readonly [string, number])[]
  /** Steps since the last measurement. */
  readonly waited: number
  /** Predictions that may be measured for what has been learnt, less those that were. */
  readonly allowance: number
}

type Checked = Pick<State, 'best' | 'waited' | 'allowance'>

const stateChecks: StateChecks<Checked> = {
  best: entriesOf('a list of domains, each with its lowest loss', checks.number({ from: 0 })),
  waited: count,
  allowance: checks.number(),
}

/** A prediction that is learnt costs a forward pass, and twice as much on the way back. */
const passesOfLearning = 3
/** A guess among all bytes costs so much: what lies above it was never known, as of noise. */
const bitsOfAByte = 8
const checksumOf = cyclicChecksum(0xedb88320)

/**
 * Holds back a share of what comes: each experience whose number in its journal (`Origin.id`), hashed, falls
 * below the share, and of rows without an origin those whose numbers do. What is held back is predicted and
 * on record like any other row, but never learnt, never remembered, and kept here for measuring.
 *
 * @throws OptionError for options outside their ranges.
 * @example
 * ```ts
 * const strategy = { rehearsal: reservoirReplay({ capacity: 500 }), probes: heldBack({ share: 0.05 }) }
 * ```
 */
export function heldBack(options: HeldBackOptions = {}): Probes {
  const positive = checks.integer({ from: 1 })
  checkOptions('heldBack', options, {
    share: checks.number({ above: 0, below: 1 }),
    capacity: positive,
    every: positive,
    rows: positive,
    costShare: checks.number({ above: 0 }),
    seed: checks.seed,
  })
  const { share = 0.02, capacity = 256, every = 100, rows = 32, costShare = 0.03, seed = 0 } = options
  const { key } = new RandomStream(keyFromSeed(seed)).named('held back').toState()
  const kept = new KeptRows({ capacity, memory: balancedMemory(), share: 1, seed })
  let best = new Map<string, number>()
  let [waited, allowance] = [0, 0]

  const measured = async (meanBits: MeanBits): Promise<ProbeLosses> => {
    const found: Record<string, ProbeLosses[string]> = {}
    for (const [domain, places] of placesOf(kept, rows)) {
      const batch = kept.store.batchOf(places)
      const bits = await meanBits(batch)
      const known = (loss: number): number => (isTokenBatch(batch) ? Math.min(loss, bitsOfAByte) : loss)
      const forgotten = Math.max(0, known(bits) - known(best.get(domain) ?? bits))
      found[domain] = { rows: places.length, bits, forgotten }
    }
    return found
  }
  return {
    name: `held back ${share} of what comes, ${capacity} rows`,
    get rows() {
      return kept.store.rows.length
    },
    isHeldBack: (row) => foldIn(key, numberOf(row))[0] / 2 ** 32 < share,
    keep(held, step) {
      kept.offer(held, [], step)
    },
    measure: measured,
    async afterStep(tokens, meanBits) {
      waited++
      allowance += costShare * passesOfLearning * tokens
      if (waited < every || kept.store.rows.length === 0) return null
      const cost = costOf(kept, rows)
      if (cost > allowance) return null
      const found = await measured(meanBits)
      // What was not needed while nothing was due is not saved up for later.
      allowance = Math.min(allowance - cost, cost)
      waited = 0
      for (const [domain, { bits }] of Object.entries(found)) {
        best.set(domain, Math.min(bits, best.get(domain) ?? bits))
      }
      return found
    },
    recode: (encoded) => kept.recode(encoded),
    forget: (isMeant) => kept.forget(isMeant),
    toState: (): State => ({
      ...{ kind: 'held back', share, seed, rows: kept.toState(), best: [...best], waited, allowance },
    }),
    restore(state) {
      const saved = stateOfKind<State>(state, 'held back')
      requireSameOptions('held back', { share, seed }, saved)
      const own = checkState<Checked>('held back', saved, stateChecks)
      // The last that can fail.
      kept.restore(saved.rows)
      best = new Map(own.best)
      waited = own.waited
      allowance = own.allowance
    },
  }
}

/** The first kept rows of each domain, by place. */
function placesOf({ store }: KeptRows, most: number): Map<string, number[]> {
  const found = new Map<string, number[]>()
  store.rows.forEach(({ domain }, place) => {
    const places = found.get(domain) ?? []
    if (places.length < most) places.push(place)
    found.set(domain, places)
  })
  return found
}

/** Predictions that a measurement makes, padding included. */
function costOf(kept: KeptRows, most: number): number {
  return [...placesOf(kept, most).values()].reduce((total, places) => {
    const batch: Batch = kept.store.batchOf(places)
    return total + batch.rows * ('length' in batch ? batch.length : 1)
  }, 0)
}

/** The number by which a row is chosen. */
function numberOf(row: Row): number {
  if (row.origin !== null) return row.origin.id
  const bare = withoutPadding(row)
  const numbers = isTokenRow(bare) ? [bare.tokens] : [bare.inputs, bare.targets]
  return numbers.reduce(
    (total, { buffer, byteOffset, byteLength }) =>
      (total * 31 + checksumOf(new Uint8Array(buffer, byteOffset, byteLength))) % 2 ** 32,
    0,
  )
}
