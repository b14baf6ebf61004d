/** The typed errors of continual learning. Each message names the part, what came, what was expected and what to do. */

/** An option or argument is outside its range. */
export class OptionError extends RangeError {
  override readonly name = 'OptionError'
  readonly option: string
  readonly got: unknown
  readonly expected: string

  constructor(owner: string, option: string, got: unknown, expected: string) {
    super(`${owner}: got ${option} ${shown(got)}; expected ${expected}.`)
    this.option = option
    this.got = got
    this.expected = expected
  }
}

/** A measurement is no finite number of sane size; what received it is unchanged. */
export class SignalError extends RangeError {
  override readonly name = 'SignalError'
}

/** A saved state does not belong to what it was given to, or a number in it was lost. */
export class StateError extends TypeError {
  override readonly name = 'StateError'
}

/** A metric needs an evaluation that was not recorded, or one was recorded twice. */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError'
}

/** Throws an `OptionError` unless `holds`. */
export function requireOption(
  holds: boolean,
  owner: string,
  option: string,
  got: unknown,
  expected: string,
): asserts holds {
  if (!holds) throw new OptionError(owner, option, got, expected)
}

/** Squares and sums of squares of anything larger could overflow, and an infinity would stay in a state for ever. */
const largest = 1e100

/** The same number, never −0 (which JSON would turn into 0). Throws a `SignalError` for NaN, ±∞ and beyond ±1e100. */
export function requireMeasurement(owner: string, value: number): number {
  if (Math.abs(value) <= largest) return value + 0
  throw new SignalError(
    `${owner}: got ${shown(value)}; expected a finite number between ±${largest}. Find the step that produced it; ` +
      'nothing was recorded.',
  )
}

/** A value as messages quote it. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value)
}
