/** A matrix that an optimizer moves while it grows, beside each of its parts living alone. */
import { applyUpdates, type GradientTransform } from '@burgeon/autograd/optim'
import {
  applyPlan,
  type Device,
  extendAxis,
  inversePlan,
  type Mirror,
  ParameterStore,
  type Plan,
  scope,
  keepAxis,
} from '@burgeon/tensor'

/** What happens to the matrix: it grows along an axis, its latest growth is undone, or it takes steps. */
export type Happening =
  | { readonly kind: 'grow'; readonly axis: 0 | 1; readonly by: number }
  | { readonly kind: 'undo' }
  | { readonly kind: 'live'; readonly steps: number }

/** A gradient that depends on step and element and on the element itself. */
const gradientAt = (step: number, row: number, column: number, value: number): number =>
  Math.fround(Math.sin(3 * step + row + 7 * column) + 0.5 * value)

const path = 'w'

/** Numbers that were born together, alone in a parameter with an optimizer of their own. */
interface Alone {
  readonly store: ParameterStore
  readonly optimizer: GradientTransform
  /** Row and column names of its numbers. */
  readonly places: readonly (readonly [number, number])[]
}

/** Rows and columns have names that they keep, so that every number can be found again. */
export class GrownParameter {
  readonly store = new ParameterStore()
  readonly #device: Device
  readonly #make: () => GradientTransform
  #optimizer: GradientTransform
  readonly #alone: Alone[] = []
  #names: [number[], number[]]
  #undo: { plan: Plan; names: [number[], number[]] }[] = []
  #nextName = 0
  #step = 0

  constructor(device: Device, make: () => GradientTransform, shape: readonly [number, number]) {
    this.#device = device
    this.#make = make
    this.#optimizer = make()
    this.#names = [this.#newNames(shape[0]), this.#newNames(shape[1])]
    const start = Array.from({ length: shape[0] * shape[1] }, (_, i) => Math.cos(i))
    scope(() => this.store.add(path, ['embed', 'mlpHidden'], device.tensor(start, { shape, dtype: 'f32' })))
    this.#liveAlone(this.places())
  }

  get mirrors(): readonly Mirror[] {
    return this.#optimizer.mirrors
  }

  happen(event: Happening): void {
    if (event.kind === 'live') for (let i = 0; i < event.steps; i++) this.#takeStep()
    else if (event.kind === 'grow') this.#grow(event.axis, event.by)
    else this.#takeBack()
  }

  state(): Promise<unknown> {
    return this.#optimizer.toState()
  }

  /** Goes on from a saved state, with another optimizer. */
  restore(state: unknown): void {
    for (const mirror of this.mirrors) mirror.dispose?.()
    this.#optimizer = this.#make()
    this.#optimizer.restore(structuredClone(state), this.store)
  }

  async resume(): Promise<void> {
    this.restore(await this.state())
  }

  places(): [number, number][] {
    return this.#names[0].flatMap((row) => this.#names[1].map((column): [number, number] => [row, column]))
  }

  numbers(): number[] {
    return [...this.store.get(path).tensor.readSync()]
  }

  /** What the same numbers are in the lives of the parts alone. */
  numbersAlone(): number[] {
    const all = new Map<string, number>()
    for (const { store, places } of this.#alone) {
      const numbers = store.get(path).tensor.readSync()
      places.forEach((place, i) => all.set(String(place), numbers[i]))
    }
    return this.places().map((place) => all.get(String(place)) ?? Number.NaN)
  }

  dispose(): void {
    for (const { store, optimizer } of [...this.#alone, { store: this.store, optimizer: this.#optimizer }]) {
      store.dispose()
      for (const mirror of optimizer.mirrors) mirror.dispose?.()
    }
  }

  #newNames(count: number): number[] {
    return Array.from({ length: count }, () => this.#nextName++)
  }

  #grow(axis: 0 | 1, by: number): void {
    const before = new Set(this.places().map(String))
    const { shape } = this.store.get(path).tensor
    const dimensions = shape.map((n, i) => (i === axis ? extendAxis(n, n + by) : keepAxis(n)))
    const fresh = { kind: 'normal', standardDeviation: 0.5 } as const
    const plan: Plan = {
      summary: 'wider',
      key: [this.#nextName, axis],
      changes: [{ kind: 'resize', path, dimensions, fresh }],
    }
    applyPlan(plan, this.store, this.mirrors, this.#device)
    this.#undo.push({ plan, names: this.#names })
    const more = this.#newNames(by)
    this.#names = [
      [...this.#names[0], ...(axis === 0 ? more : [])],
      [...this.#names[1], ...(axis === 1 ? more : [])],
    ]
    this.#liveAlone(this.places().filter((place) => !before.has(String(place))))
  }

  #takeBack(): void {
    const last = this.#undo.pop()
    if (last === undefined) return
    applyPlan(inversePlan(last.plan), this.store, this.mirrors, this.#device)
    this.#names = last.names
  }

  #liveAlone(places: readonly (readonly [number, number])[]): void {
    const [all, now] = [this.places().map(String), this.numbers()]
    const start = places.map((place) => now[all.indexOf(String(place))])
    const store = new ParameterStore()
    scope(() =>
      store.add(path, ['embed'], this.#device.tensor(start, { shape: [start.length], dtype: 'f32' })),
    )
    this.#alone.push({ store, optimizer: this.#make(), places })
  }

  #takeStep(): void {
    const whole = { store: this.store, optimizer: this.#optimizer, places: this.places() }
    for (const { store, optimizer, places } of [whole, ...this.#alone]) {
      scope(() => {
        const parameters = store.tensors()
        const values = parameters[path].readSync()
        const numbers = places.map(([row, column], i) => gradientAt(this.#step, row, column, values[i]))
        const gradients = { [path]: this.#device.tensor(numbers, parameters[path]) }
        applyUpdates(parameters, optimizer.transform(gradients, { parameters, step: this.#step }))
      })
    }
    this.#step++
  }
}
