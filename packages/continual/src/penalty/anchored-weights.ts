/**
 * Weights that are held near an anchor, each by its importance: what all quadratic penalties have in common.
 */
import {
  add,
  type Check,
  checkState,
  checks,
  elementwise,
  expression,
  formatShape,
  multiply,
  ParameterError,
  type ParameterStore,
  type PlainTensors,
  sameShape,
  scope,
  type StateChecks,
  StateError,
  sum,
  type Tensor,
  TensorMirror,
  type TensorsByPath,
} from '@burgeon/tensor'
import type { Model } from '../model/model.ts'
import type { Batch } from '../stream/batch.ts'
import type { Penalty } from './penalty.ts'

/** The state of anchored weights. */
export interface AnchoredState {
  readonly importance: PlainTensors
  readonly anchor: PlainTensors
}

/** Checks of the fields of such a state. */
export const anchoredChecks: StateChecks<AnchoredState> = {
  importance: checks.object('tensors by path'),
  anchor: checks.object('tensors by path'),
}

/** Importance of slices that growth adds, as in `TensorMirror`; or none until it is measured. */
export type FreshImportance = 'plastic' | 'borrowed' | 'measured'

/** Check of a choice of it. */
export const aFreshImportance: Check<FreshImportance> = checks.oneOf('borrowed', 'plastic', 'measured')

/**
 * The least importance where it is measured after growth: far below what moves a loss, and above 0, which
 * stands for what is new.
 */
const leastImportance = 2 ** -60

const { constant, equal, input, maximum, select, subtract } = expression
const known = maximum(input(0), constant(leastImportance))
// inputs: importance, the same anew
const newWhereNone = select(equal(input(0), constant(0)), input(1), input(0))
// inputs: importance, anchor, weight
const bornHere = select(equal(input(0), constant(0)), input(2), input(1))
// importance · (θ − θ*)²
const pull = expression.multiply(
  input(0),
  expression.multiply(subtract(input(1), input(2)), subtract(input(1), input(2))),
)

/** Importance Ω and anchor θ* of weights; both follow growth. */
export class AnchoredWeights {
  readonly importance: TensorMirror
  readonly anchor: TensorMirror
  readonly #who: string
  readonly #isMeasured: boolean

  /**
   * @param who The method, for messages.
   * @param short Begins the names of the mirrors.
   * @param fresh Importance of slices that growth adds; or where importance is kept.
   */
  constructor(who: string, short: string, fresh: FreshImportance | TensorMirror) {
    this.#who = who
    this.#isMeasured = fresh === 'measured'
    const numbers = fresh === 'borrowed' ? 'borrowed' : 'zero'
    this.importance =
      fresh instanceof TensorMirror
        ? fresh
        : new TensorMirror(`${short} importance`, 'importance', () => true, true, numbers)
    this.anchor = new TensorMirror(`${short} anchor`, 'value', () => true, true)
  }

  get mirrors(): readonly TensorMirror[] {
    return [this.importance, this.anchor]
  }

  /**
   * strength/2 · Σᵢ Ωᵢ·(θᵢ − θ*ᵢ)², a scalar; null while no weight has an importance.
   *
   * @throws ParameterError for a weight of another shape than what is held.
   */
  loss(weights: TensorsByPath, strength: number): Tensor | null {
    // A copy that has no gradient yet has an anchor, and no importance before the next consolidation.
    const terms = this.importance.paths.map((path) => {
      const [importance, anchor] = [this.importance.get(path), this.anchor.get(path)] as [Tensor, Tensor]
      const { shape } = weights[path]
      if (!sameShape(shape, importance.shape)) {
        throw new ParameterError(
          `${this.#who}: got ${path} of shape ${formatShape(shape)}, and its importance is ` +
            `${formatShape(importance.shape)}; expected one shape. Did it grow without the mirrors of this penalty?`,
        )
      }
      return sum(elementwise(pull, [importance, weights[path], anchor]))
    })
    if (terms.length === 0) return null
    return multiply(
      terms.reduce((a, b) => add(a, b)),
      strength / 2,
    )
  }

  /** Adds new importance to a share of the earlier: Ω ← decay·Ω + fresh. */
  accumulate(fresh: TensorsByPath, decay: number): void {
    for (const path of Object.keys(fresh)) {
      const old = this.importance.get(path)
      const total = old === undefined ? fresh[path] : add(multiply(old, decay), fresh[path])
      this.importance.set(path, total)
    }
  }

  /**
   * What a penalty does after growth: where importance is to be measured then, and anything is held, it is
   * measured, and holds what is new where it is.
   *
   * @param measure Measures the importance of all weights of the grown model.
   */
  afterGrowth(measure: (model: Model, sample: Batch) => TensorsByPath): Pick<Penalty, 'afterGrowth'> {
    if (!this.#isMeasured) return {}
    return {
      afterGrowth: (model, sample) => {
        if (this.importance.paths.length === 0) return
        scope(() => this.holdNew(measure(model, sample), model.parameters))
      },
    }
  }

  /**
   * What was measured, as it is kept: where 0 stands for what is new, no known weight has none.
   */
  kept(measured: TensorsByPath): TensorsByPath {
    if (!this.#isMeasured) return measured
    return Object.fromEntries(
      Object.entries(measured).map(([path, own]) => [path, elementwise(known, [own])]),
    )
  }

  /** Holds the weights that have no importance, with a new one and where they are. */
  holdNew(importance: TensorsByPath, parameters: ParameterStore): void {
    for (const { path, tensor } of parameters) {
      const [own, anchor] = [this.importance.get(path), this.anchor.get(path)]
      if (own === undefined || anchor === undefined) {
        this.importance.set(path, importance[path])
        this.anchor.set(path, add(tensor, 0))
      } else {
        this.anchor.set(path, elementwise(bornHere, [own, anchor, tensor]))
        this.importance.set(path, elementwise(newWhereNone, [own, importance[path]]))
      }
    }
  }

  /** Makes the present weights the anchor. */
  anchorAt(parameters: ParameterStore): void {
    for (const { path, tensor } of parameters) this.anchor.set(path, add(tensor, 0))
  }

  async toState(): Promise<AnchoredState> {
    return { importance: await this.importance.toState(), anchor: await this.anchor.toState() }
  }

  /** Throws what `restore` would, and changes nothing. */
  checkState(state: AnchoredState, parameters: ParameterStore): void {
    checkState<AnchoredState>(this.#who, state, anchoredChecks)
    this.importance.checkState(state.importance, parameters)
    this.anchor.checkState(state.anchor, parameters)
    const adrift = Object.keys(state.importance).find((path) => !Object.hasOwn(state.anchor, path))
    if (adrift === undefined) return
    throw new StateError(
      `${this.#who}: the saved state has the importance of ${adrift} and no anchor; expected both. Is the file whole?`,
    )
  }

  restore(state: AnchoredState, parameters: ParameterStore): void {
    this.checkState(state, parameters)
    this.importance.restore(state.importance, parameters)
    this.anchor.restore(state.anchor, parameters)
  }
}
