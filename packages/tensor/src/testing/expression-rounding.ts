/**
 * Bounds on rounding errors: evaluates a scalar expression together with a bound on the error that f32
 * arithmetic makes in it (running error analysis: Wilkinson 1986; Higham 2002, section 3.3).
 */
import {
  applyBinary,
  applyUnary,
  type BinaryName,
  type Expression,
  topologicalOrder,
  type UnaryName,
} from '../expression/expression.ts'

/** Half a unit in the last place of 1 in f32: the relative error of one correctly rounded operation. */
export const roundoff: number = 2 ** -24
/** Error that `exp`, `tanh`, … may make, in units of `roundoff`: two units in the last place. */
const functionError = 4
/** Smaller f32 numbers are subnormal; a device may take them for 0. */
export const smallestNormal: number = 2 ** -126
const largestFinite = (2 - 2 ** -23) * 2 ** 127

/**
 * A number as f32 arithmetic may compute it: within `error` of `value`. With an infinite error any number is
 * allowed.
 */
export interface Rounded {
  readonly value: number
  readonly error: number
}

/** Returns a number that f32 must round first. */
export function roundedToF32(value: number): Rounded {
  return { value, error: Number.isFinite(value) ? Math.abs(Math.fround(value) - value) : 0 }
}

/** Returns a function of (inputs, scalars) that computes the value with its error bound. */
export function roundingEvaluator(
  expression: Expression,
): (inputs: readonly Rounded[], scalars: readonly number[]) => Rounded {
  const order = topologicalOrder(expression)
  return (inputs, scalars) => {
    const known = new Map<Expression, Rounded>()
    for (const node of order)
      known.set(
        node,
        step(node, (child) => known.get(child) as Rounded, inputs, scalars),
      )
    return known.get(expression) as Rounded
  }
}

function step(
  node: Expression,
  at: (child: Expression) => Rounded,
  inputs: readonly Rounded[],
  scalars: readonly number[],
): Rounded {
  switch (node.kind) {
    case 'input':
      return inputs[node.index]
    case 'scalar':
      return roundedToF32(scalars[node.index])
    case 'constant':
      return roundedToF32(node.value)
    case 'unary':
      return inRange(applyUnary(node.name, at(node.x).value), unaryError(node.name, at(node.x)))
    case 'binary': {
      const [x, y] = [at(node.x), at(node.y)]
      return inRange(applyBinary(node.name, x.value, y.value), binaryError(node.name, x, y))
    }
    case 'select':
      return choose(at(node.condition), at(node.x), at(node.y))
  }
}

/** Where rounding may change the condition, either branch is allowed. */
function choose(condition: Rounded, x: Rounded, y: Rounded): Rounded {
  const [taken, other] = condition.value !== 0 ? [x, y] : [y, x]
  if (condition.error === 0 || Math.abs(condition.value) > condition.error) return taken
  const apart = Math.abs(taken.value - other.value) + other.error
  return { value: taken.value, error: Number.isNaN(apart) ? Infinity : Math.max(taken.error, apart) }
}

/** Lets a value overflow as f32 does. */
function inRange(value: number, error: number): Rounded {
  if (error === Infinity || !Number.isFinite(value)) return { value, error }
  if (Math.abs(value) - error > largestFinite) return { value: Math.sign(value) * Infinity, error: 0 }
  return { value, error: Math.abs(value) + error > largestFinite ? Infinity : error }
}

/** The error of rounding a result to f32: 0 for an exact 0, and as far as 0 for a subnormal number. */
function rounding(value: number, units: number): number {
  return value === 0 ? 0 : units * roundoff * Math.abs(value) + smallestNormal
}

/** A bound on |f(x̂) − f(x)| for every x̂ within x.error of x.value, with the error of f itself. */
function unaryError(name: UnaryName, { value: x, error: e }: Rounded): number {
  const value = applyUnary(name, x)
  if (e === Infinity) return Infinity
  // NaN and infinities must be exact.
  if (!Number.isFinite(value)) return 0
  const own = rounding(value, functionError)
  const nearest = Math.max(0, Math.abs(x) - e)
  switch (name) {
    case 'negate':
    case 'abs':
    case 'stopGradient':
      return e
    case 'floor':
      return Math.floor(x - e) === Math.floor(x + e) ? 0 : Math.ceil(e)
    case 'exp':
      return value * Math.expm1(e) + own
    case 'expm1':
      return (value + 1) * Math.expm1(e) + own
    case 'log1p':
      return e === 0 ? own : x + 1 > e ? e / (x + 1 - e) + own : Infinity
    case 'log':
      return e === 0 ? own : x > e ? e / (x - e) + own : Infinity
    case 'sqrt':
      return e === 0 ? own : x > e ? e / Math.sqrt(x - e) + own : Infinity
    case 'sigmoid':
      // s′ = s(1 − s) is largest at 0, and falls to both sides. The exponential's error, a sum's and a
      // quotient's.
      return e * applyUnary(name, nearest) * applyUnary(name, -nearest) + own + rounding(value, 1)
    case 'tanh':
      return e * (1 - Math.tanh(nearest) ** 2) + own
    case 'erf':
      return e * (2 / Math.sqrt(Math.PI)) * Math.exp(-nearest * nearest) + own
    case 'sin':
    case 'cos':
      // Far from 0 a device may lose the angle; the result must still be a sine.
      if (Math.abs(x) > 1e5) return 2
      return e + (Math.abs(x) < 1 ? own : functionError * roundoff)
  }
}

/** A bound on the error of a function of two arguments, as `unaryError`. */
function binaryError(name: BinaryName, x: Rounded, y: Rounded): number {
  const value = applyBinary(name, x.value, y.value)
  const both = x.error + y.error
  const room = Math.abs(y.value) - y.error
  if (both === Infinity || (name === 'divide' && y.error > 0 && room <= 0)) return Infinity
  if (name === 'pow' && isOpenPower(x, y)) return Infinity
  if (!Number.isFinite(value)) return 0
  switch (name) {
    case 'add':
    case 'subtract':
      return both + roundoff * Math.abs(value)
    case 'multiply':
      return (
        Math.abs(x.value) * y.error + Math.abs(y.value) * x.error + x.error * y.error + rounding(value, 1)
      )
    case 'divide':
      return (x.error + Math.abs(value) * y.error) / room + rounding(value, 1)
    case 'pow':
      return powerError(x, y)
    case 'minimum':
    case 'maximum':
      return Math.max(x.error, y.error)
    case 'less':
    case 'equal':
      return both > 0 && Math.abs(x.value - y.value) <= both ? 1 : 0
  }
}

/**
 * The error of xʸ = e^(y log|x|): the arguments' errors in the exponent, and its own rounding, for a device
 * may round log|x| before it is multiplied by y.
 */
function powerError(x: Rounded, y: Rounded): number {
  const value = applyBinary('pow', x.value, y.value)
  if (x.value === 0) return rounding(value, functionError)
  const logarithm = Math.abs(Math.log(Math.abs(x.value)))
  const exponent = Math.abs(y.value) * logarithm
  const relative = x.error > 0 ? x.error / (Math.abs(x.value) - x.error) : 0
  const byBase = relative > 0 ? (Math.abs(y.value) + y.error) * relative : 0
  const byExponent = y.error > 0 ? y.error * (logarithm + relative) : 0
  const own = functionError * (1 + (Number.isFinite(exponent) ? exponent : 0))
  const growth = Math.expm1(byBase + byExponent)
  // A result that is too small for f32 here may be any number there.
  return growth === Infinity ? Infinity : Math.abs(value) * growth + rounding(value, own)
}

/**
 * Whether a power may jump within its arguments' errors: to another sign, to NaN, or beside 1 to an infinite
 * power.
 */
function isOpenPower(x: Rounded, y: Rounded): boolean {
  const size = Math.abs(x.value)
  const besideOne = Math.abs(size - 1) <= x.error && Math.abs(y.value) === Infinity
  if (x.error > 0 && (size <= x.error || besideOne)) return true
  const besideZero = (size === 0 || size === Infinity) && Math.abs(y.value) <= y.error
  return y.error > 0 && (x.value <= 0 || besideZero)
}
