/**
 * Rotary positions (Su et al. 2021, eq. 34): rotates pairs of channels by an angle that grows with the
 * position.
 */
import { concatenate, type Device, elementwise, expression, slice, type Tensor } from '@burgeon/tensor'
import type { GptConfig } from '../../config/gpt-config.ts'

/** Cosines and sines of every position and pair, `[T, 1, D/2]` each, or `[B, T, 1, D/2]`. */
export interface RotaryTables {
  readonly cosines: Tensor
  readonly sines: Tensor
}

/**
 * The rotary tables of each block. Blocks with the same frequencies share theirs; without rotary positions
 * there are none.
 *
 * @param pasts Positions before the first one: one number for all rows of the batch, or one for each.
 */
export function rotaryTablesOf(
  config: GptConfig,
  device: Device,
  pasts: readonly number[],
  T: number,
): (RotaryTables | undefined)[] {
  const made = new Map<string, RotaryTables>()
  return config.blocks.map(({ frequencies }) => {
    if (frequencies === undefined) return undefined
    const key = frequencies.join()
    const tables = made.get(key) ?? rotaryTables(device, frequencies, pasts, T)
    made.set(key, tables)
    return tables
  })
}

/**
 * The tables of `count` positions after each of `pasts`.
 *
 * @param frequencies Radians per position of each pair.
 */
function rotaryTables(
  device: Device,
  frequencies: readonly number[],
  pasts: readonly number[],
  count: number,
): RotaryTables {
  const positions = pasts.flatMap((past) => Array.from({ length: count }, (_, t) => past + t))
  const angles = positions.flatMap((position) => frequencies.map((f) => position * f))
  const perRow = [count, 1, frequencies.length]
  const spec = { shape: pasts.length === 1 ? perRow : [pasts.length, ...perRow], dtype: 'f32' } as const
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
