/** Small tensors on the reference device, drawn from a seed. */
import { type Device, keyFromSeed, RandomStream, type Shape, type Tensor } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'

export const device: Device = openReference()

export class Draw {
  readonly random: RandomStream

  constructor(seed: number) {
    this.random = new RandomStream(keyFromSeed(seed))
  }

  /** An integer from `min` to `max`. */
  between(min: number, max: number): number {
    return min + this.random.below(max - min + 1)
  }

  coin(probability = 0.5): boolean {
    return this.random.uniform() < probability
  }

  pick<T>(list: readonly T[]): T {
    return list[this.random.below(list.length)]
  }

  shape(rank = this.between(0, 3), largest = 3): number[] {
    return Array.from({ length: rank }, () => this.between(1, largest))
  }

  /** A shape that broadcasts to `shape`. */
  stretchable(shape: Shape): number[] {
    return shape.slice(this.between(0, shape.length)).map((n) => (this.coin(0.3) ? 1 : n))
  }

  /** The numbers 0 … n − 1 in some order. */
  order(n: number): number[] {
    const keyed = Array.from({ length: n }, (_, i) => [this.random.uniform(), i] as const)
    return keyed.sort(([a], [b]) => a - b).map(([, i]) => i)
  }

  /** Gaussian numbers. */
  tensor(shape: Shape, deviation = 1): Tensor {
    const size = shape.reduce((product, n) => product * n, 1)
    const numbers = Float64Array.from({ length: size }, () => deviation * this.random.normal())
    return device.tensor(numbers, { shape, dtype: 'f32' })
  }

  /** Numbers from `low` to `high`. */
  uniform(shape: Shape, low: number, high: number): Tensor {
    const size = shape.reduce((product, n) => product * n, 1)
    const numbers = Float64Array.from({ length: size }, () => low + (high - low) * this.random.uniform())
    return device.tensor(numbers, { shape, dtype: 'f32' })
  }

  /** Integers from `min` to `max`. */
  integers(shape: Shape, min: number, max: number): Tensor {
    const size = shape.reduce((product, n) => product * n, 1)
    const numbers = Int32Array.from({ length: size }, () => this.between(min, max))
    return device.tensor(numbers, { shape, dtype: 'i32' })
  }
}
