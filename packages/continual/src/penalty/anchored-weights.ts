/**
 * Weights that are held near an anchor, each by its importance: what all quadratic penalties have in common.
 */
import {
  add,
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
  type StateChecks,
  StateError,
  sum,
  type Tensor,
  TensorMirror,
  type TensorsByPath,
} from '@burgeon/tensor'

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

const { input, subtract } = expression
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

  /**
   * @param who The method, for messages.
   * @param short Begins the names of the mirrors.
   * @param fresh Importance of slices that growth adds, as in `TensorMirror`; or where importance is kept.
   */
  constructor(who: string, short: string, fresh: 'zero' | 'borrowed' | TensorMirror) {
    this.#who = who
    this.importance =
      fresh instanceof TensorMirror
        ? fresh
        : new TensorMirror(`${short} importance`, 'importance', () => true, true, fresh)
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
