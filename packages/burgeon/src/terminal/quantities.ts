/** A whole number with thin groups of three: 1234567 → `1,234,567`. The same in every locale. */
export function count(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',')
}

/** A whole number and what is counted: `1 change`, `2 changes`. */
export function many(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? '' : 's'}`
}

const scales = ['', 'k', 'M', 'G', 'T', 'P']

/** A number in three significant digits with a metric letter: 1234567 → `1.23 M`. */
export function compactCount(value: number): string {
  return metric(value, '')
}

/** A size in bytes, decimal units: 1234567 → `1.23 MB`. */
export function byteSize(bytes: number): string {
  return metric(bytes, 'B')
}

/** A speed in bytes per second, always in kB/s, so that two of them compare at a glance. */
export function byteRate(bytesPerSecond: number): string {
  const kilo = bytesPerSecond / 1000
  return `${kilo.toFixed(kilo < 10 ? 2 : kilo < 100 ? 1 : 0)} kB/s`
}

/** A length of time: `0.4 s`, `12 s`, `2 min 05 s`, `3 h 07 min`, `4 d 11 h`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?'
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${twoDigits(whole % 60)} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`
  const hours = Math.round(seconds / 3600)
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** A share from 0 to 1: `42%`. Rounded down, so that 100% means done. */
export function percent(share: number): string {
  return `${Math.floor(100 * share)}%`
}

/** Bits per byte, three decimals: differences below a thousandth are noise. */
export function bitsPerByte(value: number): string {
  return Number.isFinite(value) ? value.toFixed(3) : '?'
}

/** A difference with its sign, a real minus and the given decimals: `+0.120`, `−0.034`, `0.000`. */
export function signed(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return '?'
  const digits = Math.abs(value).toFixed(decimals)
  if (Number(digits) === 0) return digits
  return `${value < 0 ? '\u2212' : '+'}${digits}`
}

function metric(value: number, unit: string): string {
  if (!Number.isFinite(value)) return '?'
  let scaled = Math.abs(value)
  let scale = 0
  while (Number(scaled.toPrecision(3)) >= 1000 && scale < scales.length - 1) {
    scaled /= 1000
    scale += 1
  }
  const digits =
    scale === 0 ? String(Math.round(scaled)) : Number(scaled.toPrecision(3)).toFixed(decimals(scaled))
  const suffix = scales[scale] + unit
  return `${value < 0 ? '\u2212' : ''}${digits}${suffix && ` ${suffix}`}`
}

function decimals(value: number): number {
  const shown = Number(value.toPrecision(3))
  return shown < 10 ? 2 : shown < 100 ? 1 : 0
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
