/**
 * Loss scaling (Micikevicius et al. 2018, section 3.2): gradients in half precision are lost below 6·10⁻⁸, so
 * the loss is multiplied by a large number before the backward pass and the gradients are divided by it
 * afterwards.
 */
import {
  assign,
  checkArgument,
  checkOptions,
  checkState,
  checks,
  type Device,
  divide,
  elementwise,
  expression,
  globalNorm,
  multiply,
  makeOwned,
  scope,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { type GradientTransform, restorable } from './gradient-transform.ts'

/** How `dynamicLossScale` shall search. */
export interface LossScaleOptions {
  /** The first scale, ≥ 1; 65,536 unless given. */
  readonly initial?: number
  /** Updates without an overflow after which the scale doubles, a positive integer; 2,000 unless given. */
  readonly growAfter?: number
}

/** The first stage of a chain for a loss that was multiplied by `scaled`. */
export interface LossScale extends GradientTransform {
  /** The loss whose gradient is to be taken. */
  scaled(loss: Tensor): Tensor
  /** A gradient of the scaled loss, or its norm, divided by the scale. Call it before the next transform. */
  unscaled(gradient: Tensor): Tensor
  /** Reads the present scale; the initial one before the first step. */
  read(): Promise<number>
  /** Frees what it keeps on a device. */
  dispose(): void
}

interface LossScaleState {
  readonly scale: number
  readonly clean: number
}

const checkScale = (state: unknown): LossScaleState =>
  checkState<LossScaleState>('dynamicLossScale', state, {
    scale: checks.number({ from: 1, infinite: true }),
    clean: checks.integer({ from: 0 }),
  })

const { add, constant, divide: over, input, less, maximum, scalar, select, subtract } = expression
// x / scale, or NaN throughout where the norm is not finite: ∞ − ∞ and NaN − NaN are NaN, a number minus
// itself is 0.
const trueGradient = add(over(input(0), input(1)), subtract(input(2), input(2)))
const isFinite = less(expression.abs(input(0)), constant(Infinity))
// inputs: norm, steps without overflow; scalar 0: after how many the scale doubles
const isDue = less(subtract(scalar(0), constant(1.5)), input(1))
const nextClean = select(isFinite, select(isDue, constant(0), add(input(1), constant(1))), constant(0))
// inputs: norm, steps without overflow, scale
const nextScale = select(
  isFinite,
  select(isDue, expression.multiply(input(2), constant(2)), input(2)),
  maximum(constant(1), over(input(2), constant(2))),
)

/**
 * A loss scale that finds its own size, on the device and without reading anything back: it halves when a
 * gradient overflows (the step is then skipped by making every gradient NaN, which optimizers leave alone)
 * and doubles after a long run of steps without. A step that was skipped still counts for the bias correction
 * of moments.
 *
 * @throws OptionError for an initial scale below 1 or a run that is not a positive integer.
 * @example
 * ```ts
 * const lossScale = dynamicLossScale()
 * const optimizer = chain(lossScale, clipByGlobalNorm(1), adamw({ learningRate: 1e-3 }))
 * const weights = { x }
 * const loss = (w: TensorsByPath) => sum(multiply(w['x'], w['x']))
 * const { gradient } = valueAndGrad((w: TensorsByPath) => lossScale.scaled(loss(w)))(weights)
 * const updates = optimizer.transform(gradient, { parameters: weights, step: 0 })
 * ```
 */
export function dynamicLossScale(options: LossScaleOptions = {}): LossScale {
  checkOptions('dynamicLossScale', options, {
    initial: checks.number({ from: 1 }),
    growAfter: checks.integer({ from: 1 }),
  })
  const { initial = 2 ** 16, growAfter = 2000 } = options
  let start: LossScaleState = { scale: initial, clean: 0 }
  let kept: { device: Device; scale: Tensor; clean: Tensor } | undefined
  const dispose = (): void => {
    kept?.scale.release()
    kept?.clean.release()
    kept = undefined
  }
  const on = (device: Device): { scale: Tensor; clean: Tensor } => {
    if (kept?.device !== device) {
      dispose()
      const scalar = (value: number): Tensor =>
        makeOwned(() => device.tensor([value], { shape: [], dtype: 'f32' }, 'dynamicLossScale'))
      kept = { device, scale: scalar(start.scale), clean: scalar(start.clean) }
    }
    return kept
  }
  return {
    name: 'dynamic loss scale',
    mirrors: [],
    skipsSteps: true,
    scaled(loss) {
      checkArgument('dynamicLossScale: scaled', 'loss', loss, checks.tensor)
      return multiply(loss, on(loss.device).scale)
    },
    unscaled(gradient) {
      checkArgument('dynamicLossScale: unscaled', 'gradient', gradient, checks.tensor)
      return divide(gradient, on(gradient.device).scale)
    },
    transform(gradients: TensorsByPath) {
      const [first] = Object.values(gradients)
      if (first === undefined) return gradients
      const { scale, clean } = on(first.device)
      const norm = globalNorm(Object.values(gradients))
      const unscaled = Object.entries(gradients).map(
        ([path, gradient]) => [path, elementwise(trueGradient, [gradient, scale, norm])] as const,
      )
      scope(() => {
        const [newScale, newClean] = [
          elementwise(nextScale, [norm, clean, scale], [growAfter]),
          elementwise(nextClean, [norm, clean], [growAfter]),
        ]
        assign(scale, newScale)
        assign(clean, newClean)
      })
      return Object.fromEntries(unscaled)
    },
    read: async () => (kept === undefined ? start.scale : (await kept.scale.read())[0]),
    dispose,
    toState: async (): Promise<LossScaleState> =>
      kept === undefined
        ? start
        : { scale: (await kept.scale.read())[0], clean: (await kept.clean.read())[0] },
    ...restorable(checkScale, (saved) => {
      dispose()
      start = saved
    }),
  }
}
