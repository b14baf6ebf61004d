import {
  type Check,
  checkArgument,
  checkOptions,
  checks,
  checkState,
  keyFromSeed,
  fields,
  OptionError,
  RandomStream,
  type StateChecks,
  StateError,
} from '@burgeon/tensor'
import { requireMeasurement, SignalError } from '../../errors.ts'
import { count, none, requireSameOptions, stateOfKind } from '../../saved-state.ts'
import type { DriftVerdict } from '../drift-detector.ts'
import { kernel, type KernelScale, kernelScaleOf, type Vector } from './gaussian-kernel.ts'
import { drawSubsets, permutationScore } from './permutation-score.ts'
import type { VectorDetector } from './vector-detector.ts'

/** How sensitive the test is, and how much it looks at. */
export interface KernelTwoSampleOptions {
  /** Standard deviations of a normal number that are as rare as what is an alarm, > 0. 4 unless given. */
  readonly threshold?: number
  /** The newest vectors, which are held against those before them, from 5 to 1,000. 50 unless given. */
  readonly recent?: number
  /** Vectors before them, from `recent` to 2,000. 200 unless given. */
  readonly past?: number
  /** Vectors from one test to the next, ≥ 1; larger is cheaper and later. 10 unless given. */
  readonly clock?: number
  /** Permutations that a test compares with, from 50 to 10,000. 300 unless given. */
  readonly permutations?: number
  /** Same seed, same permutations; 0 unless given. */
  readonly seed?: number
}

interface State {
  readonly kind: 'kernel-two-sample'
  readonly options: Required<KernelTwoSampleOptions>
  /** The vectors of the window, the oldest first. */
  readonly vectors: readonly Vector[]
  /** Vectors since the last test, and since the kernel was scaled. */
  readonly sinceTest: number
  readonly sinceScale: number
  /** Scale of the kernel; null before the window is full. */
  readonly scale: KernelScale | null
}

const aVector: Check<Vector> = checks.list('a list of numbers', checks.number())
const aScale = fields<KernelScale>('the scale of a kernel', {
  deviations: checks.list('a list of positive numbers', checks.number({ above: 0 })),
  width: checks.number({ above: 0 }),
})
const stateChecks: StateChecks<Omit<State, 'kind' | 'options'>> = {
  vectors: checks.list('a list of vectors', aVector),
  sinceTest: count,
  sinceScale: count,
  scale: checks.either(none, aScale),
}

class KernelTwoSample implements VectorDetector {
  readonly name = 'kernel two-sample test'
  readonly #options: Required<KernelTwoSampleOptions>
  readonly #window: number
  /** Places of the newest vectors, and of the permutations that they are held against. */
  readonly #newest: Int32Array
  readonly #subsets: readonly Int32Array[]
  #vectors: Vector[] = []
  #sinceTest = 0
  #sinceScale = 0
  #scale: KernelScale | null = null
  /** Kernel values of all pairs of the window; made anew from the vectors and the scale when restored. */
  readonly #gram: Float64Array

  constructor(options: KernelTwoSampleOptions) {
    checkOptions('kernelTwoSample', options, {
      threshold: checks.number({ above: 0 }),
      recent: checks.integer({ from: 5, to: 1000 }),
      past: checks.integer({ from: 5, to: 2000 }),
      clock: checks.integer({ from: 1 }),
      permutations: checks.integer({ from: 50, to: 10_000 }),
      seed: checks.seed,
    })
    const { threshold = 4, recent = 50, past = 200, clock = 10, permutations = 300, seed = 0 } = options
    if (past < recent) {
      throw new OptionError(
        `kernelTwoSample: got recent ${recent} and past ${past}; expected at least as many past vectors.`,
      )
    }
    this.#options = { threshold, recent, past, clock, permutations, seed }
    this.#window = past + recent
    this.#newest = Int32Array.from({ length: recent }, (_, i) => past + i)
    const random = new RandomStream(keyFromSeed(seed)).named('kernel two-sample test')
    this.#subsets = drawSubsets(random, this.#window, recent, permutations)
    this.#gram = new Float64Array(this.#window ** 2)
  }

  /** The estimate is the score of the last test, in standard deviations; 0 before the first. */
  update(vector: ArrayLike<number>): DriftVerdict {
    this.#add(this.#taken(vector))
    const { clock, recent, threshold } = this.#options
    if (this.#scale === null || this.#sinceTest < clock) return quiet(0)
    this.#sinceTest = 0
    const gram = { values: this.#gram, count: this.#window }
    const score = permutationScore(gram, this.#newest, this.#subsets)
    if (score <= threshold) return quiet(score)
    const kept = this.#vectors.slice(-recent)
    this.reset()
    this.#vectors = kept
    return { drift: true, direction: 'up', estimate: score }
  }

  reset(): void {
    this.#vectors = []
    this.#sinceTest = 0
    this.#sinceScale = 0
    this.#scale = null
  }

  #taken(vector: ArrayLike<number>): Vector {
    checkArgument(this.name, 'vector', vector, checks.numbers)
    const length = this.#vectors.at(0)?.length ?? Math.max(1, vector.length)
    if (vector.length !== length) {
      throw new SignalError(
        `${this.name}: got a vector of ${vector.length} numbers; expected ${length}${this.#vectors.length > 0 ? ', as before' : ' or more'}. Nothing was recorded.`,
      )
    }
    return Array.from(vector, (value) => requireMeasurement(this.name, value))
  }

  #add(vector: Vector): void {
    this.#vectors.push(vector)
    if (this.#vectors.length > this.#window) this.#vectors.shift()
    if (this.#vectors.length < this.#window) return
    this.#sinceTest++
    if (this.#scale === null || ++this.#sinceScale >= this.#window) {
      // Hidden states grow as a model learns: the kernel must not stay narrow for ever.
      this.#scale = kernelScaleOf(this.#vectors)
      this.#sinceScale = 0
      this.#fill(0)
      return
    }
    // Every pair moves by one row and one column.
    this.#gram.copyWithin(0, this.#window + 1)
    this.#fill(this.#window - 1)
  }

  /** Computes kernel values of all pairs one of which is at `from` or newer. */
  #fill(from: number): void {
    const n = this.#window
    for (let i = from; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        const value = kernel(this.#vectors[i], this.#vectors[j], this.#scale as KernelScale)
        this.#gram[i * n + j] = value
        this.#gram[j * n + i] = value
      }
    }
  }

  toState(): State {
    return {
      kind: 'kernel-two-sample',
      options: this.#options,
      vectors: [...this.#vectors],
      sinceTest: this.#sinceTest,
      sinceScale: this.#sinceScale,
      scale: this.#scale,
    }
  }

  restore(state: unknown): void {
    const { kind, options, ...saved } = stateOfKind<State>(state, 'kernel-two-sample')
    requireSameOptions(kind, this.#options, options)
    const { vectors, sinceTest, sinceScale, scale } = checkState<Omit<State, 'kind' | 'options'>>(
      kind,
      saved,
      stateChecks,
    )
    const length = vectors.at(0)?.length ?? 0
    const isWhole =
      vectors.length <= this.#window &&
      vectors.every((vector) => vector.length > 0 && vector.length === length) &&
      (scale !== null) === (vectors.length === this.#window) &&
      (scale === null || scale.deviations.length === length)
    if (!isWhole) {
      throw new StateError(
        `${kind}: the saved window is damaged; expected at most ${this.#window} vectors of one length, and a scale when it is full.`,
      )
    }
    this.#vectors = [...vectors]
    this.#sinceTest = sinceTest
    this.#sinceScale = sinceScale
    this.#scale = scale
    if (scale !== null) this.#fill(0)
  }
}

const quiet = (estimate: number): DriftVerdict => ({ drift: false, direction: null, estimate })

/**
 * Holds the newest vectors against those before them by the maximum mean discrepancy (Gretton et al. 2012)
 * with a kernel of two Gaussians, and its value against those of permutations: an alarm when it is as rare as
 * `threshold` standard deviations of a normal number. It hears any change of the distribution, such as
 * components that begin to move together while each stays as it was; the threshold means the same for every
 * length, unit and kind of vectors. Vectors must not depend on each other much, as those of batches.
 *
 * The window slides, so that what changes slowly over hundreds of vectors is followed instead of reported.
 * After an alarm the newest vectors stay, and the window fills again before the next test.
 *
 * @throws OptionError for an option outside its range, or more recent vectors than past ones.
 * @example
 * const detector = kernelTwoSample()
 * if (detector.update([0.3, -1.2, 0.8]).drift) consolidate()
 */
export function kernelTwoSample(options: KernelTwoSampleOptions = {}): VectorDetector {
  return new KernelTwoSample(options)
}
