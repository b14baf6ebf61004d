import { checkArgument, checks, checkState } from '@burgeon/tensor'
import { count, stateOfKind } from '../../saved-state.ts'

/** A uniformly random whole number in 0 … exclusiveMax − 1. */
export type Draw = (exclusiveMax: number) => number

export interface ReservoirState {
  readonly kind: 'reservoir'
  readonly capacity: number
  readonly seen: number
}

/**
 * Which of the items of a stream to keep so that each of those seen so far is kept with the same chance
 * (Vitter 1985, algorithm R). Only the bookkeeping: it hands out slots 0 … capacity − 1, the caller keeps the
 * items.
 *
 * @example
 * const reservoir = new Reservoir(100)
 * const slot = reservoir.offer((max) => random.below(max))
 * if (slot !== null) kept[slot] = item
 */
export class Reservoir {
  readonly capacity: number
  #seen: number = 0

  constructor(capacity: number) {
    checkArgument('Reservoir', 'capacity', capacity, checks.integer({ from: 1 }))
    this.capacity = capacity
  }

  /**
   * Items offered so far, kept or not. The chances depend on it, so a resumed run must go on with the same
   * number.
   */
  get seen(): number {
    return this.#seen
  }

  /** Slots in use. */
  get size(): number {
    return Math.min(this.#seen, this.capacity)
  }

  /**
   * The slot that the next item goes to, in use or not; null if the item is not kept. Draws once the slots
   * are full.
   */
  offer(draw: Draw): number | null {
    checkArgument('Reservoir: offer', 'draw', draw, checks.callback())
    // The item itself is one of the seen + 1 that share the slots; without it, late items would be kept too
    // often.
    const slot = this.#seen < this.capacity ? this.#seen : drawn(draw, this.#seen + 1)
    this.#seen++
    return slot < this.capacity ? slot : null
  }

  /**
   * Different slots in use, each set and each order with the same chance.
   *
   * @param count In 0 … size.
   */
  sample(count: number, draw: Draw): number[] {
    const { size } = this
    checkArgument('Reservoir: sample', 'count', count, checks.integer({ from: 0, to: size }))
    checkArgument('Reservoir: sample', 'draw', draw, checks.callback())
    return drawPlaces(count, size, draw)
  }

  toState(): ReservoirState {
    return { kind: 'reservoir', capacity: this.capacity, seen: this.#seen }
  }

  /** Takes a state that `toState` gave. Throws a `StateError` if it is another's or damaged. */
  static fromState(state: unknown): Reservoir {
    const saved = stateOfKind<ReservoirState>(state, 'reservoir')
    checkState<ReservoirState>('reservoir', saved, {
      kind: checks.oneOf('reservoir'),
      capacity: checks.integer({ from: 1 }),
      seen: count,
    })
    const reservoir = new Reservoir(saved.capacity)
    reservoir.#seen = saved.seen
    return reservoir
  }
}

/** Different places of 0 … size − 1, each set and each order with the same chance. */
export function drawPlaces(count: number, size: number, draw: Draw): number[] {
  // The first steps of a Fisher–Yates shuffle, of which only the moved entries are stored.
  const moved = new Map<number, number>()
  return Array.from({ length: count }, (_, i) => {
    const j = i + drawn(draw, size - i)
    const chosen = moved.get(j) ?? j
    moved.set(j, moved.get(i) ?? i)
    return chosen
  })
}

function drawn(draw: Draw, exclusiveMax: number): number {
  const value = draw(exclusiveMax)
  checkArgument('Reservoir', 'draw', value, checks.integer({ from: 0, to: exclusiveMax - 1 }))
  return value
}
