/** The sum of the weights of several steps, on their device. */
import {
  add,
  checks,
  checkState,
  type Device,
  multiply,
  type ParameterStore,
  type PlainTensor,
  plainTensors,
  sameShape,
  scope,
  StateError,
  type StateChecks,
  type Tensor,
} from '@burgeon/tensor'

/** Plain data. */
export interface WeightSumState {
  readonly count: number
  readonly sums: Readonly<Record<string, PlainTensor>>
}

const stateChecks: StateChecks<WeightSumState> = {
  count: checks.count,
  sums: checks.record('tensors by path', checks.role<PlainTensor>('a tensor', 'shape', 'data')),
}

/** Weights of other sizes, after a growth, begin a sum of their own. */
export class WeightSum {
  #sums = new Map<string, Tensor>()
  #count = 0

  /** Adds the present weights. */
  add(store: ParameterStore): void {
    const weights = Object.entries(store.tensors())
    const isSame =
      weights.length === this.#sums.size &&
      weights.every(([path, { shape }]) => sameShape(this.#sums.get(path)?.shape ?? [], shape))
    const next = weights.map(([path, tensor]) => {
      const sum = isSame ? this.#sums.get(path) : undefined
      return [path, scope(() => (sum === undefined ? add(tensor, 0) : add(sum, tensor)))] as const
    })
    this.dispose()
    this.#sums = new Map(next)
    this.#count = isSame ? this.#count + 1 : 1
  }

  /** Puts the mean in the place of the weights; where nothing was added they stay. */
  putInto(store: ParameterStore): void {
    for (const [path, sum] of this.#sums) {
      scope(() => store.replace(path, multiply(sum, 1 / this.#count)))
    }
  }

  dispose(): void {
    for (const sum of this.#sums.values()) sum.dispose()
    this.#sums.clear()
  }

  async toState(): Promise<WeightSumState> {
    return { count: this.#count, sums: await plainTensors(Object.fromEntries(this.#sums)) }
  }

  /** Throws StateError for a state that is none. */
  restore(state: unknown, device: Device): void {
    const { count, sums } = checkState<WeightSumState>('trial', state, stateChecks)
    const paths = Object.keys(sums)
    if ((count === 0) !== (paths.length === 0)) {
      throw new StateError(
        `trial: got sums of ${paths.length} tensors over ${count} steps; expected both or none.`,
      )
    }
    this.dispose()
    this.#count = count
    for (const [path, { shape, data }] of Object.entries(sums)) {
      this.#sums.set(path, device.tensor(data, { shape, dtype: 'f32' }))
    }
  }
}
