/** The rows of a memory, and how many of them are due: what all rehearsals that keep rows are made of. */
import {
  checkArgument,
  checks,
  checkState,
  keyFromSeed,
  type RandomState,
  RandomStream,
  type StateChecks,
} from '@burgeon/tensor'
import { count, requireSameOptions, stateOfKind } from '../../saved-state.ts'
import type { Batch } from '../../stream/batch.ts'
import { type DomainFactors, factorOf } from '../../stream/domain-factors.ts'
import type { Origin } from '../../stream/origin.ts'
import { rowAt } from '../../stream/row.ts'
import { drawPlacesByWeight } from '../memory/draw-by-weight.ts'
import type { Memory, MemoryView } from '../memory/memory.ts'
import { type Draw, drawPlaces } from '../memory/reservoir.ts'
import { inPresentForm } from './first-form.ts'
import { packRow } from './packed-row.ts'
import {
  type Beside,
  type Capacity,
  classOf,
  describe,
  type FitsBeside,
  RowStore,
  type RowStoreState,
} from './row-store.ts'

/** Plain data. */
export interface KeptRowsState extends RowStoreState {
  readonly kind: 'replay'
  readonly capacity: string
  readonly memory: unknown
  readonly random: RandomState
  /** Fraction of a row carried over to the next batch. */
  readonly owed: number
  /** Rows of the stream so far. */
  readonly seen: number
}

type Checked = Pick<KeptRowsState, 'random' | 'owed' | 'seen'>

const stateChecks: StateChecks<Checked> = {
  random: checks.object('the state of a random stream'),
  owed: checks.number({ from: 0 }),
  seen: count,
}

/** What keeping rows takes. */
export interface KeptRowsOptions {
  readonly capacity: Capacity
  readonly memory: Memory
  /** Old rows due per new row. */
  readonly share: number
  readonly seed: number
  /** Nothing fits unless given. */
  readonly fitsBeside?: FitsBeside
}

/** Rows that a memory chose, packed, with a random stream and what is owed of the share. */
export class KeptRows {
  readonly #options: KeptRowsOptions
  #store: RowStore
  #random: RandomStream
  #owed = 0
  #seen = 0
  /** Places of the rows that are learnt in the step at hand. */
  #recalled: readonly number[] = []

  constructor(options: KeptRowsOptions) {
    this.#options = options
    this.#store = new RowStore(options.capacity)
    this.#random = new RandomStream(keyFromSeed(options.seed)).named('replay')
  }

  get store(): RowStore {
    return this.#store
  }

  readonly draw: Draw = (limit) => this.#random.below(limit)

  /**
   * How many whole rows come with a batch; the rest of the share is carried over. No more than there are, and
   * nothing is owed while there is nothing to rehearse.
   *
   * @param factor Of the share.
   */
  due(freshRows: number, factor: number = 1): number {
    const { length: size } = this.#store.rows
    if (size === 0) return 0
    const owed = this.#owed + freshRows * this.#options.share * factor
    // The allowance is for rounding: ten batches of a tenth make one row.
    const whole = Math.floor(owed + 1e-9)
    this.#owed = Math.max(0, owed - whole)
    return Math.min(whole, size)
  }

  /**
   * Different places, each row with the same chance times the factor of its domain.
   *
   * @param count No more than there are rows. Fewer come where too few have a factor above 0.
   * @param domains 1 for each that is not named.
   */
  places(count: number, domains?: DomainFactors): number[] {
    const { rows } = this.#store
    const factors = domains === undefined ? [] : rows.map(({ domain }) => factorOf(domains, domain))
    const areAlike = factors.every((factor) => factor > 0 && factor === factors[0])
    return areAlike
      ? drawPlaces(count, rows.length, this.draw)
      : drawPlacesByWeight(count, factors, this.draw)
  }

  /** Takes note of the rows that are learnt now, and returns them; null for none. */
  recall(places: readonly number[]): Batch | null {
    this.#recalled = places
    return places.length === 0 ? null : this.#store.batchOf(places)
  }

  /** Returns what undoes every draw since. */
  mark(): () => void {
    const [random, owed] = [this.#random.toState(), this.#owed]
    return () => {
      this.#random = RandomStream.fromState(random)
      this.#owed = owed
    }
  }

  /** Notes the losses of the rows that were recalled last, where they were measured. */
  learnt(losses: readonly number[] | null, step: number): void {
    if (losses !== null) this.#recalled.forEach((place, i) => this.#store.learnt(place, losses[i], step))
    this.#recalled = []
  }

  /**
   * Offers the rows of a batch to the memory.
   *
   * @param losses Of each row; 0 where there is none.
   * @param besideOf What is kept beside a row; nothing unless given.
   */
  offer(batch: Batch, losses: readonly number[], step: number, besideOf?: (row: number) => Beside): void {
    const { memory, capacity } = this.#options
    for (let i = 0; i < batch.rows; i++) {
      const own = rowAt(batch, i)
      // What is left out need not be packed where rows are counted, and not bytes.
      const measured = typeof capacity === 'number' ? null : packRow(own)
      const order = this.#seen++
      const beside = besideOf?.(i)
      const size = (measured?.length ?? 0) + (beside?.size ?? 0)
      if (!this.#store.canHold(size)) continue
      const loss = losses[i] ?? 0
      const { domain, origin } = own
      const row = { domain, label: classOf(own), order, firstLoss: loss, loss, learntAt: step }
      const place = memory.offer(row, this.#view(step, !this.#store.hasRoomFor(size)))
      if (place === null) continue
      const { length } = this.#store.rows
      const packed = measured ?? packRow(own)
      const kept = { ...row, packed, origin, beside: beside?.pack() ?? nothing }
      this.#store.put(placeOf(memory, place, length), kept)
      this.#keepWithin(step)
    }
  }

  /** Some rows, drawn evenly. */
  sample(rows: number): Batch | null {
    const { length: size } = this.#store.rows
    const wanted = Math.min(rows, size)
    return wanted === 0 ? null : this.#store.batchOf(drawPlaces(wanted, size, this.draw))
  }

  /** Puts another row of tokens in the place of each, and lets go of what there is no room for then. */
  recode(encoded: (row: Int32Array) => Int32Array): void {
    this.#store.recode(encoded)
    this.#keepWithin(this.#store.rows.reduce((latest, { learntAt }) => Math.max(latest, learntAt), 0))
  }

  /** Lets go of the rows of some origins, and returns how many they were. */
  forget(isMeant: (origin: Origin) => boolean): number {
    const { rows } = this.#store
    const places = [...rows.keys()].filter((place) => {
      const { origin } = rows[place]
      return origin !== null && isMeant(origin)
    })
    // The last row takes the place of one that goes.
    for (const place of places.toReversed()) this.#store.drop(place)
    return places.length
  }

  toState(): KeptRowsState {
    const { capacity, memory } = this.#options
    return {
      kind: 'replay',
      capacity: describe(capacity),
      memory: memory.toState(),
      random: this.#random.toState(),
      owed: this.#owed,
      seen: this.#seen,
      ...this.#store.toState(),
    }
  }

  /** Takes a state that `toState` gave, also one of 0.1. Throws StateError for others, and is unchanged. */
  restore(state: unknown): void {
    const { capacity, memory, fitsBeside = isNothing } = this.#options
    const saved = stateOfKind<KeptRowsState>(inPresentForm(state), 'replay')
    requireSameOptions('replay', { capacity: describe(capacity) }, saved)
    const { random, owed, seen } = checkState<Checked>('replay', saved, stateChecks)
    const store = RowStore.fromState(saved, capacity, fitsBeside)
    const stream = RandomStream.fromState(random)
    // The last that can fail, so that nothing is changed where anything does.
    memory.restore(saved.memory)
    this.#store = store
    this.#random = stream
    this.#owed = owed
    this.#seen = seen
    this.#recalled = []
  }

  #view(step: number, isFull: boolean): MemoryView {
    return { rows: this.#store.rows, isFull, step, draw: this.draw }
  }

  #keepWithin(step: number): void {
    const { memory } = this.#options
    while (this.#store.isOver) {
      this.#store.drop(placeOf(memory, memory.evict(this.#view(step, true)), this.#store.rows.length - 1))
    }
  }
}

const nothing = new Uint8Array(0)
const isNothing: FitsBeside = ({ length }) => length === 0

/** A place that a memory chose. Throws OptionError for one that there is not. */
function placeOf({ name }: Memory, place: number, last: number): number {
  checkArgument(`replay: the memory "${name}"`, 'place', place, checks.integer({ from: 0, to: last }))
  return place
}
