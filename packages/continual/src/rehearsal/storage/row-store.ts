/** The rows that a replay keeps: packed, within a capacity in rows or in bytes. */
import { type Check, checks, checkState, optional, StateError, type StateChecks } from '@burgeon/tensor'
import { count } from '../../saved-state.ts'
import type { Batch } from '../../stream/batch.ts'
import type { Origin } from '../../stream/origin.ts'
import { batchFromRows, isTokenRow, recoded, type Row } from '../../stream/row.ts'
import type { RememberedRow } from '../memory/memory.ts'
import { packRow, predictionsIn, unpackRow } from './packed-row.ts'
import { joinArrays } from '../../stream/join-arrays.ts'
import { originsIn, type SavedOrigins, savedOrigins } from '../../stream/saved-origins.ts'

/** Room for rows: so many of them, or as many as take so many bytes. */
export type Capacity = number | { readonly bytes: number }

/** Any capacity. */
export const aCapacity: Check<Capacity> = checks.either(checks.integer({ from: 1 }), {
  expected: '{ bytes } with a positive integer',
  accepts: (value): value is { bytes: number } =>
    typeof value === 'object' &&
    value !== null &&
    checks.integer({ from: 1 }).accepts((value as { bytes?: unknown }).bytes),
})

/** A row and all that is known of it. */
export interface StoredRow extends RememberedRow {
  /** As `packRow` packs it. */
  readonly packed: Uint8Array
  /** Where the row came from; null where nobody said. */
  readonly origin: Origin | null
  /** What else is kept of it, such as outputs of the model; may be nothing. */
  readonly beside: Uint8Array
}

/** What will be kept beside a row, if the row is. */
export interface Beside {
  /** Bytes that it will take. */
  readonly size: number
  pack(): Uint8Array
}

/** Plain data. All lists are of as many entries as there are rows. */
export interface RowStoreState {
  /** The packed rows one after another. */
  readonly packed: Uint8Array
  /** Bytes of each packed row. */
  readonly sizes: Int32Array
  /** What is kept beside the rows, one after another. */
  readonly beside: Uint8Array
  /** Bytes of what is kept beside each row. */
  readonly besideSizes: Int32Array
  readonly domains: readonly string[]
  readonly orders: Float64Array
  readonly firstLosses: Float64Array
  readonly losses: Float64Array
  readonly learntAt: Float64Array
  /** None in states of rows whose origin nobody said, or of earlier versions. */
  readonly origins?: SavedOrigins
}

const bytes: Check<Uint8Array> = checks.instance('bytes', Uint8Array)
const counts: Check<ArrayLike<number>> = checks.each('a list of counts', count)
const losses: Check<ArrayLike<number>> = checks.each('a list of numbers', checks.number())

const stateChecks: StateChecks<RowStoreState> = {
  packed: bytes,
  sizes: checks.each('a list of sizes', checks.integer({ from: 1 })) as Check<Int32Array>,
  beside: bytes,
  besideSizes: counts as Check<Int32Array>,
  domains: checks.list('a list of names', checks.text),
  orders: counts as Check<Float64Array>,
  firstLosses: losses as Check<Float64Array>,
  losses: losses as Check<Float64Array>,
  learntAt: counts as Check<Float64Array>,
  origins: optional(checks.object<SavedOrigins>('origins of the rows')),
}

/** Whether bytes may be kept beside a row that asks for so many predictions. */
export type FitsBeside = (beside: Uint8Array, predictions: number) => boolean

/** Holds rows at places 0 … size − 1. */
export class RowStore {
  readonly #capacity: Capacity
  #rows: StoredRow[] = []
  #bytes = 0

  constructor(capacity: Capacity) {
    this.#capacity = capacity
  }

  get rows(): readonly StoredRow[] {
    return this.#rows
  }

  /**
   * Bytes that the packed rows and what is beside them take; domain, origin, losses and order do not count.
   */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether the rows are more than there is room for. */
  get isOver(): boolean {
    return !this.#fits(this.#rows.length, this.#bytes)
  }

  /** Whether a row of so many bytes could be kept if there were no other. */
  canHold(size: number): boolean {
    return this.#fits(1, size)
  }

  /** Whether one more row of so many bytes fits. */
  hasRoomFor(size: number): boolean {
    return this.#fits(this.#rows.length + 1, this.#bytes + size)
  }

  #fits(rows: number, size: number): boolean {
    return typeof this.#capacity === 'number' ? rows <= this.#capacity : size <= this.#capacity.bytes
  }

  /** Puts a row at a place: in that of another, or after the last. */
  put(place: number, row: StoredRow): void {
    this.#bytes += sizeOf(row) - (place < this.#rows.length ? sizeOf(this.#rows[place]) : 0)
    this.#rows[place] = row
  }

  /** Lets go of a row; the last one takes its place. */
  drop(place: number): void {
    this.#bytes -= sizeOf(this.#rows[place])
    const last = this.#rows.pop() as StoredRow
    if (place < this.#rows.length) this.#rows[place] = last
  }

  /** Notes how well a row was predicted when it was learnt again. */
  learnt(place: number, loss: number, step: number): void {
    this.#rows[place] = { ...this.#rows[place], loss, learntAt: step }
  }

  /** The rows at some places, one at least; the shorter ones of tokens are padded. */
  batchOf(places: readonly number[]): Batch {
    return batchFromRows(places.map((place) => rowOf(this.#rows[place])))
  }

  /**
   * Puts another row of tokens in the place of each. There may be more than there is room for then. What was
   * beside a row of other tokens was of those, and goes.
   */
  recode(encoded: (row: Int32Array) => Int32Array): void {
    this.#rows = this.#rows.map((row) => {
      const packed = packRow(recoded(rowOf(row), encoded))
      return isSame(packed, row.packed) ? row : { ...row, packed, beside: row.beside.subarray(0, 0) }
    })
    this.#bytes = totalOf(this.#rows)
  }

  toState(): RowStoreState {
    return {
      packed: joinArrays(
        Uint8Array,
        this.#rows.map(({ packed }) => packed),
      ),
      sizes: Int32Array.from(this.#rows, ({ packed }) => packed.length),
      beside: joinArrays(
        Uint8Array,
        this.#rows.map(({ beside }) => beside),
      ),
      besideSizes: Int32Array.from(this.#rows, ({ beside }) => beside.length),
      domains: this.#rows.map(({ domain }) => domain),
      orders: Float64Array.from(this.#rows, ({ order }) => order),
      firstLosses: Float64Array.from(this.#rows, ({ firstLoss }) => firstLoss),
      losses: Float64Array.from(this.#rows, ({ loss }) => loss),
      learntAt: Float64Array.from(this.#rows, ({ learntAt }) => learntAt),
      ...savedOrigins(this.#rows.map(({ origin }) => origin)),
    }
  }

  /** The store that `toState` described. Throws StateError for a state that is damaged or does not fit. */
  static fromState(state: unknown, capacity: Capacity, fitsBeside: FitsBeside): RowStore {
    const saved = checkState<RowStoreState>('replay', state, stateChecks)
    const store = new RowStore(capacity)
    store.#rows = rowsIn(saved, fitsBeside)
    store.#bytes = totalOf(store.#rows)
    if (store.isOver) {
      throw new StateError(
        `replay: the saved state has ${store.#rows.length} rows of ${store.#bytes} bytes; expected no more than ` +
          `${describe(capacity)}. Build it with the saved options; if they are the same, the file is damaged.`,
      )
    }
    return store
  }
}

/** A capacity in words. */
export const describe = (capacity: Capacity): string =>
  typeof capacity === 'number' ? `${capacity} rows` : `${capacity.bytes} bytes`

/** The row itself. */
const rowOf = ({ packed, domain, origin }: StoredRow): Row => unpackRow(packed, domain, origin)

/** Class of a row, where what is to be predicted of it is one whole number; null for others. */
export function classOf(row: Row): number | null {
  if (isTokenRow(row) || row.targets.length !== 1) return null
  const [target] = row.targets
  return Number.isInteger(target) && target >= 0 ? target : null
}

const sizeOf = ({ packed, beside }: StoredRow): number => packed.length + beside.length
const totalOf = (rows: readonly StoredRow[]): number => rows.reduce((total, row) => total + sizeOf(row), 0)
const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])

/** The pieces again. Throws StateError unless their sizes add up to the whole. */
function parted(all: Uint8Array, sizes: ArrayLike<number>): Uint8Array[] {
  const total = Array.from(sizes).reduce((sum, size) => sum + size, 0)
  if (total !== all.length) throw damaged(`${all.length} bytes and sizes that add up to ${total}`)
  let at = 0
  return Array.from(sizes, (size) => all.slice(at, (at += size)))
}

function rowsIn(saved: RowStoreState, fitsBeside: FitsBeside): StoredRow[] {
  const { domains, sizes, besideSizes, orders, firstLosses, losses: lastLosses, learntAt } = saved
  const lists = [domains, sizes, besideSizes, orders, firstLosses, lastLosses, learntAt]
  if (lists.some(({ length }) => length !== domains.length)) {
    throw damaged(`lists of ${lists.map(({ length }) => length).join(', ')} entries`)
  }
  const [packed, beside] = [parted(saved.packed, sizes), parted(saved.beside, besideSizes)]
  const origins = originsIn(saved.origins, domains)
  return domains.map((domain, i) => {
    // What cannot be read is refused now and not when it is rehearsed.
    const row = unpackRow(packed[i], domain)
    if (!fitsBeside(beside[i], predictionsIn(row)))
      throw damaged(`${beside[i].length} strange bytes beside a row`)
    return {
      ...{
        packed: packed[i],
        beside: beside[i],
        domain,
        origin: origins[i],
        label: classOf(row),
        order: orders[i],
      },
      ...{ firstLoss: firstLosses[i], loss: lastLosses[i], learntAt: learntAt[i] },
    }
  })
}

function damaged(what: string): StateError {
  return new StateError(
    `replay: the saved state has ${what}; expected one of each for every row. The file is damaged.`,
  )
}
