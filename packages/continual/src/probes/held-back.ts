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
import { isTokenBatch, predictionsOf } from '../stream/batch.ts'
import { cyclicChecksum } from '../stream/cyclic-checksum.ts'
import { isTokenRow, type Row, withoutPadding } from '../stream/row.ts'
import type { MeasureRows, Probes } from './probes.ts'
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
  /**
   * What is held back or not as a whole. `experience`: all rows of one, by its number. `place`: each row, by
   * the number and by where it begins in its stream (`Origin.at`), as long files want it, of which one number
   * stands for all. Default `experience`.
   */
  readonly by?: 'experience' | 'place'
  /** Another seed holds other experiences back. Default 0. */
  readonly seed?: number
}

interface State {
  readonly kind: 'held back'
  readonly share: number
  readonly seed: number
  readonly by?: 'place'
  readonly rows: unknown
  /** By how much the loss of each domain has risen since it was lowest, in bits per byte. */
  readonly risen: readonly (readonly [domain: string, bits: number])[]
  /** The rows that were measured last, each by its place in the stream, and their losses in bits per byte. */
  readonly latest: Float64Array
  /** Steps since the last measurement. */
  readonly waited: number
  /** Predictions that may be measured for what has been learnt, less those that were. */
  readonly allowance: number
}

type Checked = Pick<State, 'risen' | 'latest' | 'waited' | 'allowance'>

const stateChecks: StateChecks<Checked> = {
  risen: entriesOf('a list of domains, each with what it has risen', checks.number({ from: 0 })),
  latest: {
    expected: 'the numbers and losses of rows, in turn',
    accepts: (value): value is Float64Array =>
      value instanceof Float64Array && value.length % 2 === 0 && value.every(Number.isFinite),
  },
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
    by: checks.oneOf('experience', 'place'),
    seed: checks.seed,
  })
  const { share = 0.02, capacity = 256, every = 100, rows = 32, costShare = 0.03, seed = 0 } = options
  // Versions before there was a choice saved none.
  const byPlace = options.by === 'place' ? { by: options.by } : {}
  const { key } = new RandomStream(keyFromSeed(seed)).named('held back').toState()
  const kept = new KeptRows({ capacity, memory: balancedMemory(), share: 1, seed })
  let risen = new Map<string, number>()
  /** Bits per byte of the rows that were measured last, each by its order in the stream. */
  let latest = new Map<number, number>()
  let [waited, allowance] = [0, 0]

  const measured = async (measureRows: MeasureRows): Promise<Measured> => {
    const found: Record<string, ProbeLosses[string]> = {}
    const now = new Map<number, number>()
    for (const [domain, places] of placesOf(kept, rows)) {
      const batch = kept.store.batchOf(places)
      const highest = isTokenBatch(batch) ? bitsOfAByte : Infinity
      const [all, again, then] = [new MeanBits(), new MeanBits(), new MeanBits()]
      const rowBits: number[] = []
      for (const [i, row] of (await measureRows(batch)).entries()) {
        const { order } = kept.store.rows[places[i]]
        const loss = row.bits / row.bytes
        all.add(loss, row.bytes)
        rowBits.push(loss)
        const before = latest.get(order)
        now.set(order, loss)
        if (before === undefined) continue
        again.add(loss, row.bytes)
        then.add(before, row.bytes)
      }
      const change = Math.min(highest, again.mean) - Math.min(highest, then.mean)
      const forgotten = Math.max(0, (risen.get(domain) ?? 0) + change)
      found[domain] = { rows: places.length, bits: all.mean, forgotten, rowBits }
    }
    return { found, now }
  }
  return {
    name: `held back ${share} of what comes, ${capacity} rows`,
    get rows() {
      return kept.store.rows.length
    },
    isHeldBack(row) {
      const own = foldIn(key, numberOf(row))
      const at = options.by === 'place' ? row.origin?.at : undefined
      return (at === undefined ? own : foldIn(own, at))[0] / 2 ** 32 < share
    },
    keep(held, step) {
      kept.offer(held, [], step)
    },
    measure: async (measureRows) => (await measured(measureRows)).found,
    async afterStep(tokens, measureRows) {
      waited++
      allowance += costShare * passesOfLearning * tokens
      if (waited < every || kept.store.rows.length === 0) return null
      const cost = costOf(kept, rows)
      if (cost > allowance) return null
      const { found, now } = await measured(measureRows)
      // What was not needed while nothing was due is not saved up for later.
      allowance = Math.min(allowance - cost, cost)
      waited = 0
      latest = now
      risen = new Map(Object.entries(found).map(([domain, { forgotten }]) => [domain, forgotten]))
      return Object.fromEntries(
        Object.entries(found).map(([domain, { rowBits: _, ...loss }]) => [domain, loss]),
      )
    },
    recode: (encoded) => kept.recode(encoded),
    forget: (isMeant) => kept.forget(isMeant),
    toState: (): State => ({
      ...{ kind: 'held back', share, seed, ...byPlace, rows: kept.toState(), waited, allowance },
      ...{ risen: [...risen], latest: Float64Array.from([...latest].flat()) },
    }),
    restore(state) {
      const saved = stateOfKind<State>(state, 'held back')
      requireSameOptions('held back', { share, seed, by: byPlace.by }, saved)
      const own = checkState<Checked>('held back', saved, stateChecks)
      // The last that can fail.
      kept.restore(saved.rows)
      risen = new Map(own.risen)
      latest = new Map(
        Array.from({ length: own.latest.length / 2 }, (_, i) => [own.latest[2 * i], own.latest[2 * i + 1]]),
      )
      waited = own.waited
      allowance = own.allowance
    },
  }
}

/** A mean over rows, each counted by its bytes; 0 over none. */
class MeanBits {
  #bits = 0
  #bytes = 0

  add(bitsPerByte: number, bytes: number): void {
    this.#bits += bitsPerByte * bytes
    this.#bytes += bytes
  }

  get mean(): number {
    return this.#bytes === 0 ? 0 : this.#bits / this.#bytes
  }
}

/** A measurement, and the losses of its rows by their order in the stream. */
interface Measured {
  readonly found: ProbeLosses
  readonly now: Map<number, number>
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
  return [...placesOf(kept, most).values()].reduce(
    (total, places) => total + predictionsOf(kept.store.batchOf(places)),
    0,
  )
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
