/** Where an axis is marked. */
export interface AxisTicks {
  readonly values: readonly number[]
  /** Distance between two ticks. */
  readonly step: number
  /** Decimals that tell two ticks apart. */
  readonly decimals: number
}

/**
 * Round values from at or below `min` to at or above `max`, about `wanted` of them, in steps of 1, 2 or 5
 * times a power of ten.
 */
export function axisTicks(min: number, max: number, wanted: number): AxisTicks {
  const range = max > min ? max - min : Math.abs(max) || 1
  const rough = range / Math.max(1, wanted)
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough * 0.999) ?? 10)
  const first = Math.floor(min / step + 1e-9)
  const last = Math.max(first + 1, Math.ceil((min + range) / step - 1e-9))
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9))
  const values = Array.from({ length: last - first + 1 }, (_, i) =>
    Number(((first + i) * step).toFixed(decimals)),
  )
  return { values, step, decimals }
}
