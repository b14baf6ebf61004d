/** Parameters of several shapes that an optimizer moves, by gradients that anyone can work out on paper. */
import { applyUpdates, type GradientTransform } from '@burgeon/autograd/optim'
import {
  applyPlan,
  type Axis,
  type Device,
  ParameterStore,
  type Plan,
  scope,
  type Shape,
  sizeOf,
  type Tensor,
} from '@burgeon/tensor'

/** A gradient that depends on step and place and on the number itself. */
export const gradientAt = (step: number, place: number, value: number): number =>
  Math.fround(Math.sin(3 * step + place ** 1.5) + 0.5 * value)

/** What a number starts as. */
export const startAt = (place: number): number => Math.fround(Math.cos(1 + 2.5 * place))

/** A run of an optimizer. */
export class OptimizerLife {
  readonly device: Device
  readonly store: ParameterStore
  readonly optimizer: GradientTransform

  constructor(device: Device, optimizer: GradientTransform, shapes: Readonly<Record<string, Shape>>) {
    this.device = device
    this.optimizer = optimizer
    this.store = new ParameterStore()
    const axis: Axis = 'embed'
    for (const [path, shape] of Object.entries(shapes)) {
      const start = Array.from({ length: sizeOf(shape) }, (_, i) => startAt(i))
      const axes = shape.map(() => axis)
      scope(() => this.store.add(path, axes, device.tensor(start, { shape, dtype: 'f32' })))
    }
  }

  /**
   * @param gradientOf The gradient of a number; `gradientAt` unless given.
   * @param nonFinite Told to skip, the optimizer leaves alone what it would refuse.
   */
  step(step: number, gradientOf: typeof gradientAt = gradientAt, nonFinite?: 'skip'): void {
    scope(() => {
      const parameters = this.store.tensors()
      const gradients = Object.entries(parameters).map(([path, tensor]): [string, Tensor] => {
        const gradients = [...tensor.readSync()].map((value, i) => gradientOf(step, i, value))
        return [path, this.device.tensor(gradients, tensor)]
      })
      const context = { parameters, step, ...(nonFinite && { nonFinite }) }
      applyUpdates(parameters, this.optimizer.transform(Object.fromEntries(gradients), context))
    })
  }

  steps(from: number, to: number): void {
    for (let step = from; step < to; step++) this.step(step)
  }

  apply(plan: Plan): void {
    applyPlan(plan, this.store, this.optimizer.mirrors, this.device)
  }

  numbers(path: string): number[] {
    return [...this.store.get(path).tensor.readSync()]
  }

  all(): Record<string, number[]> {
    return Object.fromEntries([...this.store].map(({ path }) => [path, this.numbers(path)]))
  }

  dispose(): void {
    this.store.dispose()
    for (const mirror of this.optimizer.mirrors) mirror.dispose?.()
  }
}
