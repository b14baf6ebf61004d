/** Random numbers one after another, as plain state: a key and how many were drawn. */
import { checkArgument, shown } from '../checks/check-options.ts'
import { checkState, type StateChecks } from '../checks/check-state.ts'
import * as checks from '../checks/checks.ts'
import { OptionError } from '../errors.ts'
import { bits, foldIn, type RandomKey, threefry2x32 } from './threefry.ts'

/** The position of a stream; plain JSON. */
export interface RandomState {
  readonly key: RandomKey
  /** Draws so far: the element index of the next. */
  readonly counter: number
}

/** Arrays that can be shuffled in place. */
export interface Shufflable {
  readonly length: number
  [index: number]: unknown
}

const two32 = 2 ** 32
const two53 = 2 ** 53

const stateChecks = {
  key: { expected: 'two uint32 words', accepts: isKey },
  counter: checks.integer({ from: 0 }),
} satisfies StateChecks<RandomState>

/**
 * A counter-based stream: draw number i is a function of the key and i alone, so a stream resumes with the
 * same bits from its state, and the draws of one stream never depend on those of another.
 *
 * @example const random = new RandomStream(keyFromSeed(42)).named('reservoir') const die = 1 +
 *   random.below(6)
 */
export class RandomStream {
  readonly #key: RandomKey
  #counter = 0

  /** Throws OptionError unless the key is two uint32 words. */
  constructor(key: RandomKey) {
    if (!isKey(key)) {
      throw new OptionError(`RandomStream: got key ${shown(key)}; expected two uint32. Use keyFromSeed?`)
    }
    this.#key = [key[0], key[1]]
  }

  /**
   * Returns the stream of that name under this stream's key, from its start, however far this one has come.
   */
  named(name: string): RandomStream {
    checkArgument('RandomStream.named', 'name', name, checks.text)
    return new RandomStream(foldIn(this.#key, fnv1a(name)))
  }

  /** Draws an integer in 0 … 2³² − 1. */
  uint32(): number {
    return bits(this.#key, this.#counter++)
  }

  /** Draws a multiple of 2⁻²⁴ in [0, 1): exact in single precision. */
  uniform(): number {
    return (this.uint32() >>> 8) * 2 ** -24
  }

  /**
   * Draws an integer in 0 … n − 1, each with exactly the same probability. One draw for n up to 2³², two
   * beyond, more where a draw is rejected. Throws OptionError unless n is in 1 … 2⁵³ − 1.
   */
  below(n: number): number {
    if (!Number.isSafeInteger(n) || n < 1) {
      throw new OptionError(`RandomStream.below: got n ${shown(n)}; expected an integer in 1 … 2⁵³ − 1.`)
    }
    const isLarge = n > two32
    const range = isLarge ? two53 : two32
    // The numbers from the last multiple of n on would favor small remainders: they are drawn again.
    const whole = range - (range % n)
    let drawn: number
    do drawn = isLarge ? (this.uint32() >>> 11) * two32 + this.uint32() : this.uint32()
    while (drawn >= whole)
    return drawn % n
  }

  /**
   * Draws a number of the normal distribution with mean 0 and deviation 1 (Box and Muller 1958), in double
   * precision and at most 6.7 in size. One draw: the two words of one counter give radius and angle. Engines
   * may differ in the last bit, because the language leaves the rounding of log and cos to them.
   */
  normal(): number {
    const index = this.#counter++
    const words = threefry2x32(this.#key, Math.floor(index / two32), index | 0)
    // Words of 1 … 2³² rather than 0 … 2³² − 1, so that the logarithm is finite.
    const radius = Math.sqrt(-2 * Math.log((words[0] + 1) / two32))
    return radius * Math.cos(2 * Math.PI * (words[1] / two32))
  }

  /**
   * Fills `out` with `normal()` times a deviation. Throws OptionError unless that is finite and 0 or more.
   */
  fillNormal(out: Float32Array, standardDeviation: number): void {
    checkArgument('RandomStream.fillNormal', 'out', out, checks.instance('a Float32Array', Float32Array))
    if (!(Number.isFinite(standardDeviation) && standardDeviation >= 0)) {
      throw new OptionError(
        `RandomStream.fillNormal: got standardDeviation ${shown(standardDeviation)}; expected a finite number of 0 or more.`,
      )
    }
    for (let i = 0; i < out.length; i++) out[i] = this.normal() * standardDeviation
  }

  /**
   * Shuffles an array in place, every order with the same probability (Fisher and Yates; Durstenfeld 1964);
   * returns it.
   */
  shuffle<Items extends Shufflable>(items: Items): Items {
    checkArgument('RandomStream.shuffle', 'items', items, checks.role<Shufflable>('an array', 'length'))
    const list: Shufflable = items
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const moved = list[i]
      list[i] = list[j]
      list[j] = moved
    }
    return items
  }

  toState(): RandomState {
    return { key: [this.#key[0], this.#key[1]], counter: this.#counter }
  }

  /**
   * Returns the stream that continues where `toState` was called. Throws StateError for anything but such a
   * state.
   */
  static fromState(state: RandomState): RandomStream {
    const { key, counter } = checkState<RandomState>('RandomStream', state, stateChecks)
    const stream = new RandomStream(key)
    stream.#counter = counter
    return stream
  }
}

function isKey(key: unknown): key is RandomKey {
  return (
    Array.isArray(key) &&
    key.length === 2 &&
    key.every((word) => typeof word === 'number' && word === word >>> 0)
  )
}

/**
 * FNV-1a of the UTF-8 bytes (Fowler, Noll and Vo). It must stay the same on every machine, since states
 * depend on it.
 */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}
