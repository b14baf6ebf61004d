/** Numbers as people read them. */

/** `1,234,567`. */
export const count = (value: number): string => Math.round(value).toLocaleString('en')

/** `1 growth`, `2 growths`. */
export const many = (value: number, noun: string): string =>
  `${count(value)} ${noun}${value === 1 ? '' : 's'}`

/** `2.31`; a dash where there is none. */
export const bits = (value: number | null | undefined): string => value?.toFixed(2) ?? '–'

/** `1.23 MB`, three digits. */
export const size = (bytes: number): string => metric(bytes, 'B')

/** `1.23 M`, three digits. */
export const compact = (value: number): string => metric(value, '').trimEnd()

const scales = ['', 'k', 'M', 'G', 'T']

function metric(value: number, unit: string): string {
  // What is rounded up to a thousand is one of the next.
  const rounded = Math.max(1, Number(value.toPrecision(3)))
  const scale = value < 999.5 ? 0 : Math.min(scales.length - 1, Math.floor(Math.log10(rounded) / 3))
  const scaled = value / 1000 ** scale
  const text = scale === 0 ? String(Math.round(value)) : String(Number(scaled.toPrecision(3)))
  return `${text} ${scales[scale]}${unit}`
}

/**
 * Round numbers from `from` to `to`, which is more, in about `wanted` equal steps of 1, 2 or 5 times a power of
 * ten; both ends lie within them.
 */
export function ticks(from: number, to: number, wanted: number): number[] {
  const rough = (to - from) / wanted
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10)
  const first = Math.floor(from / step + 1e-9)
  const last = Math.ceil(to / step - 1e-9)
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)))
}
