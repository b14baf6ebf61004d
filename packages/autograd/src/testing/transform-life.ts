/** Parameters that a gradient transform is tried on, with gradients that anyone can work out on paper. */
import {
  applyPlan,
  type Device,
  extendAxis,
  ParameterStore,
  type Plan,
  scope,
  type Shape,
  sizeOf,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import {
  applyUpdates,
  type GradientTransform,
  type UpdateContext,
} from '../optim/transforms/gradient-transform.ts'

/** Shapes of parameters, by path. */
export type Shapes = Readonly<Record<string, Shape>>

/** Shape and numbers of tensors, by path. */
export type Numbers = Readonly<Record<string, { readonly shape: Shape; readonly numbers: readonly number[] }>>

/** Reads the present numbers of tensors. */
const numbersIn = (tensors: TensorsByPath): Numbers =>
  Object.fromEntries(
    Object.entries(tensors).map(([path, tensor]) => [
      path,
      { shape: tensor.shape, numbers: [...tensor.readSync()] },
    ]),
  )

/** The results of one update. */
export interface Seen {
  readonly gradients: Numbers
  readonly returned: Numbers
}

/** How one update differs from an ordinary one. */
export interface StepOptions {
  /** Paths that have a gradient. Default: all. */
  readonly paths?: readonly string[]
  /** The same gradient for every number, instead of its own. */
  readonly gradient?: number
  readonly nonFinite?: 'skip'
}

/** The goal of a number of a parameter: the loss is Σ ½·(w − goal)². */
const goalAt = (place: number): number => Math.sin(1.7 * place + 0.4)

/** A transform in use on parameters of these shapes. Its updates are added to them. */
export class TransformLife {
  readonly transform: GradientTransform
  readonly store: ParameterStore = new ParameterStore()
  readonly #device: Device

  constructor(transform: GradientTransform, device: Device, shapes: Shapes) {
    this.transform = transform
    this.#device = device
    for (const [path, shape] of Object.entries(shapes)) {
      const start = Array.from({ length: sizeOf(shape) }, (_, i) => goalAt(i) + 1.5 * Math.cos(2.5 * i + 1))
      const axes = shape.map(() => 'embed' as const)
      scope(() => this.store.add(path, axes, device.tensor(start, { shape, dtype: 'f32' })))
    }
  }

  get paths(): readonly string[] {
    return [...this.store].map(({ path }) => path)
  }

  weights(): Numbers {
    return numbersIn(this.store.tensors())
  }

  loss(): number {
    const numbers = Object.values(this.weights()).flatMap((weight) =>
      weight.numbers.map((w, i) => 0.5 * (w - goalAt(i)) ** 2),
    )
    return numbers.reduce((sum, x) => sum + x, 0)
  }

  /** The gradients of the loss, with some noise as batches bring. They belong to the scope. */
  gradients(step: number, { paths = this.paths, gradient }: StepOptions = {}): Record<string, Tensor> {
    const entries = paths.map((path) => {
      const { tensor } = this.store.get(path)
      const numbers = Array.from(
        tensor.readSync(),
        (w, i) => gradient ?? w - goalAt(i) + 0.05 * Math.sin(3 * step + i ** 1.5),
      )
      return [path, this.#device.tensor(numbers, tensor)] as const
    })
    return Object.fromEntries(entries)
  }

  /**
   * Returns the updates that the transform makes of a step's gradients, before they are added to anything.
   */
  look(step: number, options: StepOptions = {}): Seen {
    return scope(() => {
      const gradients = this.gradients(step, options)
      const returned = this.transform.transform(gradients, this.context(step, options))
      return { gradients: numbersIn(gradients), returned: numbersIn(returned) }
    })
  }

  /** Makes one update. */
  step(step: number, options: StepOptions = {}): Numbers {
    return scope(() => {
      const updates = this.transform.transform(this.gradients(step, options), this.context(step, options))
      const returned = numbersIn(updates)
      applyUpdates(this.store.tensors(), updates, { nonFinite: 'skip' })
      return returned
    })
  }

  steps(from: number, to: number): Numbers[] {
    return Array.from({ length: to - from }, (_, i) => this.step(from + i))
  }

  context(step: number, { nonFinite }: StepOptions = {}): UpdateContext {
    return {
      parameters: this.store.tensors(),
      step,
      // Whatever the rows, they want every weight to be larger.
      gradientOn: () => this.gradients(step, { gradient: -0.3 }),
      ...(nonFinite && { nonFinite }),
    }
  }

  /** Grows the parameters, or undoes a growth. */
  apply(plan: Plan): void {
    applyPlan(plan, this.store, this.transform.mirrors, this.#device)
  }
}

/** A plan that adds two slices at the end of every dimension of every parameter, and a new parameter. */
export function growthOf(shapes: Shapes): Plan {
  const fresh = { kind: 'normal', standardDeviation: 0.5 } as const
  const resizes = Object.entries(shapes).map(([path, shape]) => {
    const dimensions = shape.map((n) => extendAxis(n, n + 2))
    return { kind: 'resize', path, dimensions, fresh } as const
  })
  const added = {
    kind: 'add',
    path: 'joins',
    axes: ['embed', 'embed'],
    shape: [2, 2],
    initial: fresh,
  } as const
  return { summary: 'everything grows', key: [3, 4], changes: [...resizes, added] }
}
