/** Learning rates that are learnt: one for every number of every weight. */
import {
  add,
  checkArgument,
  checkOptions,
  checks,
  type DimensionMap,
  fill,
  formatShape,
  type KeptNumbers,
  keptNumbers,
  type Mirror,
  openScope,
  type ParameterStore,
  type PlainTensor,
  type Plan,
  resize,
  sameShape,
  ShapeError,
  type Tensor,
  TensorMirror,
  type TensorsByPath,
} from '@burgeon/tensor'

/** Initial values of learned rates. */
export interface LearnedRatesOptions {
  /** The rate of everything new, ≥ 0. */
  readonly initial: number
  /** For messages; `learned rates` unless given. */
  readonly name?: string
}

/**
 * A rate for every number of every weight. It follows growth: what is copied keeps its rate, what is new gets
 * the initial one.
 */
export class LearnedRates implements Mirror {
  readonly name: string
  readonly piecewise = true
  readonly initial: number
  readonly #rates: TensorMirror

  /** @throws OptionError for an initial rate that is negative or not finite. */
  constructor(options: LearnedRatesOptions) {
    checkOptions('LearnedRates', options, {
      initial: checks.required(checks.number({ from: 0 })),
      name: checks.text,
    })
    const { initial, name = 'learned rates' } = options
    this.name = name
    this.initial = initial
    this.#rates = new TensorMirror(name, 'value')
  }

  /**
   * The rates of these weights, by path and of their shapes; they belong to this object, and `applyUpdates`
   * or `assign` may change them.
   *
   * @param weights All of them: a path not seen before is new.
   * @throws ShapeError if a weight has another shape than its rates: it has grown, and they were not among
   *   the mirrors.
   */
  of(weights: TensorsByPath): TensorsByPath {
    checkArgument('LearnedRates: of', 'weights', weights, checks.tensorsByPath)
    const rates = Object.entries(weights).map(([path, weight]) => [path, this.#of(path, weight)] as const)
    return Object.fromEntries(rates)
  }

  #of(path: string, { device, shape }: Tensor): Tensor {
    const known = this.#rates.get(path)
    if (known !== undefined) {
      if (sameShape(known.shape, shape)) return known
      throw new ShapeError(
        `${this.name}: got ${path} ${formatShape(shape)}, whose rates are ${formatShape(known.shape)}; expected one shape. ` +
          'Hand them to growth as a mirror.',
      )
    }
    using _ = openScope()
    return this.#rates.set(path, fill(device, shape, this.initial))
  }

  get bytes(): number {
    return this.#rates.bytes
  }

  remap(plan: Plan, after: TensorsByPath): () => void {
    const changed = new Map<string, Tensor>()
    const kept = plan.kept?.[this.name] as Readonly<Record<string, KeptNumbers>> | undefined
    const keptOf = (path: string, maps: readonly DimensionMap[]): Tensor | undefined => {
      const own = kept?.[path]
      const { device, shape } = after[path]
      return own && device.tensor(keptNumbers(maps, own), { shape, dtype: 'f32' }, this.name)
    }
    for (const change of plan.changes) {
      const added = change.kind === 'add' ? keptOf(change.path, []) : undefined
      if (added) changed.set(change.path, added)
      const copied =
        change.kind === 'add' && change.initial.kind === 'copy'
          ? this.#rates.get(change.initial.of)
          : undefined
      if (copied) changed.set(change.path, add(copied, 0))
      const old = this.#rates.get(change.path)
      if (change.kind !== 'resize' || old === undefined) continue
      const { device, shape } = after[change.path]
      // A plan's factors are for values and gradients; a rate is neither.
      const maps = change.dimensions.map(({ from, source }) => ({ from, source }))
      changed.set(
        change.path,
        resize(old, maps, 'value', () => keptOf(change.path, maps) ?? fill(device, shape, this.initial)),
      )
    }
    return () => {
      for (const [path, rate] of changed) this.#rates.set(path, rate)
      for (const change of plan.changes) if (change.kind === 'remove') this.#rates.delete(change.path)
    }
  }

  keep(plan: Plan): Promise<Record<string, KeptNumbers>> {
    return this.#rates.keep(plan)
  }

  /** Plain data, by path. */
  toState(): Promise<Record<string, PlainTensor>> {
    return this.#rates.toState()
  }

  /**
   * Takes what `toState` gave.
   *
   * @throws StateError if it is invalid, ParameterError if it does not belong to these parameters; the rates
   *   are unchanged then.
   */
  restore(state: unknown, parameters: ParameterStore): void {
    this.#rates.restore(state, parameters)
  }

  /** Throws what `restore` would, and changes nothing. */
  checkState(state: unknown, parameters: ParameterStore): void {
    this.#rates.checkState(state, parameters)
  }

  dispose(): void {
    this.#rates.dispose()
  }
}
