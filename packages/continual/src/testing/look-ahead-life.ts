/** Weights that a look-ahead is tried on. */
import { applyUpdates } from '@burgeon/autograd/optim'
import {
  add,
  applyPlan,
  type Device,
  extendAxis,
  mean,
  negate,
  ParameterStore,
  type Plan,
  scope,
  square,
  subtract,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import type { TaskLoss } from '../meta/adapt.ts'
import type { LookAhead, LookAheadGradients } from '../meta/look-ahead.ts'

/** The step before which the weights grow. */
export const growsAt = 4

/** What a life saw of one look. */
export interface Look {
  readonly found: LookAheadGradients<Tensor>
  /** The inner steps that were asked for, in order, by part and by the number that they were given. */
  readonly inner: readonly (readonly [part: number, step: number])[]
  /** The weights that the objective saw. */
  readonly ahead: Readonly<Record<string, readonly number[]>>
}

/** Numbers of tensors by path. */
export const numbersIn = (tensors: TensorsByPath): Record<string, readonly number[]> =>
  Object.fromEntries(Object.entries(tensors).map(([path, tensor]) => [path, [...tensor.readSync()]]))

const fresh = { kind: 'normal', standardDeviation: 0.5 } as const
/** Everything grows, and something joins. */
export const growth: Plan = {
  summary: 'everything grows',
  key: [5, 6],
  changes: [
    { kind: 'resize', path: 'w', dimensions: [extendAxis(3, 4), extendAxis(4, 6)], fresh },
    { kind: 'resize', path: 'b', dimensions: [extendAxis(4, 6)], fresh },
    { kind: 'add', path: 'joins', axes: ['embed', 'embed'], shape: [2, 2], initial: fresh },
  ],
}

/** Weights that learn by a look-ahead and plain descent. */
export class LookAheadLife {
  readonly part: LookAhead
  readonly store: ParameterStore = new ParameterStore()
  readonly #device: Device

  constructor(part: LookAhead, device: Device) {
    this.part = part
    this.#device = device
    scope(() => {
      this.store.add('w', ['embed', 'mlpHidden'], this.#wave([3, 4], 1))
      this.store.add('b', ['mlpHidden'], this.#wave([4], 2))
    })
  }

  #wave(shape: readonly number[], phase: number): Tensor {
    const size = shape.reduce((a, b) => a * b, 1)
    const numbers = Array.from({ length: size }, (_, i) => 1.5 * Math.sin(phase + 1.3 * i))
    return this.#device.tensor(numbers, { shape, dtype: 'f32' })
  }

  /** The sum over the weights of their mean squared distances from a wave. */
  #lossOf(weights: TensorsByPath, phase: number): Tensor {
    const distances = Object.values(weights).map((weight) =>
      mean(square(subtract(weight, this.#wave(weight.shape, phase)))),
    )
    return distances.reduce((a, b) => add(a, b))
  }

  /** Looks ahead in the current scope. Fresh rows pull to other places than all rows. */
  look(step: number, parts: number = this.part.steps, weights: TensorsByPath = this.store.tensors()): Look {
    const inner: (readonly [part: number, step: number])[] = []
    let ahead: Look['ahead'] = {}
    const tries = Array.from(
      { length: parts },
      (_, part): TaskLoss =>
        (w, at) => {
          inner.push([part, at])
          return this.#lossOf(w, 4 + part + 0.3 * step)
        },
    )
    const objective = (w: TensorsByPath): readonly [Tensor, Tensor] => {
      ahead = numbersIn(w)
      const loss = this.#lossOf(w, 5 + 0.2 * step)
      return [loss, loss]
    }
    return { found: this.part.gradients(objective, tries, weights), inner, ahead }
  }

  /** Learns rates, and no weights. */
  learnOnly(step: number): void {
    scope(() => this.part.learn(this.look(step).found.rates, { parameters: this.store.tensors(), step }))
  }

  /** One update; returns what was lost after the inner steps, and the weights then. */
  step(step: number): unknown {
    return scope(() => {
      const { found } = this.look(step)
      const context = { parameters: this.store.tensors(), step }
      this.part.learn(found.rates, context)
      const updates = Object.entries(this.part.transform(found.gradient, context))
      const descent = Object.fromEntries(updates.map(([path, update]) => [path, negate(update)]))
      applyUpdates(this.store.tensors(), descent)
      return [[...found.aux.readSync()], numbersIn(this.store.tensors())]
    })
  }

  steps(from: number, to: number): unknown[] {
    return Array.from({ length: to - from }, (_, i) => {
      if (from + i === growsAt) this.apply(growth)
      return this.step(from + i)
    })
  }

  apply(plan: Plan): void {
    applyPlan(plan, this.store, this.part.mirrors, this.#device)
  }
}
