/** Adapters that read other directions than earlier ones (Wang et al. 2023, O-LoRA). */
import { LoraAdapter } from '@burgeon/gpt'
import {
  add,
  checkArgument,
  checkOptions,
  checks,
  checkState,
  concatenate,
  matmul,
  multiply,
  OptionError,
  type PlainTensor,
  type PlainTensors,
  plainTensors,
  reshape,
  sameShape,
  scope,
  type StateChecks,
  StateError,
  sum,
  type Tensor,
  TensorMirror,
  type TensorsByPath,
  transpose,
} from '@burgeon/tensor'
import type { Penalty } from '../penalty/penalty.ts'

/** How strongly. */
export interface OrthogonalToOptions {
  /** λ₁, ≥ 0. Default 0.5, as in the paper. */
  readonly strength?: number
}

interface State {
  readonly kind: 'orthogonal-to'
  readonly strength: number
  /** By the path of A, the columns of all earlier ones, `[in, ranks]`. */
  readonly directions: PlainTensors
}

const stateChecks: StateChecks<State> = {
  kind: checks.oneOf('orthogonal-to'),
  strength: checks.number({ from: 0 }),
  directions: checks.object('tensors by path'),
}

const isOfA = (path: string): boolean => path.endsWith('.lora.a.weight')

/**
 * Keeps the directions that an adapter reads orthogonal to those of earlier adapters, so that learning it
 * changes little of what those do: λ₁ · Σᵢ ‖Aᵢᵀ·A‖² over the modules that both have (Wang et al. 2023,
 * "Orthogonal subspace learning for language model continual learning", eq. 6–8). What the earlier ones read
 * is copied; they themselves are merged into the model first (`mergeLora`), or stay beside it.
 *
 * A penalty for an adapter, in the strategy of `fineTune`; a learner of the model itself refuses it.
 *
 * @param earlier Adapters of the same model, one or more.
 * @throws OptionError for something else.
 * @example
 * ```ts
 * const strategy = { penalties: [orthogonalTo([adapter])] }
 * const tuning = fineTune(model, { adapter: { rank: 8 }, strategy })
 * ```
 */
export function orthogonalTo(earlier: readonly LoraAdapter[], options: OrthogonalToOptions = {}): Penalty {
  const who = 'orthogonalTo'
  const someAdapters = checks.list('a list of adapters', checks.instance('a LoraAdapter', LoraAdapter))
  checkArgument(who, 'earlier', earlier, someAdapters)
  checkOptions(who, options, { strength: checks.number({ from: 0 }) })
  if (earlier.length === 0) throw new OptionError(`${who}: got no adapters; expected one or more.`)
  const { strength = 0.5 } = options
  const directions = directionsOf(earlier)
  return {
    name: `orthogonal to ${earlier.length} earlier adapters, strength ${strength}`,
    of: 'adapter',
    mirrors: [],
    loss(weights) {
      const terms = Object.entries(weights).flatMap(([path, a]) => {
        const old = directions.get(path)
        return old === undefined ? [] : [overlap(old, a)]
      })
      if (terms.length === 0) {
        throw new OptionError(
          `${who}: the adapter that learns shares no module with the earlier ones; expected one that does.`,
        )
      }
      return multiply(terms.reduce(add), strength)
    },
    consolidate: () => {},
    async toState(): Promise<State> {
      const tensors = directions.paths.map((path) => [path, directions.get(path) as Tensor])
      return {
        kind: 'orthogonal-to',
        strength,
        directions: await plainTensors(Object.fromEntries(tensors) as TensorsByPath),
      }
    },
    restore(state, parameters) {
      const saved = checkState<State>(who, state, stateChecks)
      if (saved.strength !== strength) {
        throw new StateError(`${who}: the saved strength is ${saved.strength}; expected ${strength}.`)
      }
      const { paths } = directions
      const found = Object.entries(saved.directions)
      if (
        found.length !== paths.length ||
        found.some(([path, plain]) => !isLike(directions.get(path), plain))
      ) {
        throw new StateError(
          `${who}: the saved directions are of other adapters; expected ${paths.join(', ')} as they are.`,
        )
      }
      const [first] = parameters
      for (const [path, { shape, data }] of found) {
        scope(() => directions.set(path, first.tensor.device.tensor(data, { shape, dtype: 'f32' }, path)))
      }
    },
  }
}

/** ‖Aᵢᵀ·A‖² for all earlier A side by side. */
function overlap(old: Tensor, a: Tensor): Tensor {
  const rank = a.shape.at(-1) as number
  const product = matmul(transpose(old), reshape(a, [-1, rank]))
  return sum(multiply(product, product))
}

function directionsOf(adapters: readonly LoraAdapter[]): TensorMirror {
  const directions = new TensorMirror('directions of earlier adapters', 'value')
  const columns = new Map<string, Tensor[]>()
  scope(() => {
    for (const [path, a] of adapters.flatMap(({ weights }) => Object.entries(weights))) {
      if (!isOfA(path)) continue
      const flat = reshape(a, [-1, a.shape.at(-1) as number])
      columns.set(path, [...(columns.get(path) ?? []), flat])
    }
    for (const [path, parts] of columns) directions.set(path, concatenate(parts, 1))
  })
  return directions
}

/** Whether saved numbers can stand in the place of known ones. */
function isLike(known: Tensor | undefined, saved: PlainTensor): boolean {
  if (known === undefined || typeof saved !== 'object' || saved === null) return false
  const { shape, data } = saved
  if (!checks.shape.accepts(shape) || !checks.numbers.accepts(data)) return false
  return (
    sameShape(shape, known.shape) && data.length === known.size && Array.from(data).every(Number.isFinite)
  )
}
