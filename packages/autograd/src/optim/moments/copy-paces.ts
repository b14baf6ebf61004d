/**
 * The pace of copies: growth makes several slices of one, which together shall not learn several times as
 * fast.
 */
import {
  checkArgument,
  checks,
  type Check,
  type Device,
  type Mirror,
  multiply,
  ParameterError,
  type ParameterChange,
  ParameterStore,
  type Plan,
  StateError,
  type Tensor,
} from '@burgeon/tensor'
import {
  areGrowths,
  broughtBack,
  cancel,
  carried,
  fits,
  growthBy,
  isPlain,
  type PacedGrowth,
} from './paced-growth.ts'

/** The factors of one axis in one step, by index. */
interface PaceAlong {
  readonly axis: number
  readonly values: readonly number[]
  readonly gradients: readonly number[]
}

/**
 * The factors of one parameter in one step; an element has the product of those of its indices. Not empty.
 */
export type Pace = readonly PaceAlong[]

/** Plain JSON: by path the growths whose factors have not faded, oldest first. */
export type CopyPacesState = Readonly<Record<string, readonly PacedGrowth[]>>

const aStore = checks.instance('a ParameterStore', ParameterStore)

/** Steps over which copies come to the pace of all others. */
export const pacingSteps: Check<number> = checks.integer({ from: 0, infinite: true })

/** Steps over which factors fade unless an optimizer is told otherwise. */
export const usualPacing = 200

/**
 * Factors on the steps of slices that growth copied. Where copies hold shares M of a number and c of its
 * gradient, a step Δ of the number is a step M·Δ of each; then what they do together goes on as it would have
 * done without the growth. The factors fade: after s of n steps they are M^(1 − s/n), after n they are let
 * go, and copies that have parted learn like all else. What takes a growth back takes its factors along.
 */
export class CopyPaces implements Mirror {
  readonly name: string
  readonly #over: number
  readonly #growths = new Map<string, readonly PacedGrowth[]>()
  /**
   * Paths that the optimizer has moved, or was restored for: beside others it may have but a few of all, and
   * some of its own may be frozen.
   */
  readonly #own = new Set<string>()

  /** @param over Steps over which factors fade: 0 for no factors at all, Infinity for ones that stay. */
  constructor(name: string, over: number) {
    this.name = name
    this.#over = over
  }

  /** Eight for every factor. */
  get bytes(): number {
    const growths = [...this.#growths.values()].flat()
    const lists = growths.flatMap(({ values, gradients }) => [...values, ...gradients])
    return 8 * lists.reduce((total, list) => total + (list?.length ?? 0), 0)
  }

  /** Counts a step of a parameter and returns the factors of this step; null where all are 1. */
  tick(path: string): Pace | null {
    this.#own.add(path)
    const growths = this.#growths.get(path)
    if (growths === undefined) return null
    this.#put(
      path,
      growths.map((growth) => ({ ...growth, steps: growth.steps + 1 })),
    )
    const productAt = (of: 'values' | 'gradients', axis: number, i: number): number =>
      growths.reduce(
        (product, growth) => product * (growth[of][axis]?.[i] ?? 1) ** (1 - growth.steps / this.#over),
        1,
      )
    return growths[0].values.flatMap((_, axis): PaceAlong[] => {
      const lists = growths.flatMap(({ values, gradients }) => [values[axis], gradients[axis]])
      const own = lists.find((list) => list !== null)
      if (own === undefined || own === null) return []
      const [values, gradients] = (['values', 'gradients'] as const).map((of) =>
        own.map((_factor, i) => productAt(of, axis, i)),
      )
      return [{ axis, values, gradients }]
    })
  }

  remap(plan: Plan): () => void {
    const next = new Map<string, readonly PacedGrowth[]>()
    for (const change of plan.changes) {
      if (change.kind === 'remove' || !this.#follows(change)) continue
      const kept = plan.kept?.[this.name]?.[change.path] as readonly PacedGrowth[] | undefined
      const now = this.#growths.get(change.path)
      next.set(
        change.path,
        kept === undefined
          ? this.#after(change, plan.undoes === true)
          : broughtBack(kept, change.kind === 'add' ? undefined : (now ?? [])),
      )
    }
    return () => {
      for (const change of plan.changes) if (change.kind === 'remove') this.#growths.delete(change.path)
      for (const [path, growths] of next) this.#put(path, growths)
    }
  }

  #follows(change: ParameterChange): boolean {
    const isCopy = change.kind === 'add' && change.initial.kind === 'copy'
    const path = isCopy ? change.initial.of : change.path
    return this.#over > 0 && (this.#own.size === 0 || this.#own.has(path) || this.#growths.has(path))
  }

  #after(change: ParameterChange & { kind: 'add' | 'resize' }, undoes: boolean): readonly PacedGrowth[] {
    const own = growthBy(change)
    if (change.kind === 'add') {
      const { initial } = change
      // What has no gradient of its original's has no pace to keep either.
      if (initial.kind !== 'copy' || initial.gradientFactor === 0) return []
      return [...(this.#growths.get(initial.of) ?? []), ...(isPlain(own) ? [] : [own])]
    }
    const earlier = (this.#growths.get(change.path) ?? []).map((growth) => carried(growth, change.dimensions))
    if (isPlain(own)) return earlier
    if (!undoes) return [...earlier, own]
    // The factors of a growth go with it, however far they have faded by then.
    const last = earlier.at(-1)
    return last !== undefined && cancel(last, own) ? earlier.slice(0, -1) : earlier
  }

  keep({ changes }: Plan): Promise<Record<string, readonly PacedGrowth[]>> {
    const kept = changes.flatMap(({ path }) => {
      const growths = this.#growths.get(path)
      return growths === undefined ? [] : [[path, growths] as const]
    })
    return Promise.resolve(Object.fromEntries(kept))
  }

  toState(): CopyPacesState {
    return Object.fromEntries(this.#growths)
  }

  /**
   * @param parameters Those that the optimizer moves.
   * @throws What `checkState` throws; the factors are unchanged then.
   */
  restore(state: unknown, parameters: ParameterStore): void {
    const saved = this.checkState(state, parameters)
    this.#own.clear()
    for (const { path } of parameters) this.#own.add(path)
    this.#growths.clear()
    for (const [path, growths] of Object.entries(saved)) this.#put(path, growths)
  }

  /**
   * The factors in a saved state; changes nothing.
   *
   * @throws StateError for a state without lists of growths, ParameterError if it does not belong to these
   *   parameters, OptionError for parameters that are none.
   */
  checkState(state: unknown, parameters: ParameterStore): CopyPacesState {
    checkArgument(this.name, 'parameters', parameters, aStore)
    if (typeof state !== 'object' || state === null || !Object.values(state).every(areGrowths)) {
      throw new StateError(
        `${this.name}: the saved paces of copies are no lists of growths by path. Is the file whole?`,
      )
    }
    const saved = state as CopyPacesState
    for (const [path, growths] of Object.entries(saved)) {
      const { shape } = parameters.get(path).tensor
      if (growths.every((growth) => fits(growth, shape))) continue
      throw new ParameterError(
        `${this.name}: the saved paces of ${path} are not those of shape [${shape.join(', ')}]; expected one factor for each index.`,
      )
    }
    return saved
  }

  #put(path: string, growths: readonly PacedGrowth[]): void {
    const present = growths.filter(({ steps }) => steps < this.#over)
    if (present.length === 0) this.#growths.delete(path)
    else this.#growths.set(path, present)
  }
}

/**
 * The factor on every element, in a shape that broadcasts to the parameter's.
 *
 * @param on `scaleFree` for a step whose size does not depend on that of the gradient (M), `proportional` for
 *   one that goes with it (M/c), `gradient` for what is added to a gradient's size, as Adam's ε is (c).
 */
export function paceFactor(
  device: Device,
  rank: number,
  pace: Pace,
  on: 'scaleFree' | 'proportional' | 'gradient',
): Tensor {
  const factors = pace.map(({ axis, values, gradients }) => {
    const all = {
      scaleFree: values,
      gradient: gradients,
      proportional: values.map((m, i) => m / gradients[i]),
    }
    const shape = Array.from({ length: rank }, (_, i) => (i === axis ? values.length : 1))
    return device.tensor(all[on], { shape, dtype: 'f32' }, 'pace of copies')
  })
  return factors.reduce((a, b) => multiply(a, b))
}
