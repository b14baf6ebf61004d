/**
 * Rotary positions (Su et al. 2021, eq. 34): rotates pairs of channels by an angle that grows with the
 * position.
 */
import { concatenate, type Device, elementwise, expression, slice, type Tensor } from '@burgeon/tensor'

/** Cosines and sines of every position and pair, `[T, 1, D/2]` each. */
export interface RotaryTables {
  readonly cosines: Tensor
  readonly sines: Tensor
}

/**
 * The tables of positions `start` … `start + count − 1`.
 *
 * @param frequencies Radians per position of each pair.
 */
export function rotaryTables(
  device: Device,
  frequencies: readonly number[],
  start: number,
  count: number,
): RotaryTables {
  const angles = Array.from({ length: count }, (_, t) => frequencies.map((f) => (start + t) * f)).flat()
  const spec = { shape: [count, 1, frequencies.length], dtype: 'f32' } as const
  return {
    cosines: device.tensor(angles.map(Math.cos), spec, 'rotary'),
    sines: device.tensor(angles.map(Math.sin), spec, 'rotary'),
  }
}

const { add, input, multiply, subtract } = expression
const rotatedFirst = subtract(multiply(input(0), input(2)), multiply(input(1), input(3)))
const rotatedSecond = add(multiply(input(1), input(2)), multiply(input(0), input(3)))

/**
 * Rotates the pairs (i, i + D/2) of `x [B, T, H, D]`. The product of a query and a key then depends on their
 * distance alone.
 */
export function applyRotary(x: Tensor, { cosines, sines }: RotaryTables): Tensor {
  const [B, T, H, D] = x.shape
  const pair = [slice(x, [], [B, T, H, D / 2]), slice(x, [0, 0, 0, D / 2])]
  const halves = [rotatedFirst, rotatedSecond].map((half) => elementwise(half, [...pair, cosines, sines]))
  return concatenate(halves, 3)
}
