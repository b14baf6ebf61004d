/** Differentially private gradients: those of single rows are clipped, and noise hides what is left. */
import {
  addInto,
  checkOptions,
  type ChecksOf,
  checks,
  fill,
  foldIn,
  keyFromSeed,
  multiply,
  add,
  OptionError,
  RandomStream,
  scope,
  shown,
  StateError,
  tensor,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { clipByGlobalNorm } from '../transforms/clip-by-global-norm.ts'
import { type GradientTransform, restorable, type UpdateContext } from '../transforms/gradient-transform.ts'

/** How much a single row can move the weights, and what hides it. */
export interface PrivatelyOptions {
  /** C > 0: the global norm to which the gradient of each row is clipped. */
  readonly clip: number
  /** σ ≥ 0: standard deviation of the noise on the sum of them, in units of `clip`. */
  readonly noise: number
  /**
   * Seed of the noise, an integer from 0. Whoever knows it can take the noise off again: it is as secret as
   * the rows are.
   */
  readonly seed: number
}

const optionChecks: ChecksOf<PrivatelyOptions> = {
  clip: checks.required(checks.number({ above: 0 })),
  noise: checks.required(checks.number({ from: 0 })),
  seed: checks.required(checks.seed),
}

/** Updates for which noise was drawn. */
interface PrivatelyState {
  readonly updates: number
}

/**
 * The gradient of DP-SGD (Abadi et al. 2016, algorithm 1): that of each row by itself, clipped to the norm C,
 * their sum with noise N(0, σ²C²) on every number, over the number of rows. It takes the place of the
 * gradients that come to it, so it stands first in a chain. `privacyOf` says what that hides.
 *
 * Each row is predicted and differentiated by itself, after the step itself has done so for all: a step takes
 * about twice the operations, and on small models far more time. Noise is drawn by the number of the update
 * and the path, so it follows growth, and a learner that is resumed draws the same.
 *
 * @throws OptionError for options outside their ranges. A learner refuses it beside whatever adds to the loss
 *   or changes gradients before it: nothing would be left of that.
 * @example
 * ```ts
 * const optimizer = chain(privately({ clip: 1, noise: 1, seed: 7 }), adamw({ learningRate: 1e-3 }))
 * ```
 */
export function privately(options: PrivatelyOptions): GradientTransform {
  checkOptions('privately', options, optionChecks)
  const { clip, noise, seed } = options
  const key = keyFromSeed(seed)
  const clipped = clipByGlobalNorm(clip)
  let updates = 0
  return {
    name: `private: clip ${clip}, noise ${noise}`,
    mirrors: [],
    needsRows: true,
    transform(gradients, context) {
      const rows = rowsOf(context)
      const sums = mapped(gradients, (_, { device, shape }) => fill(device, shape, 0))
      for (const row of rows) {
        scope(() => {
          const own = clipped.transform(context.gradientOn?.(row) ?? {}, context)
          for (const path of Object.keys(sums)) addInto(sums[path], own[path])
        })
      }
      const random = foldIn(key, updates)
      updates++
      return mapped(sums, (path, sum) => {
        const drawn = new Float32Array(sum.size)
        new RandomStream(random).named(path).fillNormal(drawn, noise * clip)
        const hidden = add(sum, tensor(drawn, { shape: sum.shape, device: sum.device }))
        return multiply(hidden, 1 / rows.length)
      })
    },
    toState: (): Promise<PrivatelyState> => Promise.resolve({ updates }),
    ...restorable(
      (state): PrivatelyState => {
        const saved = state as Partial<PrivatelyState> | null | undefined
        if (checks.count.accepts(saved?.updates)) return { updates: saved.updates }
        throw new StateError(
          `privately: the saved state has made ${shown(saved?.updates)} updates; expected a count. Build it the same way.`,
        )
      },
      (saved) => {
        updates = saved.updates
      },
    ),
  }
}

/** The rows of the step, each by itself. */
function rowsOf({ rows, gradientOn }: UpdateContext): readonly object[] {
  const all = rows?.() ?? []
  if (all.length > 0 && gradientOn !== undefined) return all
  throw new OptionError(
    'privately: got gradients without the rows that they are of; expected `rows` and `gradientOn` in the context, as a learner gives them.',
  )
}

const mapped = (
  tensors: TensorsByPath,
  make: (path: string, tensor: Tensor) => Tensor,
): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(tensors).map(([path, one]) => [path, make(path, one)]))
